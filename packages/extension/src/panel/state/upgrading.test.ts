import { expect, test } from 'vitest';
import type { ControlMethods } from '@cooperage/protocol';
import { makeActions } from './actions.ts';
import type { Connection } from './connection.ts';
import { makeUpgrading, upgradeKey } from './upgrading.ts';

const bundle = JSON.stringify({ moduleFormat: 'endoScript', source: '' });
const alice = { cluster: 'demo', vat: 'alice' };
const bob = { cluster: 'demo', vat: 'bob' };

type Asked = {
  readonly params: ControlMethods['upgrade']['params'];
  readonly resolve: (result: ControlMethods['upgrade']['result']) => void;
  readonly reject: (problem: Error) => void;
};

/** A kernel and a server whose answers a test gives. */
const setUp = () => {
  const asked: Asked[] = [];
  const texts: ((text: string) => void)[] = [];
  const call: unknown = (_method: string, params: Asked['params']) =>
    new Promise<ControlMethods['upgrade']['result']>((resolve, reject) => {
      asked.push({ params, resolve, reject });
    });
  const connection = { call: call as Connection['call'] };
  const actions = makeActions(connection);
  const upgrading = makeUpgrading(connection, actions, {
    fetchText: () => new Promise(resolve => texts.push(resolve)),
    compileModule: async source =>
      source.includes('oops')
        ? { ok: false, problem: 'Unexpected token', line: 5 }
        : { ok: true, bundleText: bundle },
  });
  return { upgrading, actions, asked, texts };
};

test.each([
  ['a.json', 'oops', /a\.json is no bundle: not JSON at line 1/],
  ['a.json', '{"moduleFormat":"x"}', /a\.json is no bundle: /],
  ['a.mjs', 'oops', /a\.mjs can’t be compiled, line 5: Unexpected token/],
])('says why %s with %j is no code', async (origin, text, words) => {
  const { upgrading, asked } = setUp();
  upgrading.open(alice);
  await upgrading.readText(text, origin);
  await upgrading.start();
  expect(upgrading.problem.value).toMatch(words);
  expect([upgrading.code.value, asked]).toEqual([undefined, []]);
});

test('what is read too late, for another vat or after another choice, is not taken', async () => {
  const { upgrading, texts } = setUp();
  upgrading.open(alice);
  const slow = upgrading.readUrl('https://a.org/slow.json');
  await upgrading.readText(bundle, 'quick.json');
  texts[0]?.('{}');
  await slow;
  expect(upgrading.code.value?.origin).toBe('quick.json');
  const again = upgrading.readUrl('https://a.org/again.js?v=2');
  upgrading.open(bob);
  texts[1]?.('export {}');
  await again;
  expect([upgrading.code.value, upgrading.problem.value]).toEqual([
    undefined,
    undefined,
  ]);
});

test('sends what was chosen, tells why it failed until something else is chosen, and closes when it is done', async () => {
  const { upgrading, actions, asked } = setUp();
  const stateOf = () => actions.states.value.get(upgradeKey(alice))?.state;
  upgrading.open(alice);
  await upgrading.readText('export {}', 'new.js');
  const first = upgrading.start();
  expect(asked[0]?.params).toEqual({ ...alice, bundle: { text: bundle } });
  // Pressed twice, it is asked once.
  await upgrading.start();
  asked[0]?.reject(new Error('a durable kind is lost'));
  await first;
  expect([stateOf(), upgrading.code.value?.origin, asked.length]).toEqual([
    'failed',
    'new.js',
    1,
  ]);
  await upgrading.readText(bundle, 'newer.json');
  expect(stateOf()).toBeUndefined();
  const second = upgrading.start();
  asked[1]?.resolve({ incarnation: 7 });
  await second;
  expect([upgrading.whose.value, actions.announcement.value]).toEqual([
    undefined,
    'demo.alice runs the new code, as incarnation 7',
  ]);
});
