import {
  compareKeys,
  encodeRows,
  openRows,
  type Row,
} from '@cooperage/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeVatStore, type ChangeNote } from './vat-store.ts';

const open = (rows: readonly Row[], note?: ChangeNote) =>
  makeVatStore(openRows(encodeRows(rows)), note);

/** What the store should do, as plainly as it can be said. */
const makeModel = (rows: readonly Row[]) => {
  let committed = new Map(rows);
  let now = new Map(rows);
  const encoder = new TextEncoder();
  const sorted = () =>
    [...now.keys()].sort((a, b) =>
      Buffer.compare(encoder.encode(a), encoder.encode(b)),
    );
  return {
    get: (key: string) => now.get(key),
    set: (key: string, value: string) => void now.set(key, value),
    delete: (key: string) => void now.delete(key),
    next: (key: string) =>
      sorted().find(
        each => Buffer.compare(encoder.encode(each), encoder.encode(key)) > 0,
      ),
    take: () => {
      const keys = new Set([...committed.keys(), ...now.keys()]);
      const changes = [...keys]
        .filter(key => committed.get(key) !== now.get(key))
        .map(key => [key, now.get(key) ?? null] as const);
      committed = new Map(now);
      return changes;
    },
    drop: () => {
      now = new Map(committed);
    },
    rows: () => sorted().map(key => [key, now.get(key) ?? ''] as const),
  };
};

const key = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'b',
    'vc.1.',
    'vc.1.sä',
    '\ue000',
    '\uffff',
    '😀',
    '😀a',
    'a😀',
    'a\uffff',
    '\ud7ff',
  ),
  fc.string({
    unit: fc.constantFrom('a', 'b', '\ue000', '\uffff', '😀', '𐀀', '￿'),
    maxLength: 4,
  }),
);
const value = fc.constantFrom('', '0', 'x', '{"body":"#1"}');
const step = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('set' as const), key, value) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('delete' as const), key) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('next' as const), key) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('take' as const, 'drop' as const)),
  },
);
const byKey = (changes: readonly (readonly [string, string | null])[]) =>
  [...changes].sort(([a], [b]) => compareKeys(a, b));

describe('the working image of a store', () => {
  it('does what an ordered map does, cranks taken and dropped among it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(key, value),
        fc.array(step, { maxLength: 60 }),
        (initial, steps) => {
          const rows = Object.entries(initial).sort(([a], [b]) =>
            compareKeys(a, b),
          );
          const store = open(rows);
          const model = makeModel(rows);
          for (const [what, at = '', to = ''] of steps) {
            if (what === 'set') {
              store.set(at, to);
              model.set(at, to);
            } else if (what === 'delete') {
              store.delete(at);
              model.delete(at);
            } else if (what === 'take') {
              expect(byKey(store.takeChanges())).toEqual(byKey(model.take()));
            } else if (what === 'drop') {
              store.dropChanges();
              model.drop();
            }
            expect(store.get(at)).toBe(model.get(at));
            expect(store.getNextKey(at)).toBe(model.next(at));
          }
          const walked: Row[] = [];
          const first = store.get('');
          if (first !== undefined) {
            walked.push(['', first]);
          }
          for (
            let at = store.getNextKey('');
            at !== undefined;
            at = store.getNextKey(at)
          ) {
            walked.push([at, store.get(at) ?? 'missing']);
          }
          expect(walked).toEqual(model.rows());
          expect(store.size()).toBe(walked.length);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('keeps its order through many splits and emptied runs', () => {
    const store = open([]);
    const keys = Array.from(
      { length: 5000 },
      (_, index) => `k${(index * 7919) % 5000}`,
    );
    for (const each of keys) {
      store.set(each, each);
    }
    for (const each of keys.filter((_, index) => index % 3 !== 0)) {
      store.delete(each);
    }
    const kept = keys.filter((_, index) => index % 3 === 0).sort();
    const walked: string[] = [];
    for (
      let at = store.getNextKey('');
      at !== undefined;
      at = store.getNextKey(at)
    ) {
      walked.push(at);
    }
    expect(walked).toEqual(kept);
  });

  it('passes over rows that have the prefix and not the text, and over no others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(2_999), { maxLength: 3 }),
        fc.nat(2_999),
        fc.boolean(),
        (holding, from, isChanged) => {
          const rows = Array.from({ length: 3_000 }, (_, row) => {
            const first = row < 1_500 ? 's' : 't';
            const text = holding.includes(row) ? 'a needle.' : 'hay';
            return [`${first}${10_000 + row}`, text] as const;
          });
          const store = open(rows);
          if (isChanged) {
            store.set('s12000', 'a needle');
          }
          const [key = ''] = rows[from] ?? [];
          const prefix = key.slice(0, 1);
          const last = store.lastWithout('needle', { key, prefix });
          const run = rows.slice(
            from + 1,
            rows.findIndex(row => row[0] === last) + 1,
          );
          expect(
            run.every(row => row[0].startsWith(prefix) && row[1] === 'hay'),
          ).toBe(true);
          expect(last >= key).toBe(true);
          if (isChanged) {
            expect(last).toBe(key);
          } else if (holding.length === 0 && from < 1_200) {
            expect(run.length).toBeGreaterThan(1_200 - from);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reports only net changes', () => {
    const store = open([
      ['a', '1'],
      ['b', ''],
    ]);
    store.set('a', '2');
    store.set('a', '1');
    store.set('c', '');
    store.set('d', 'x');
    store.delete('d');
    store.delete('b');
    store.delete('nothing');
    expect(store.takeChanges()).toEqual([
      ['c', ''],
      ['b', null],
    ]);
    expect(store.takeChanges()).toEqual([]);
  });

  it('refuses what UTF-8 cannot keep', () => {
    const store = open([]);
    expect(() => store.set('a\ud800', 'x')).toThrow(/lone surrogate/);
    expect(() => store.set('a', '\udc00')).toThrow(/the value of a/);
    expect(store.size()).toBe(0);
  });

  it('tells how many keys a crank has touched and what they weigh', () => {
    const notes: [number, number][] = [];
    const store = open([['abc', '12345']], (changes, units) =>
      notes.push([changes, units]),
    );
    store.set('abc', '1');
    store.delete('abc');
    store.set('de', '12');
    store.takeChanges();
    store.set('abc', '1');
    expect(notes).toEqual([
      [1, 4],
      [1, 3],
      [2, 7],
      [1, 4],
    ]);
  });
});
