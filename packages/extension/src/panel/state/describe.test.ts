import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeJson, type CapData, type Vref } from '@cooperage/protocol';
import {
  describe as read,
  referencesOf,
  type DisplayNode,
} from './describe.ts';

const slots = ['o-7', 'p-9', 'o+3'] as Vref[];
const readBody = (json: unknown): DisplayNode =>
  read({ body: `#${JSON.stringify(json)}`, slots });
const text = (kind: DisplayNode['kind'], value: string) => ({
  kind,
  text: value,
});

test.each<[string, unknown, unknown]>([
  ['plain text', 'hello', text('string', 'hello')],
  ['empty text', '', text('string', '')],
  ['escaped text', '!#undefined', text('string', '#undefined')],
  ['an escaped exclamation mark', '!!', text('string', '!')],
  ['null', null, text('null', 'null')],
  ['true', true, text('boolean', 'true')],
  ['a number', 1.5, text('number', '1.5')],
  ['undefined', '#undefined', text('undefined', 'undefined')],
  ['NaN', '#NaN', text('number', 'NaN')],
  ['Infinity', '#Infinity', text('number', 'Infinity')],
  ['-Infinity', '#-Infinity', text('number', '-Infinity')],
  ['a bigint', '+123', text('bigint', '123n')],
  ['a negative bigint', '-123', text('bigint', '-123n')],
  ['a symbol', '%name', text('symbol', 'Symbol(name)')],
  ['a list', ['a'], { kind: 'list', items: [text('string', 'a')] }],
  [
    'a record with escaped names',
    { '!#a': 1 },
    { kind: 'record', fields: [{ name: '#a', value: text('number', '1') }] },
  ],
  [
    'a reference',
    '$0.Alleged: Foo',
    { kind: 'object', vref: 'o-7', kref: 'ko7', iface: 'Foo' },
  ],
  [
    'an interface that is not alleged',
    '$0.Foo. Bar',
    { kind: 'object', vref: 'o-7', kref: 'ko7', iface: 'Foo. Bar' },
  ],
  [
    'a promise',
    '&1',
    { kind: 'promise', vref: 'p-9', kref: 'kp9', iface: 'Promise' },
  ],
  [
    'an own export, which has no kref',
    '$2',
    { kind: 'object', vref: 'o+3', kref: undefined, iface: 'Remotable' },
  ],
  [
    'an error with what it carries',
    { '#error': '!+oops', name: 'TypeError', errorId: 'e1' },
    {
      kind: 'error',
      name: 'TypeError',
      message: '+oops',
      fields: [{ name: 'errorId', value: text('string', 'e1') }],
    },
  ],
  [
    'a tagged value',
    { '#tag': 'copySet', payload: [] },
    { kind: 'tagged', tag: 'copySet', payload: { kind: 'list', items: [] } },
  ],
])('reads %s', (_what, json, node) => {
  expect(readBody(json)).toEqual(node);
});

test.each([
  ['a slot that did not come along', '$7'],
  ['an unknown constant', '#whatever'],
  ['a bigint that is none', '+12x'],
  ['a reserved mark', '*AAAA'],
  ['a reserved field', { '#new': 1 }],
])('shows %s as it came', (_what, json) => {
  expect(readBody(json).kind).toBe('unreadable');
});

test.each(['{"@qclass":"undefined"}', '#{', ''])(
  'shows the body %j as it came',
  body => {
    expect(read({ body, slots: [] }).kind).toBe('unreadable');
  },
);

test('takes liveslots’ name for a nameless import as no interface', () => {
  expect(readBody('$0.Alleged: presence o-51')).toMatchObject({
    kind: 'object',
    iface: 'Remotable',
  });
});

test('remembers the interface of a slot for its later mentions', () => {
  expect(
    referencesOf(readBody({ a: '$0.Alleged: Foo', b: ['$0', '&1'] })).map(
      ({ vref, iface }) => [vref, iface],
    ),
  ).toEqual([
    ['o-7', 'Foo'],
    ['p-9', 'Promise'],
  ]);
});

test('stops at a depth instead of overflowing the stack', () => {
  const depth = 50_000;
  const body = `#${'['.repeat(depth)}${']'.repeat(depth)}`;
  expect(read({ body, slots: [] }).kind).toBe('list');
});

test('never throws, whatever JSON a body holds', () => {
  const special = fc.stringMatching(/^[!-\-][#$&%+\-.\da-z ]{0,6}$/);
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('#error', '#tag', 'name', 'payload', '__proto__', '!#tag'),
  );
  const value = fc.letrec(tie => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue(),
      special,
      fc.array(tie('any')),
      fc.dictionary(key, tie('any')),
    ),
  })).any;
  fc.assert(
    fc.property(value, json => {
      expect(readBody(json).kind).toBeTypeOf('string');
    }),
  );
});

test('never throws, whatever text a body is', () => {
  fc.assert(
    fc.property(fc.string(), body => {
      expect(read({ body, slots: [] } as CapData).kind).toBeTypeOf('string');
      expect(read({ body: `#${body}`, slots: [] }).kind).toBeTypeOf('string');
    }),
  );
});

test('never throws, however deep what it can not read is nested', () => {
  const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
  for (const body of [`#{"#odd":${deep}}`, `#{"#error":${deep}}`, `#${deep}`]) {
    expect(read({ body, slots: [] }).kind).toBeTypeOf('string');
  }
});

const plain = (node: DisplayNode): unknown => {
  switch (node.kind) {
    case 'list':
      return node.items.map(plain);
    case 'record':
      return Object.fromEntries(
        node.fields.map(({ name, value }) => [name, plain(value)]),
      );
    case 'string':
      return node.text;
    case 'null':
      return null;
    default:
      return 'text' in node ? JSON.parse(node.text) : node;
  }
};

test('reads back what encodeJson writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), json => {
      const clean = JSON.parse(JSON.stringify(json));
      expect(plain(read(encodeJson(clean, () => 'o-1' as Vref)))).toEqual(
        clean,
      );
    }),
  );
});
