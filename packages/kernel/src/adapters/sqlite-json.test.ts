import { expect, it } from 'vitest';
import { jsonBatches } from './sqlite-json.ts';

/** A row whose JSON has so many units. */
const rowOf = (units: number): [string] => ['x'.repeat(units - 4)];

it.each([
  ['none for no rows', [], []],
  ['one for few rows', [4, 5, 6], [3]],
  ['one for a million units', [400_000, 600_000], [2]],
  ['two for one unit more', [400_000, 600_001], [1, 1]],
  [
    'one for each row that is larger by itself',
    [4, 1_000_001, 1_000_001, 4],
    [1, 1, 1, 1],
  ],
  ['full ones, counted anew each', [600_000, 600_000, 400_000, 4], [1, 2, 1]],
])('rows go to SQL in batches: %s', (_, sizes, counts) => {
  const rows = sizes.map(rowOf);
  const batches = jsonBatches(rows).map(batch => JSON.parse(batch));
  expect(batches.map(batch => batch.length)).toEqual(counts);
  expect(batches.flat()).toEqual(rows);
});
