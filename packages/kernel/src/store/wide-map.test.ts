import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeWideMap, MOST_TOGETHER, widened } from './wide-map.ts';

/** Fewer when the tests themselves are tested: see scripts/mutation.mjs. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 20);

const textOf = (number: number): string => `2:v1 ko${number}`;

describe.each([
  ['numbers', (number: number): string | number => number],
  ['texts', textOf],
])('a wide map of %s', (_, keyOf) => {
  it('holds what a Map holds, however many come and go', () => {
    const run = fc.record({
      from: fc.nat(9_000),
      count: fc.nat(9_000),
      isGone: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 8 }), runs => {
        const map = new Map<string | number, number>();
        const wide = makeWideMap<number>();
        /** Keys whose loss the two tell apart: a call of expect for each would take most of the time. */
        const wrong: (string | number)[] = [];
        runs.forEach(({ from, count, isGone }, nth) => {
          for (let number = from; number < from + count; number += 1) {
            const key = keyOf(number);
            if (isGone) {
              if (wide.delete(key) !== map.delete(key)) {
                wrong.push(key);
              }
            } else {
              map.set(key, nth);
              wide.set(key, nth);
            }
          }
          expect(wide.size).toBe(map.size);
        });
        expect(wrong).toEqual([]);
        const sort = (entries: Iterable<[string | number, number]>) =>
          [...entries].sort(([one], [other]) => (one < other ? -1 : 1));
        expect(sort(wide.entries())).toEqual(sort(map));
        expect(new Set(wide.keys())).toEqual(new Set(map.keys()));
        expect([...wide.values()].sort()).toEqual([...map.values()].sort());
        for (const key of [0, 4_500, 17_999].map(keyOf)) {
          expect(wide.get(key)).toBe(map.get(key));
          expect(wide.has(key)).toBe(map.has(key));
        }
      }),
      { numRuns: RUNS },
    );
  });
});

it('a Map is made wide by the first new key that is too many', () => {
  const few = new Map<string | number, number>();
  for (let number = 0; number < MOST_TOGETHER; number += 1) {
    expect(widened(few, number)).toBe(few);
    few.set(number, number);
  }
  expect(widened(few, 0)).toBe(few);
  const wide = widened(few, -1);
  expect(wide).not.toBe(few);
  expect([wide.size, wide.get(7), wide.has(-1)]).toEqual([few.size, 7, false]);
  expect(widened(wide, -1)).toBe(wide);
});
