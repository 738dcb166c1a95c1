import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  makeKeyMap,
  makeKeyReader,
  makePairMap,
  type KeyPart,
} from './key-map.ts';
import { makeSchema } from './table-schema.ts';
import { MOST_TOGETHER } from './wide-map.ts';

/** Fewer when the tests themselves are tested: see scripts/mutation.mjs. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 100);

const part = fc.oneof(fc.nat(3), fc.constantFrom('', '0', 'a', 'b'));
const changes = fc.array(
  fc.record({
    first: part,
    second: part,
    change: fc.constantFrom('set', 'set', 'unset', 'delete', 'delete', 'clear'),
  }),
  { maxLength: 40, size: 'max' },
);

describe.each([1, 2])('a map whose keys have %i columns', keys => {
  it('holds what a Map holds', () => {
    fc.assert(
      fc.property(changes, all => {
        const map = makeKeyMap<number | undefined>({ keys });
        /** By the key's JSON, which tells numbers from texts. */
        const model = new Map<string, number | undefined>();
        all.forEach(({ first, second: given, change }, nth) => {
          const second = keys === 2 ? given : undefined;
          const name = JSON.stringify([first, second]);
          switch (change) {
            case 'clear':
              map.clear();
              model.clear();
              break;
            case 'delete':
              map.delete(first, second);
              model.delete(name);
              break;
            default: {
              const value = change === 'set' ? nth : undefined;
              map.set(first, second, value);
              model.set(name, value);
            }
          }
          expect(map.size).toBe(model.size);
          expect(map.has(first, second)).toBe(model.has(name));
          expect(map.get(first, second)).toBe(model.get(name));
        });
        const found: [string, number | undefined][] = [];
        map.forEach((value, ...key) => {
          found.push([JSON.stringify(key), value]);
        });
        expect(new Map(found)).toEqual(model);
        expect(found).toHaveLength(model.size);
        expect([...map.values()].sort()).toEqual([...model.values()].sort());
        expect(new Set(map.firsts())).toEqual(
          new Set([...model.keys()].map(name => JSON.parse(name)[0])),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('holds very many, and none when they have gone', () => {
    const map = makeKeyMap<number>({ keys });
    const count = 2 * MOST_TOGETHER;
    const keyOf = (number: number): [KeyPart, KeyPart | undefined] =>
      keys === 1 ? [number, undefined] : ['a', number];
    for (let number = 0; number < count; number += 1) {
      map.set(...keyOf(number), number);
    }
    expect(map.size).toBe(count);
    expect(new Set(map.values()).size).toBe(count);
    for (let number = 0; number < count; number += 1) {
      map.delete(...keyOf(number));
    }
    expect([map.size, ...map.values()]).toEqual([0]);
    const few = [700, 3, 999_999, 4];
    few.forEach(number => map.set(...keyOf(number), number));
    expect([...map.values()]).toEqual(few); // in their order, as of few
  });
});

describe.each([MOST_TOGETHER - 1, MOST_TOGETHER, MOST_TOGETHER + 1])(
  'a map of %i, while it is gone through',
  count => {
    it.each([1, 2])('exchanges what it has (%i columns)', keys => {
      const map = makeKeyMap<string>({ keys });
      const set = (number: number, value: string) =>
        keys === 1
          ? map.set(number, undefined, value)
          : map.set('a', number, value);
      for (let number = 0; number < count; number += 1) {
        set(number, 'old');
      }
      const values = map.values();
      expect(values.next().value).toBe('old');
      for (let number = 0; number < count; number += 1) {
        set(number, 'new');
      }
      expect(new Set(values)).toEqual(new Set(['new']));
    });
  },
);

describe('a map of pairs', () => {
  it('has together what shares the first column', () => {
    const map = makePairMap<string>();
    map.set('a', 1, 'a1');
    map.set('b', 1, 'b1');
    map.set('a', 2, 'a2');
    expect([...map.firsts()]).toEqual(['a', 'b']);
    expect([...(map.under('a')?.entries() ?? [])]).toEqual([
      [1, 'a1'],
      [2, 'a2'],
    ]);
    map.delete('b', 2);
    expect(map.under('b')?.size).toBe(1);
    map.delete('b', 1);
    expect(map.under('b')).toBe(undefined);
    expect([...map.firsts()]).toEqual(['a']);
  });
});

describe('a reader of keys', () => {
  const read = (keys: number) =>
    makeKeyReader<Record<string, KeyPart>>(
      makeSchema('things', keys, {
        owner: ['text', 'who has it'],
        number: ['integer', 'which one'],
        label: ['text', 'what is on it'],
      }),
    );
  const row = { owner: 'a', number: 7, label: 'x' };

  it('reads one column or two, and no more', () => {
    expect([read(1).firstOf(row), read(1).secondOf(row)]).toEqual([
      'a',
      undefined,
    ]);
    expect([read(2).firstOf(row), read(2).secondOf(row)]).toEqual(['a', 7]);
    expect([read(1).idOf(row), read(2).idOf(row)]).toEqual(['a', '1:a7;']);
    for (const keys of [0, 3]) {
      expect(() => read(keys)).toThrow(
        `table things: a key has one column or two, not ${keys}`,
      );
    }
  });

  it('has an order: by the first column, then by the second, numbers before texts', () => {
    const { compare } = read(2);
    const rows = (
      [
        [2, 10],
        [10, 2],
        [10, 9],
        [10, '1'],
        ['', 1],
        ['1', 1],
        ['1', '\uFFFD'],
        ['1', '\u{1F600}'],
      ] as const
    ).map(([owner, number]) => ({ ...row, owner, number }));
    rows.forEach((left, place) =>
      rows.forEach((right, other) =>
        expect(Math.sign(compare(left, right))).toBe(Math.sign(place - other)),
      ),
    );
    expect(read(1).compare({ owner: 'a' }, { owner: 'a', number: 7 })).toBe(0);
  });

  it('makes no two keys one', () => {
    const { idOf } = read(2);
    const idOfTwo = (owner: KeyPart, number: KeyPart) =>
      idOf({ ...row, owner, number });
    expect(idOfTwo('a', 'b')).not.toBe(idOfTwo('a1:b', ''));
    expect(idOfTwo(1, 23)).not.toBe(idOfTwo(12, 3));
    expect(idOfTwo(1, 2)).not.toBe(idOfTwo(1, '2'));
  });

  it('refuses what is neither text nor number', () => {
    const message = 'table things: a key is a text or an integer';
    const { firstIn, secondIn, firstOf } = read(2);
    expect(firstIn('a')).toBe('a');
    for (const wrong of [null, undefined, new Uint8Array(1)]) {
      expect(() => firstIn(wrong)).toThrow(message);
      expect(() => secondIn(wrong)).toThrow(message);
    }
    expect(read(1).secondIn(null)).toBe(undefined);
    expect(() => firstOf({ number: 7 })).toThrow(message);
  });
});
