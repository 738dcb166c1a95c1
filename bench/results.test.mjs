// @ts-check
import { expect, test } from 'vitest';
import { BARS } from './bars.mjs';
import {
  completeResult,
  formatBars,
  formatTable,
  judge,
  mergeResults,
  placeTable,
  remarksOn,
  replaceResults,
} from './results.mjs';

/** @param {Partial<import('./measure.ts').Result>} fields */
const makeResult = fields =>
  completeResult({
    name: 'roundtrip-seq',
    platform: 'node',
    value: 1,
    unit: 'round trips/s',
    ...fields,
  });

test('a part of the cases replaces its own results and keeps the others', () => {
  const old = [
    makeResult({ value: 1 }),
    makeResult({ platform: 'chromium', value: 2 }),
    makeResult({ name: 'rows-after', value: 3 }),
  ];
  const fresh = [
    makeResult({ platform: 'chromium', value: 4 }),
    makeResult({ name: 'bystander', value: 5 }),
  ];
  expect(
    mergeResults(old, fresh).map(({ name, platform, value }) => [
      name,
      platform,
      value,
    ]),
  ).toEqual([
    ['roundtrip-seq', 'node', 1],
    ['roundtrip-seq', 'chromium', 4],
    ['rows-after', 'node', 3],
    ['bystander', 'node', 5],
  ]);
});

test('a peer that a run leaves out keeps its ratio', () => {
  const [merged] = mergeResults(
    [makeResult({ value: 1, peers: { captp: 1, swingset: 8 } })],
    [makeResult({ value: 2, peers: { captp: 2 } })],
  );
  expect(merged).toMatchObject({ value: 2, peers: { captp: 2, swingset: 8 } });
});

test('a run of all cases drops the results that no case gives any more', () => {
  const replaced = replaceResults(
    [
      makeResult({ name: 'gone' }),
      makeResult({ value: 1, peers: { swingset: 8 } }),
    ],
    [makeResult({ value: 2 })],
  );
  expect(replaced).toEqual([makeResult({ value: 2, peers: { swingset: 8 } })]);
});

test('a result has every field, null where nothing was measured', () => {
  expect(makeResult({})).toEqual({
    name: 'roundtrip-seq',
    platform: 'node',
    value: 1,
    unit: 'round trips/s',
    floor: null,
    ratioToFloor: null,
    peers: {},
  });
});

test('a bar is a least, or a most where it says so', () => {
  const least = { name: '', figure: 'value', atLeast: 1, aim: 2 };
  const most = { ...least, atLeast: 2, aim: 1, isMost: true };
  expect([0.9, 1, 2].map(value => judge(value, least))).toEqual([
    'MISSES',
    'meets',
    'aim',
  ]);
  expect([2.1, 2, 1].map(value => judge(value, most))).toEqual([
    'MISSES',
    'meets',
    'aim',
  ]);
});

test('the table says of each ratio what it is to, its bar, and whether that is met', () => {
  const results = [
    makeResult({
      value: 2500,
      floor: 2000,
      ratioToFloor: 1.25,
      peers: { captp: 0.5, comlink: 0.25 },
    }),
    makeResult({ name: 'sql-per-roundtrip', value: 0.5, unit: 'statements' }),
    makeResult({ name: 'plain', value: 3, unit: 'things' }),
  ];
  const table = formatTable(results, BARS).map(line =>
    line.trim().split(/ {2,}/),
  );
  expect(table.slice(1)).toEqual([
    [
      'roundtrip-seq',
      'node',
      '2,500',
      'round trips/s',
      '2,000',
      'to the floor',
      '1.25',
      '≥ 0.8, aim 1.1',
      'aim',
    ],
    ['to captp', '0.5', '≥ 0.8, aim 1.2', 'MISSES'],
    ['to comlink', '0.25'],
    [
      'sql-per-roundtrip',
      'node',
      '0.5',
      'statements',
      'value',
      '0.5',
      '≤ 1, aim 0.1',
      'meets',
    ],
    ['plain', 'node', '3', 'things'],
  ]);
});

test('peers that neither persist nor isolate are never shown without saying so', () => {
  expect(remarksOn([makeResult({ peers: { 'one pair': 2 } })])).toEqual([]);
  expect(remarksOn([makeResult({ peers: { comlink: 1, captp: 2 } })])).toEqual([
    'captp, comlink neither persist nor isolate: see docs/performance.md',
  ]);
});

test('each bar stands in the page with what was got, also one that was missed or never measured', () => {
  const least = { figure: 'value', atLeast: 2, aim: 3 };
  const table = formatBars(
    [makeResult({ value: 1 }), makeResult({ name: 'both', ratioToFloor: 3 })],
    [
      { ...least, name: 'roundtrip-seq' },
      { ...least, name: 'other', platform: 'chromium' },
      { ...least, name: 'both', figure: 'ratioToFloor' },
    ],
  );
  expect(table.split('\n')).toEqual([
    '| case                 | figure        | bar | aim | got | verdict      |',
    '| -------------------- | ------------- | --- | --- | --- | ------------ |',
    '| `roundtrip-seq` node | round trips/s | ≥ 2 | 3   | 1   | MISSES       |',
    '| `other` chromium     |               | ≥ 2 | 3   |     | not measured |',
    '| `both` node          | to the floor  | ≥ 2 | 3   | 3   | aim          |',
  ]);
  const marked =
    'a\n<!-- results: written by `npm run bench` -->\nold\n<!-- end of results -->\nb';
  const placed = placeTable(marked, 'new');
  expect(placed).toContain('\n\nnew\n\n');
  expect(placed).not.toContain('old');
  expect(placed.endsWith('\nb')).toBe(true);
  expect(() => placeTable('no marks', 'new')).toThrow('no place for results');
});
