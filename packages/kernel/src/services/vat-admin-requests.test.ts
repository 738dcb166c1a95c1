import { describe, expect, it } from 'vitest';
import { LEAST_STORE, type Json, type Kref } from '@cooperage/protocol';
import type { Call } from './service.ts';
import {
  MOST_PARAMETER_SLOTS,
  MOST_PARAMETER_UNITS,
  readCaveats,
  readCreation,
  readData,
  readReason,
  readUpgrade,
} from './vat-admin-requests.ts';
import { isList, readValue, type Value } from './values.ts';

const PURSE = 'ko7' as Kref;
const PROMISE = 'kp8' as Kref;
const TIMER = 'ko9' as Kref;

/** A call as a maker sends it, as far as it is read. */
const callOf = (
  args: readonly Json[],
  slots: readonly Kref[] = [PURSE, PROMISE, TIMER],
): Call => {
  const methargs = { body: `#${JSON.stringify(['do', args])}`, slots };
  const read = readValue(methargs);
  const list: Value = isList(read) ? read[1] : undefined;
  return {
    methargs,
    args: list !== undefined && isList(list) ? list : [],
    sender: null,
    result: null,
    self: {
      kref: PURSE,
      kind: '',
      data: '',
      maker: null,
      units: 0,
      cluster: null,
    },
    afterCommit: () => {},
    afterCrank: () => {},
  };
};

const ifaceOf = (kref: Kref): string | null =>
  kref === TIMER ? null : 'Purse';

const create = (...args: readonly Json[]) =>
  readCreation(callOf(args), ifaceOf);
const renew = (...args: readonly Json[]) => readUpgrade(callOf(args), ifaceOf);

const refusal = (message: string, name = 'TypeError') =>
  expect.objectContaining({ name, message });

/** A value in a hundred lists or records. */
const nest = (times: number, wrap: (inner: Json) => Json): Json => {
  let nested: Json = 'x';
  for (let count = 0; count < times; count += 1) {
    nested = wrap(nested);
  }
  return nested;
};

