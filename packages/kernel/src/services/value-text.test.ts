import { expect, it } from 'vitest';
import type { Kref } from '@cooperage/protocol';
import { textOfValue } from './value-text.ts';
import { readValue } from './values.ts';

const krefs = ['ko7', 'kp8'] as Kref[];

it.each<[unknown, string]>([
  ['a "text" as it is', 'a "text" as it is'],
  [['a "text"', ''], '[ "a \\"text\\"", "" ]'],
  [[], '[ ]'],
  [[[]], '[ [ ] ]'],
  [{}, '{ }'],
  [{ hot: true, _$1: null, $: 2 }, '{ hot: true, _$1: null, $: 2 }'],
  [
    { '1a': 0, 'a b': 1, 'a-': 2, '': 3 },
    '{ "1a": 0, "a b": 1, "a-": 2, "": 3 }',
  ],
  [1.5, '1.5'],
  ['+12', '12n'],
  ['#undefined', 'undefined'],
  [['#-0', '#NaN', null, false], '[ 0, NaN, null, false ]'],
  [['$0', '&1'], '[ [object ko7], [promise kp8] ]'],
  [{ '#error': 'no such cup' }, '[error: no such cup]'],
  [{ '#error': '' }, '[error]'],
  ['%asyncIterator', '[symbol: asyncIterator]'],
])('a value is one line for people: %j', (sent, text) => {
  const body = `#${JSON.stringify(sent)}`;
  expect(textOfValue(readValue({ body, slots: krefs }))).toBe(text);
});
