import { expect, test } from 'vitest';
import { median, percentile, ratioOf, runRounds, slopeOf } from './rounds.ts';

test('a median is the middle value, or the mean of the middle two', () => {
  expect([[3, 1, 2], [4, 1, 3, 2], [7], []].map(median)).toEqual([
    2,
    2.5,
    7,
    NaN,
  ]);
});

test('a percentile is the least value that so many in a hundred do not exceed', () => {
  const values = Array.from({ length: 20 }, (_, index) => 20 - index);
  expect([5, 50, 95, 96].map(share => percentile(share, values))).toEqual([
    1, 10, 19, 20,
  ]);
  expect(percentile(95, [])).toBe(NaN);
});

test('a slope is that of most values, whatever one of them is', () => {
  expect(slopeOf([10, 12, 14, 16, 18])).toBe(2);
  expect(slopeOf([10, 12, 900, 16, 18])).toBe(2);
  expect(slopeOf([10, 10, 10, 10, 10, 10, 70])).toBe(0);
});

test('contenders run warm first and then in turns, another one first in each round', async () => {
  const runs: string[] = [];
  const contend = (name: string, milliseconds: number) => (count: number) => {
    runs.push(`${name}${count}`);
    return Promise.resolve(milliseconds);
  };
  const rates = await runRounds(
    { ours: contend('a', 500), floor: contend('b', 250) },
    { rounds: 3, count: 10, warm: 2 },
  );
  expect(runs.join(' ')).toBe('a2 b2 a2 b2 a10 b10 b10 a10 a10 b10');
  expect(rates).toEqual({ ours: [20, 20, 20], floor: [40, 40, 40] });
});

test('a ratio is taken round by round, so that a slow round of both does not tell', () => {
  expect(ratioOf([10, 2, 30], [20, 4, 30])).toBe(0.5);
});
