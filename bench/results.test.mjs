// @ts-check
import { expect, test } from 'vitest';
import { BARS } from './bars.mjs';
import { CASES } from './cases/index.ts';
import { keyOf, keysOf } from './catalogue.mjs';
import {
  completeResult,
  formatBars,
  formatTable,
  judge,
  mergeResults,
  placeTable,
  remarksOn,
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

/** @type {readonly ['node', 'chromium']} */
const BOTH = ['node', 'chromium'];

test('a part of the cases replaces its own results and keeps the others', () => {
  const kept = makeResult({ name: 'rows-after' });
  const fresh = [
    makeResult({ platform: 'chromium', value: 4 }),
    makeResult({ name: 'bystander', value: 5 }),
  ];
  expect(
    mergeResults({
      old: [
        kept,
        makeResult({ platform: 'chromium', value: 2 }),
        makeResult({ value: 1 }),
      ],
      fresh,
      known: new Set([makeResult({}), ...fresh, kept].map(keyOf)),
      tried: new Set(fresh.map(keyOf)),
    }),
  ).toEqual([makeResult({ value: 1 }), ...fresh, kept]);
});

test('what a run has tried in vain, a peer that it has left out, and what no case gives any more are gone', () => {
  const fresh = [makeResult({ value: 2, peers: { captp: 2 } })];
  const failed = makeResult({ name: 'failed' });
  const known = new Set([...fresh, failed].map(keyOf));
  expect(
    mergeResults({
      old: [
        makeResult({ value: 1, peers: { captp: 1, swingset: 8 } }),
        failed,
        makeResult({ name: 'gone' }),
      ],
      fresh,
      known,
      tried: known,
    }),
  ).toEqual(fresh);
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

test('each bar stands in the page with what was got, also one that was missed or not measured where its case can be', () => {
  const least = { figure: 'value', atLeast: 2, aim: 3 };
  const table = formatBars(
    [makeResult({ value: 1 }), makeResult({ name: 'both', ratioToFloor: 3 })],
    [
      { ...least, name: 'roundtrip-seq' },
      { ...least, name: 'other', platform: 'chromium' },
      { ...least, name: 'both', figure: 'ratioToFloor' },
      { name: 'both', platform: 'node', figure: 'ratioToFloor' },
    ],
    [
      { name: 'x', figures: ['roundtrip-seq'], platforms: ['node'] },
      { name: 'y', figures: ['other', 'both'], platforms: BOTH },
    ],
  );
  expect(table.split('\n')).toEqual([
    '| case                 | figure        | bar | aim | got | verdict      |',
    '| -------------------- | ------------- | --- | --- | --- | ------------ |',
    '| `roundtrip-seq` node | round trips/s | ≥ 2 | 3   | 1   | MISSES       |',
    '| `other` chromium     |               | ≥ 2 | 3   |     | not measured |',
    '| `both` node          | to the floor  | ≥ 2 | 3   | 3   | aim          |',
    '| `both` chromium      | to the floor  | ≥ 2 | 3   |     | not measured |',
    '| `both` node          | to the floor  |     |     | 3   | no bar       |',
  ]);
});

test('every bar is of a figure that a case gives on its platform, and no two cases give the same', () => {
  const known = keysOf(CASES, BOTH);
  const strange = BARS.filter(
    ({ name, platform }) =>
      !(platform === undefined ? BOTH : [platform]).some(each =>
        known.has(keyOf({ name, platform: each })),
      ),
  );
  expect(strange).toEqual([]);
  const figures = CASES.flatMap(each => each.figures);
  expect(figures).toEqual([...new Set(figures)]);
});

test('the table is put between the marks of the page, which it must have', () => {
  const marked =
    'a\n<!-- results: written by `npm run bench` -->\nold\n<!-- end of results -->\nb';
  const placed = placeTable(marked, 'new');
  expect(placed).toContain('\n\nnew\n\n');
  expect(placed).not.toContain('old');
  expect(placed.endsWith('\nb')).toBe(true);
  expect(() => placeTable('no marks', 'new')).toThrow('no place for results');
});
