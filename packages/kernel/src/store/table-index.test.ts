import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys } from '@cooperage/protocol';
import type { KeyPart } from './key-map.ts';
import {
  makeGroupIndex,
  makePairIndex,
  makeUniqueIndex,
} from './table-index.ts';
import { MOST_TOGETHER } from './wide-map.ts';

/** Fewer when the tests themselves are tested: see scripts/mutation.mjs. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60);

type Row = {
  readonly id: KeyPart;
  /** Undefined for a row that is in no group. */
  readonly group: string | undefined;
  readonly order: number;
};

const row = (id: KeyPart, group: string | undefined, order = 0): Row => ({
  id,
  group,
  order,
});

const compareIds = (left: KeyPart, right: KeyPart): number =>
  typeof left === 'number' && typeof right === 'number'
    ? left - right
    : compareKeys(String(left), String(right));

const key = { idOf: (each: Row): KeyPart => each.id };

/** An index of groups beside the rows that are in it. */
const makePair = (isOrdered: boolean) => {
  const { index, keeper } = makeGroupIndex<Row>({
    groupOf: ({ group }) => group,
    orderOf: isOrdered ? ({ order }) => order : undefined,
    key,
  });
  const rows = new Map<KeyPart, Row>();
  const byOrder = (left: Row, right: Row): number =>
    left.order - right.order || compareIds(left.id, right.id);
  const inGroup = (group: string): Row[] => {
    const found = [...rows.values()].filter(each => each.group === group);
    return isOrdered ? found.sort(byOrder) : found;
  };
  const asSet = (some: readonly Row[]) => (isOrdered ? some : new Set(some));
  return {
    index,
    put: (after: Row): void => {
      keeper.insist(rows.get(after.id), after);
      keeper.replace(rows.get(after.id), after);
      rows.set(after.id, after);
    },
    delete: (id: KeyPart): void => {
      keeper.replace(rows.get(id), undefined);
      rows.delete(id);
    },
    insistSame: (): void => {
      for (const group of ['a', 'b', 'c']) {
        const wanted = inGroup(group);
        const found = index.values(group);
        expect(asSet(found)).toEqual(asSet(wanted));
        expect(found.filter(each => rows.get(each.id) !== each)).toEqual([]);
        expect(index.count(group)).toBe(wanted.length);
        expect(index.firsts(group, 2)).toEqual(found.slice(0, 2));
        expect(index.firsts(group, 99_999)).toEqual(found);
        expect(index.firsts(group, 0)).toEqual([]);
        expect(index.firsts(group, -1)).toEqual([]);
        expect(index.first(group)).toBe(found[0]);
        expect(index.last(group)).toBe(found.at(-1));
      }
      const named = [...rows.values()].flatMap(each => each.group ?? []);
      expect(new Set(index.groups())).toEqual(new Set(named));
    },
  };
};

const id = fc.oneof(fc.nat(9), fc.constantFrom('', 'x', '\uFFFD', '\u{1F600}'));
const steps = fc.array(
  fc.record({
    id,
    group: fc.constantFrom('a', 'a', 'b', 'c', undefined, 'gone' as const),
    order: fc.nat(3),
  }),
  { maxLength: 60, size: 'max' },
);

describe.each([
  ['in order', true],
  ['without an order', false],
] as const)('groups %s', (_title, isOrdered) => {
  it('have the rows that they should, through every change', () => {
    fc.assert(
      fc.property(steps, all => {
        const pair = makePair(isOrdered);
        for (const step of all) {
          if (step.group === 'gone') {
            pair.delete(step.id);
          } else {
            pair.put(step);
          }
          pair.insistSame();
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('exchange a row where it stands, move it to another group, and lose it', () => {
    const pair = makePair(isOrdered);
    const change = (work: () => void): void => {
      work();
      pair.insistSame();
    };
    change(() => pair.put(row(1, 'a', 5)));
    change(() => pair.put(row(1, 'a', 5)));
    change(() => pair.put(row(2, 'a', 1)));
    change(() => pair.put(row(1, 'a', 0)));
    change(() => pair.put(row(2, 'b', 1)));
    change(() => pair.put(row(1, undefined)));
    change(() => pair.put(row(1, 'b', 1)));
    change(() => pair.delete(2));
    change(() => pair.delete(1));
    change(() => pair.delete(1));
    expect(pair.index.groups()).toEqual([]);
  });

  it('give lists that do not change with them', () => {
    const pair = makePair(isOrdered);
    [1, 2, 3].forEach(each => pair.put(row(each, 'a')));
    const all = pair.index.values('a');
    const some = pair.index.firsts('a', 2);
    pair.delete(1);
    expect([all.length, some.length]).toEqual([3, 2]);
  });
});

describe('a group without an order', () => {
  it('has its rows when they are very many, and more when they were', () => {
    const pair = makePair(false);
    for (let each = 0; each < 2 * MOST_TOGETHER; each += 1) {
      pair.put(row(each, 'a'));
    }
    pair.insistSame();
    for (let each = 1; each < 2 * MOST_TOGETHER; each += 1) {
      pair.delete(each);
    }
    pair.put(row('x', 'a'));
    pair.insistSame();
  });

  it('of one row stays as it is when another leaves it', () => {
    const { index, keeper } = makeGroupIndex<Row>({
      groupOf: ({ group }) => group,
      key,
    });
    const lone = row(1, 'a');
    keeper.replace(undefined, lone);
    keeper.replace(row(2, 'a'), undefined);
    expect(index.values('a')).toEqual([lone]);
  });
});

describe('a group in order', () => {
  it('has numbers of one place by their size, and texts by their characters', () => {
    const pair = makePair(true);
    const ids = [10, 9, 'b', 'a', 100];
    ids.forEach(each => pair.put(row(each, 'a')));
    expect(pair.index.values('a').map(each => each.id)).toEqual([
      9,
      10,
      100,
      'a',
      'b',
    ]);
  });

  it('stays as it is when what leaves it was not there', () => {
    const { index, keeper } = makeGroupIndex<Row>({
      groupOf: ({ group }) => group,
      orderOf: ({ order }) => order,
      key,
    });
    const rows = [row(1, 'a', 1), row(2, 'a', 2)];
    rows.forEach(each => keeper.replace(undefined, each));
    for (const order of [0, 1, 2, 3]) {
      keeper.replace(row(3, 'a', order), undefined);
    }
    expect(index.values('a')).toEqual(rows);
  });
});

describe('a long group in order', () => {
  it('is worked off from its head, put back at its head, and cut in its middle', () => {
    const pair = makePair(true);
    for (let each = 0; each < 300; each += 1) {
      pair.put(row(each, 'a', each));
    }
    for (let head = 0; head < 200; head += 1) {
      pair.delete(head);
      pair.put(row(head, 'a', head));
      expect(pair.index.first('a')?.id).toBe(head);
      pair.delete(head);
      expect(pair.index.first('a')?.id).toBe(head + 1);
    }
    pair.insistSame();
    pair.delete(250);
    pair.put(row(250.5, 'a', 250));
    pair.put(row(299.5, 'a', 298.5));
    pair.insistSame();
  });
});

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
