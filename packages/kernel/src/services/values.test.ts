import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeKref } from '@cooperage/protocol';
import { Refusal } from './refusal.ts';
import { readValue, recordOf, writeValue, type Value } from './values.ts';

const OBJECT = makeKref('object', 7);
const PROMISE = makeKref('promise', 8);

const read = (body: unknown): Value =>
  readValue({ body: `#${JSON.stringify(body)}`, slots: [OBJECT, PROMISE] });

describe('what services read', () => {
  it.each<[unknown, unknown]>([
    ['$0', { type: 'object', kref: OBJECT }],
    ['$0.Alleged: Bob', { type: 'object', kref: OBJECT }],
    ['&1', { type: 'promise', kref: PROMISE }],
    ['!$0', '$0'],
    ['+12', 12n],
    ['#undefined', undefined],
    ['%@@iterator', { type: 'symbol', text: '@@iterator' }],
    [
      { '#tag': 'copySet', payload: [] },
      { type: 'tagged', text: 'copySet' },
    ],
    [
      { '#error': 'oh', name: 'Error' },
      { type: 'error', text: 'oh' },
    ],
    [{ '!#tag': '!$0' }, new Map([['#tag', '$0']])],
  ])('is %j as it was meant', (body, value) => {
    expect(read(body)).toEqual(value);
  });

  it.each<[string, unknown]>([
    ['a reference to nothing', '$2'],
    ['a promise that is said to be an object', '$1'],
    ['an object that is said to be a promise', '&0'],
    ['a tag that is no text', { '#tag': { toString: 1 } }],
    ['an error that is no text', { '#error': { toString: 1 } }],
    ['an error that is a list', { '#error': ['oh'] }],
    ['a number that is none', '+1e5'],
    ['a constant that is unknown', '#null'],
  ])('is not %s', (_what, body) => {
    expect(() => read(body)).toThrow(Refusal);
  });

  it('is any JSON whatever, or refused: nothing of it throws anything else', () => {
    const word = fc.oneof(
      fc.string({ maxLength: 5 }),
      fc.constantFrom(
        ...['$0', '&1', '$9', '+5', '-', '#NaN', '#', '%a', '!', '"'],
        ...['#tag', '#error', 'toString', 'valueOf', '__proto__', 'payload'],
      ),
    );
    /** What only looks like an object of ours. */
    const sham = fc.constantFrom(
      { toString: 1 },
      { length: 9 },
      { kref: 'ko1' },
    );
    const { json } = fc.letrec(tie => ({
      json: fc.oneof(
        { maxDepth: 4 },
        word,
        sham,
        fc.constantFrom(null, true, 0, -0.5),
        fc.array(tie('json'), { maxLength: 4 }),
        fc
          .array(fc.tuple(word, tie('json')), { maxLength: 4 })
          .map(fields => Object.fromEntries(fields)),
        fc
          .tuple(fc.constantFrom('#tag', '#error'), tie('json'))
          .map(field => Object.fromEntries([field])),
      ),
    }));
    fc.assert(
      fc.property(json, body => {
        try {
          // Written again, a value is one that can be read.
          readValue(writeValue(read(body)));
        } catch (problem) {
          expect(problem).toBeInstanceOf(Refusal);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('what services write', () => {
  it('is read as it was, whatever its texts look like', () => {
    const text = fc.string({ maxLength: 6 });
    const { value } = fc.letrec<{ value: Value }>(tie => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<Value>(undefined, null, true, 5, NaN, -Infinity, -7n),
        fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
        text,
        fc.constantFrom('$0', '#tag', '&1', '!!', '-1', "'", '(', '+'),
        fc.constant({ type: 'object' as const, kref: OBJECT }),
        fc.array(tie('value'), { maxLength: 3 }),
        fc
          .array(fc.tuple(text, tie('value')), { maxLength: 3 })
          .map(fields => recordOf(Object.fromEntries(fields))),
      ),
    }));
    fc.assert(
      fc.property(value, each => {
        expect(readValue(writeValue(each))).toEqual(each);
      }),
      { numRuns: 200 },
    );
  });
});
