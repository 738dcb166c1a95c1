import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeKref } from '@cooperage/protocol';
import { Refusal } from './refusal.ts';
import {
  isError,
  isReference,
  plainOf,
  readToShow,
  readValue,
  recordOf,
  writeValue,
  type Value,
} from './values.ts';

const OBJECT = makeKref('object', 7);
const PROMISE = makeKref('promise', 8);

const read = (body: unknown): Value =>
  readValue({ body: `#${JSON.stringify(body)}`, slots: [OBJECT, PROMISE] });

const NO_REFERENCE = 'they name a reference that is not there';
const NO_TEXT = 'they have a tag or an error that is no text';
const NO_NUMBER = 'they have no number where one should be';

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

  it.each<[string, unknown, string]>([
    ['a reference to nothing', '$2', NO_REFERENCE],
    ['a reference without a number', '$', NO_REFERENCE],
    [
      'a promise that is said to be an object',
      '$1',
      'they call a reference otherwise than the promise it is',
    ],
    [
      'an object that is said to be a promise',
      '&0',
      'they call a reference otherwise than the object it is',
    ],
    ['a tag that is no text', { '#tag': { toString: 1 } }, NO_TEXT],
    ['an error that is no text', { '#error': { toString: 1 } }, NO_TEXT],
    ['an error that is a list', { '#error': ['oh'] }, NO_TEXT],
    ['a number that is none', '+1e5', NO_NUMBER],
    ['a number behind another', '+1-1', NO_NUMBER],
    ['a number without digits', '-', NO_NUMBER],
    [
      'a constant that is unknown',
      '#null',
      'they have a constant that is unknown',
    ],
  ])('is not %s', (_what, body, problem) => {
    expect(() => read(body)).toThrow(
      new Refusal(`the arguments can't be read: ${problem}`, 'TypeError'),
    );
  });

  it.each([
    ['[1]', 'they are in another encoding than smallcaps'],
    ['#[1', 'they are no JSON'],
  ])('is not the body %j', (body, problem) => {
    expect(() => readValue({ body, slots: [] })).toThrow(
      new Refusal(`the arguments can't be read: ${problem}`, 'TypeError'),
    );
  });

  it.each<[string, (inner: unknown) => unknown]>([
    ['lists', inner => [inner]],
    ['records', inner => ({ inner })],
  ])('is nested a hundred deep at most: %s', (_what, wrap) => {
    const nest = (times: number): unknown => {
      let nested: unknown = 1;
      for (let count = 0; count < times; count += 1) {
        nested = wrap(nested);
      }
      return nested;
    };
    expect(plainOf(read(nest(99)))).toEqual(nest(99));
    expect(() => read(nest(100))).toThrow(
      'the arguments are nested deeper than 100',
    );
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

it('a value is a reference or an error only when it was one, whatever it has in it', () => {
  const reference = read('$0');
  const error = read({ '#error': 'oh' });
  const others: Value[] = [
    ...[undefined, null, true, 1, 1n, 'kref', 'error', [], ['error']],
    read({ kref: '!$0', type: 'error' }),
    read('%error'),
  ];
  const all = [reference, error, ...others];
  expect(all.filter(isReference)).toEqual([reference]);
  expect(all.filter(isError)).toEqual([error]);
});

it('plain data is what JSON has, numbers of any size numbers', () => {
  expect(
    plainOf(read([1, '+12', null, true, 'a', { b: ['-3'], '!#c': {} }])),
  ).toEqual([1, 12, null, true, 'a', { b: [-3], '#c': {} }]);
});

describe('what is shown of what was sent', () => {
  const show = (sent: unknown) =>
    plainOf(readToShow(`#${JSON.stringify(sent)}`));

  it('is its first thousand parts, and an ellipsis for what is left', () => {
    const list = Array.from({ length: 1_001 }, (_, at) => at);
    expect(show(list.slice(0, 999))).toEqual(list.slice(0, 999));
    expect(show(list)).toEqual([...list.slice(0, 999), '…']);
    const record = Object.fromEntries(list.map(at => [`a${at}`, at]));
    const shown = Object.fromEntries(
      list.slice(0, 999).map(at => [`a${at}`, at]),
    );
    expect(show(record)).toEqual({ ...shown, '…': '…' });
    expect(show([[null, {}], list])).toEqual([
      [null, {}],
      [...list.slice(0, 995), '…'],
    ]);
  });

  it.each([
    ['$0.Alleged: Bob', { type: 'object', text: 'Bob' }],
    ['$7.Remotable', { type: 'object', text: '' }],
    ['&1', { type: 'promise', text: '' }],
  ])('names references by what they are alleged to be: %j', (sent, oddity) => {
    expect(readToShow(`#${JSON.stringify(sent)}`)).toEqual(oddity);
  });

  it('is refused when it names none', () => {
    expect(() => show('$Bob')).toThrow(
      new Refusal(
        "the arguments can't be read: they name a reference that is none",
        'TypeError',
      ),
    );
  });
});

describe('what services write', () => {
  it('names each reference once, and numbers with their sign', () => {
    const object = { type: 'object', kref: OBJECT, iface: 'Bob' } as const;
    const promise = { type: 'promise', kref: PROMISE } as const;
    const value = [promise, object, object, promise, 0n, -1n, 1n, '+', NaN];
    expect(writeValue(value)).toEqual({
      body: `#${JSON.stringify(['&0', '$1.Alleged: Bob', '$1', '&0', '+0', '-1', '+1', '!+', '#NaN'])}`,
      slots: [PROMISE, OBJECT],
    });
    expect(writeValue(read([{ '#error': '!#oh' }])).body).toBe('#["!#oh"]');
  });

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
