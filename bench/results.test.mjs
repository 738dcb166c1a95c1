// @ts-check
import { expect, test } from 'vitest';
import { BARS } from './bars.mjs';
import {
  completeResult,
  formatTable,
  judge,
  mergeResults,
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