describe('a call of createVat', () => {
  it('says by what code, under which name and rules a vat is made, and with what', () => {
    const tagged = { '#tag': 'copySet', payload: ['$2'] };
    expect(
      create('helper', {
        name: 'kid',
        parameters: {
          promise: '&1.x',
          list: ['$0.Alleged: Other', '!$x', 7, true, null, '#undefined'],
          tagged,
        },
        powers: { purse: '$0', time: '$2' },
        policy: {
          bytes: LEAST_STORE,
          deadline: 100,
          onFault: 'suspend',
          eviction: 'any',
          endowments: [],
        },
      }),
    ).toEqual({
      bundle: 'helper',
      name: 'kid',
      policy: {
        bytes: LEAST_STORE,
        deadline: 100,
        onFault: 'suspend',
        eviction: 'any',
        endowments: [],
        critical: false,
        limits: {},
      },
      parameters: {
        body: `#${JSON.stringify({
          promise: '&0.x',
          list: ['$1.Alleged: Other', '!$x', 7, true, null, '#undefined'],
          tagged: { ...tagged, payload: ['$2'] },
          powers: { purse: '$1.Alleged: Purse', time: '$2.Alleged: time' },
        })}`,
        slots: [PROMISE, PURSE, TIMER],
      },
    });
  });

  it('gives nothing but a name and what is usual when it says no more', () => {
    const hash = 'a'.repeat(128);
    const least = create(hash, { name: 'kid' });
    expect(least).toMatchObject({
      bundle: hash,
      policy: { bytes: null, endowments: ['console'] },
      parameters: { body: '#{}', slots: [] },
    });
    expect(create(hash, { name: 'kid', parameters: '#undefined' })).toEqual(
      least,
    );
    const powers = { name: 'kid', powers: { purse: '$0' } };
    expect(create(hash, powers).parameters).toEqual({
      body: '#{"powers":{"purse":"$0.Alleged: Purse"}}',
      slots: [PURSE],
    });
  });

  const kid = { name: 'kid' };
  const many = (count: number): Json =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [`p${at}`, '$0']),
    );

  it('takes a hundred powers, and parameters up to their bounds', () => {
    const { parameters } = create('helper', { ...kid, powers: many(100) });
    expect(parameters.body.match(/Alleged/g)).toHaveLength(100);
    const longest = 'x'.repeat(MOST_PARAMETER_UNITS - 3);
    expect(
      create('helper', { ...kid, parameters: longest }).parameters.body.length,
    ).toBe(MOST_PARAMETER_UNITS);
    expect(() =>
      create('helper', { ...kid, parameters: `${longest}x` }),
    ).toThrow(
      refusal(
        'parameters and powers have at most 100000 characters and 1000 references, and these have 100001 and 0: tell the vat more when it is there',
        'RangeError',
      ),
    );
    const krefs = Array.from(
      { length: MOST_PARAMETER_SLOTS + 1 },
      (_, at) => `ko${at + 1}` as Kref,
    );
    const names = krefs.map((_, at) => `$${at}`);
    const createOf = (parameters: Json) =>
      readCreation(callOf(['helper', { ...kid, parameters }], krefs), ifaceOf);
    expect(createOf(names.slice(1)).parameters.slots).toEqual(krefs.slice(1));
    expect(() => createOf(names)).toThrow('references, and these have');
  });

  it.each<[string, (inner: Json) => Json]>([
    ['lists', inner => [inner]],
    ['records', inner => ({ inner })],
  ])('takes parameters nested as deep as values are: %s', (_what, wrap) => {
    const parameters = nest(96, wrap);
    const { body } = create('helper', { ...kid, parameters }).parameters;
    expect(body).toBe(`#${JSON.stringify(parameters)}`);
  });

  it('passes on as they are texts that only look like references, where values are tagged', () => {
    const tagged = { '#tag': 'x', payload: ['x$0', '!$0', '$0.\n$1', 'a.$0'] };
    expect(create('helper', { ...kid, parameters: tagged }).parameters).toEqual(
      {
        body: `#${JSON.stringify(tagged)}`,
        slots: [PURSE],
      },
    );
  });

  it('takes the largest store that any may have', () => {
    const { policy } = create('helper', { ...kid, policy: { bytes: 2 ** 30 } });
    expect(policy.bytes).toBe(2 ** 30);
  });

  it('does not follow what is tagged deeper than that', () => {
    const tag = (payload: Json): Json => ({ '#tag': 'x', payload });
    const deep = (times: number) =>
      create('helper', { ...kid, parameters: tag(nest(times, x => [x])) });
    expect(deep(98).parameters.slots).toEqual([]);
    expect(() => deep(99)).toThrow(
      refusal('parameters are nested deeper than 100'),
    );
  });

  it.each<[string, readonly Json[], string?]>([
    ['a bundle is given by its name or its hash, not by 7', [7, kid]],
    [
      'a bundle is given by its name or its hash, not by a reference',
      ['$0', kid],
    ],
    ['the second argument is a record', ['helper', 7]],
    [
      'createVat has no "bytes"; there are name, parameters, powers, policy',
      ['helper', { ...kid, bytes: 7 }],
    ],
    ['name is a name (^[A-Za-z][\\w.-]{0,62}$), not undefined', ['helper']],
    [
      'name is a name (^[A-Za-z][\\w.-]{0,62}$), not a reference',
      ['helper', { name: '$0' }],
    ],
    ['policy is a record', ['helper', { ...kid, policy: [] }]],
    [
      'policy has no "critical"; there are bytes, deadline, endowments, eviction, onFault',
      ['helper', { ...kid, policy: { critical: true } }],
    ],
    [
      'policy: bytes is a whole number from 100000 to 1073741824, not 99999',
      ['helper', { ...kid, policy: { bytes: LEAST_STORE - 1 } }],
      'RangeError',
    ],
    [
      'policy: bytes is a whole number from 100000 to 1073741824, not 1073741825',
      ['helper', { ...kid, policy: { bytes: 2 ** 30 + 1 } }],
      'RangeError',
    ],
    [
      'policy: bytes is a whole number from 100000 to 1073741824, not 200000.5',
      ['helper', { ...kid, policy: { bytes: 200_000.5 } }],
      'RangeError',
    ],
    [
      'policy: bytes is a whole number from 100000 to 1073741824, not "200000"',
      ['helper', { ...kid, policy: { bytes: '200000' } }],
      'RangeError',
    ],
    ['powers is a record', ['helper', { ...kid, powers: 7 }]],
    ['powers are at most 100', ['helper', { ...kid, powers: many(101) }]],
    [
      'name is a name (^[A-Za-z][\\w.-]{0,62}$), not "a b"',
      ['helper', { ...kid, powers: { 'a b': '$0' } }],
    ],
    [
      'the power time is an object',
      ['helper', { ...kid, powers: { time: 7 } }],
    ],
    [
      'the power time is a promise: wait for what it becomes, and pass that',
      ['helper', { ...kid, powers: { time: '&1' } }],
    ],
    ...[
      7,
      null,
      ['x'],
      { powers: 1 },
      { '#tag': 'x', payload: 1 },
      { '#error': 'x' },
    ].map((parameters): [string, readonly Json[]] => [
      'parameters are a record without a field powers: that is where the powers go',
      ['helper', { ...kid, parameters, powers: {} }],
    ]),
    [
      'parameters name a reference in a way that is unknown',
      ['helper', { ...kid, parameters: { '#tag': 'x', payload: '$x' } }],
    ],
    [
      'parameters name a reference in a way that is unknown',
      ['helper', { ...kid, parameters: { '#tag': 'x', payload: '$0x' } }],
    ],
    [
      'parameters name a reference that is not there',
      ['helper', { ...kid, parameters: { '#tag': 'x', payload: '$3' } }],
    ],
  ])('is refused in words: %s', (message, args, name) => {
    expect(() => create(...args)).toThrow(refusal(message, name));
  });

  it('tells all that is wrong with a policy', () => {
    const policy = { deadline: 0, onFault: 'x' };
    expect(() => create('helper', { ...kid, policy })).toThrow(
      refusal(expect.stringMatching(/^policy: .*; policy: /)),
    );
  });
});

