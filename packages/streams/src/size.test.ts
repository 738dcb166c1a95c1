import { MessageChannel } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { weigh } from './size.ts';

it.each([
  ['a text', 'abc', 11],
  ['a number', 1, 8],
  ['undefined', undefined, 8],
  ['a small bigint', 5n, 8],
  ['a large bigint', 2n ** 800n, 101],
  ['a record', { ab: 'cde' }, 29],
  ['a nested list', [[], ['a']], 57],
  ['a buffer', new ArrayBuffer(100), 116],
  ['a view', new Uint16Array(50), 116],
  ['a map', new Map([['k', 'vv']]), 35],
  ['a set', new Set(['abcd']), 28],
  ['a pattern', /abcd/, 20],
  ['a date', new Date(), 16],
  [
    'a record without prototype',
    Object.assign(Object.create(null), { a: 'b' }),
    26,
  ],
])('counts %s', (_what, value, size) => {
  expect([size, size - 1].map(most => weigh(value, most))).toEqual([
    size,
    undefined,
  ]);
});

it('counts the text of an error, which is not enumerable', () => {
  expect(weigh(new Error('x'.repeat(5000)), 5000)).toBe(undefined);
});

it('never fits a cycle, a deep nesting, or a long array of nothing', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  let deep: unknown = 0;
  for (let depth = 0; depth < 300; depth += 1) deep = [deep];
  const hollow: unknown[] = [];
  hollow.length = 2 ** 32 - 1;
  expect([cycle, deep, hollow].map(value => weigh(value, 2 ** 24))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it('lets a message port pass', () => {
  const { port1 } = new MessageChannel();
  expect(weigh({ port: port1 }, 1000)).toBe(36);
  port1.close();
});
