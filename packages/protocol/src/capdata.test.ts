import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeDisconnection,
  encodeError,
  encodeJson,
  encodeReference,
  parseSingleReference,
  UNDEFINED_CAPDATA,
  type Json,
} from './capdata.ts';

const noReference = (name: string): never => {
  throw Error(`there is no ${name}`);
};

/** What smallcaps says a string of JSON means: a leading `!` is an escape. */
const unescape = (value: Json): Json => {
  if (typeof value === 'string') {
    return value.startsWith('!') ? value.slice(1) : value;
  }
  if (Array.isArray(value)) {
    return value.map(unescape);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [
        String(unescape(key)),
        unescape(field),
      ]),
    );
  }
  return value;
};

describe('encodeJson', () => {
  it('means the value that it was given', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const { body, slots } = encodeJson(value as Json, noReference);
        expect(slots).toEqual([]);
        expect(body.startsWith('#')).toBe(true);
        expect(unescape(JSON.parse(body.slice(1)))).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });

  it.each([
    '!',
    '#',
    '$0',
    '&1',
    '%sym',
    '+5',
    '-5',
    '"',
    "'",
    '(',
    ')',
    '*',
    ',',
  ])('escapes %j, which would mean something else', text => {
    expect(encodeJson(text, noReference).body).toBe(
      `#${JSON.stringify(`!${text}`)}`,
    );
  });

  it('makes one slot of one reference, however often it is named', () => {
    const friend = { '@ref': 'friend' };
    const promise = { '@ref': 'kp4' };
    expect(
      encodeJson([friend, { x: friend }, promise], name =>
        name === 'friend' ? 'ko7' : name,
      ),
    ).toEqual({ body: '#["$0",{"x":"$0"},"&1"]', slots: ['ko7', 'kp4'] });
  });

  it('tells of a name that stands for nothing', () => {
    expect(() => encodeJson({ '@ref': 'nobody' }, noReference)).toThrow(
      'there is no nobody',
    );
  });
});

describe('a single reference', () => {
  it('is found with and without an interface', () => {
    expect(parseSingleReference(encodeReference('ko1'))).toBe('ko1');
    expect(
      parseSingleReference(
        encodeReference('ko1', 'Alleged: "quoted" \\ thing'),
      ),
    ).toBe('ko1');
  });

  it.each([
    ['#["$0"]', ['ko1']],
    ['#"$0"', ['ko1', 'ko2']],
    ['#"$1"', ['ko1']],
    ['#"!$0"', ['ko1']],
    ['#"&0"', ['kp1']],
    ['#"$0', ['ko1']],
    ['#"$0.a" "', ['ko1']],
    ['#"$0.a\\"', ['ko1']],
    ['#"$0a"', ['ko1']],
  ])('is not %s with %j', (body, slots) => {
    expect(parseSingleReference({ body, slots })).toBe(undefined);
  });

  it('may have an interface as long as a crank can carry', () => {
    const iface = 'x'.repeat(30_000_000);
    expect(
      [`#"$0.${iface}"`, `#"$0.${iface}`].map(body =>
        parseSingleReference({ body, slots: ['ko1'] }),
      ),
    ).toEqual(['ko1', undefined]);
  });
});

describe('what the kernel says itself', () => {
  it('is smallcaps', () => {
    expect([
      encodeError('TypeError', 'no'),
      encodeError('!x', '#y'),
      encodeDisconnection('restarted', 3),
      UNDEFINED_CAPDATA,
    ]).toEqual([
      { body: '#{"#error":"no","name":"TypeError"}', slots: [] },
      { body: '#{"#error":"!#y","name":"!!x"}', slots: [] },
      {
        body: '#{"incarnationNumber":3,"name":"vatUpgraded","upgradeMessage":"restarted"}',
        slots: [],
      },
      { body: '#"#undefined"', slots: [] },
    ]);
  });
});