describe('a call of upgrade', () => {
  it('leaves the parameters as they are unless it has some, or powers', () => {
    expect(renew('helper')).toEqual({
      bundle: 'helper',
      parameters: undefined,
      upgradeMessage: undefined,
    });
    expect(renew('helper', { upgradeMessage: 'new' })).toEqual({
      bundle: 'helper',
      parameters: undefined,
      upgradeMessage: 'new',
    });
    expect(renew('helper', { parameters: ['$0'] }).parameters).toEqual({
      body: '#["$0"]',
      slots: [PURSE],
    });
    expect(renew('helper', { powers: {} }).parameters).toEqual({
      body: '#{"powers":{}}',
      slots: [],
    });
  });

  it.each<[string, readonly Json[]]>([
    ['the second argument is a record', ['helper', []]],
    [
      'upgrade has no "name"; there are parameters, powers, upgradeMessage',
      ['helper', { name: 'kid' }],
    ],
    ['a reason is a text', ['helper', { upgradeMessage: 7 }]],
  ])('is refused in words: %s', (message, args) => {
    expect(() => renew(...args)).toThrow(refusal(message));
  });
});

describe('a reason', () => {
  it('is data as they were sent, without references', () => {
    const value = { why: ['!$x', '#NaN'], tagged: { '#tag': 'x', payload: 1 } };
    expect(readData(callOf([0, value]), 1)).toEqual({
      body: `#${JSON.stringify(value)}`,
      slots: [],
    });
    expect(readData(callOf([]), 0)).toBe(undefined);
    expect(() => readData(callOf([['$0']]), 0)).toThrow(
      refusal('a reason is data, without references'),
    );
  });

  it('in words is cut, and well-formed', () => {
    expect(readReason(undefined, 'so')).toBe('so');
    expect(readReason('', 'so')).toBe('');
    expect(readReason('x'.repeat(501), 'so')).toBe('x'.repeat(500));
    expect(readReason('\ud800', 'so')).toBe('\ufffd');
    expect(() => readReason(7, 'so')).toThrow(refusal('a reason is a text'));
  });
});

describe('what attenuates', () => {
  it('is a record of bounds', () => {
    const read = (sent: Json) => readCaveats(callOf([sent]).args[0]);
    expect(read({ vats: 1, bundles: ['helper'] })).toEqual({
      vats: 1,
      bytes: null,
      bundles: ['helper'],
      deadline: null,
    });
    expect(read('#undefined')).toMatchObject({ vats: null });
    expect(() => read(7)).toThrow(refusal('what attenuates is a record'));
    expect(() => read({ vats: -1, deadline: 0 })).toThrow(
      refusal(
        expect.stringMatching(/^attenuate: vats .*; attenuate: deadline/),
      ),
    );
  });
});
