import { describe, expect, it } from 'vitest';
import type { KeyPart } from './key-map.ts';
import { makePairIndex, makeUniqueIndex } from './table-index.ts';

type Row = {
  readonly id: KeyPart;
  /** Undefined for a row that is not in the index. */
  readonly group: string | undefined;
  readonly order: number;
};

const row = (id: KeyPart, group: string | undefined, order = 0): Row => ({
  id,
  group,
  order,
});

const key = { idOf: (each: Row): KeyPart => each.id };
const unique = { keyOf: ({ group }: Row) => group, tableName: 'things' };

describe('a unique index', () => {
  it('finds a row by its key as long as it has it', () => {
    const { index, keeper } = makeUniqueIndex<Row>({ ...unique, key });
    const [first, second, moved] = [
      row(1, 'a'),
      row(2, undefined),
      row(1, 'b'),
    ] as const;
    keeper.replace(undefined, first);
    keeper.replace(undefined, second);
    expect([index.get('a'), index.has('a')]).toEqual([first, true]);
    expect([index.get('b'), index.has('b')]).toEqual([undefined, false]);
    const same = row(1, 'a', 7);
    keeper.replace(first, same);
    expect(index.get('a')).toBe(same);
    keeper.replace(same, moved);
    expect([index.has('a'), index.get('b')]).toEqual([false, moved]);
    keeper.replace(moved, undefined);
    expect(index.has('b')).toBe(false);
  });

  it('lets nobody else have a key that is taken', () => {
    const { keeper } = makeUniqueIndex<Row>({ ...unique, key });
    const first = row(1, 'a');
    keeper.replace(undefined, first);
    keeper.insist(first, row(1, 'a'));
    keeper.insist(undefined, row(2, 'b'));
    keeper.insist(undefined, row(2, undefined));
    for (const before of [undefined, row(2, 'b')]) {
      expect(() => keeper.insist(before, row(2, 'a'))).toThrow(
        'table things: rows 1 and 2 both claim a in a unique index',
      );
    }
  });
});

describe('an index of pairs', () => {
  it('lets rows of other first columns have the same key, and nobody else', () => {
    const { index, keeper } = makePairIndex<Row>({
      ...unique,
      key: { ...key, firstOf: ({ order }) => order },
    });
    const [one, other, none] = [
      row(1, 'a', 1),
      row(2, 'a', 2),
      row(3, undefined, 1),
    ] as const;
    for (const each of [one, other, none]) {
      keeper.insist(undefined, each);
      keeper.replace(undefined, each);
    }
    expect(index.get(1, 'a')).toBe(one);
    expect(index.get(2, 'a')).toBe(other);
    expect(index.get(2, 'b')).toBe(undefined);
    expect(() => keeper.insist(undefined, row(4, 'a', 2))).toThrow(
      'table things: rows 2 and 4 both claim a in a unique index',
    );
    const moved = row(2, 'b', 2);
    keeper.insist(other, moved);
    keeper.replace(other, moved);
    expect([index.get(2, 'a'), index.get(2, 'b')]).toEqual([undefined, moved]);
    expect(index.get(1, 'a')).toBe(one);
    keeper.replace(moved, undefined);
    expect(index.get(2, 'b')).toBe(undefined);
  });
});
