import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import {
  makeClusterId,
  makeVatId,
  type BundleStatus,
  type ControlMethods,
  type KernelStatus,
} from '@cooperage/protocol';
import { emptyStatus } from '../testing/fake-kernel.ts';
import { fileOf, makeSlowFile } from '../testing/files.ts';
import { makeActions } from './actions.ts';
import type { Connection } from './connection.ts';
import { makeUpgrading, upgradeKey } from './upgrading.ts';

const bundle = JSON.stringify({ moduleFormat: 'endoScript', source: '' });
/** As `statusOf` numbers them. */
const alice = { id: makeVatId(1), cluster: 'demo', vat: 'alice' };
const bob = { id: makeVatId(2), cluster: 'demo', vat: 'bob' };

const hashOf = (digit: string) => digit.repeat(128);

/** A cluster whose vats run the code of these hashes. */
const statusOf = (codes: Readonly<Record<string, string>>): KernelStatus => ({
  ...emptyStatus,
  clusters: [
    {
      id: makeClusterId(1),
      name: 'demo',
      bootstrap: 'alice',
      services: [],
      vats: Object.entries(codes).map(([name, bundleHash], index) => ({
        id: makeVatId(index + 1),
        name,
        state: 'running',
        incarnation: 1,
        bundleHash,
        root: null,
        waiting: 0,
      })),
    },
  ],
});

type Asked = {
  readonly params: ControlMethods['upgrade']['params'];
  readonly resolve: (result: ControlMethods['upgrade']['result']) => void;
  readonly reject: (problem: Error) => void;
};

/** A kernel and a server whose answers a test gives. */
const setUp = (
  status = statusOf({ alice: hashOf('a'), bob: hashOf('b') }),
  bundles: () => Promise<readonly BundleStatus[]> = async () => [],
) => {
  const asked: Asked[] = [];
  const texts: ((text: string) => void)[] = [];
  const call: unknown = (method: string, params: Asked['params']) =>
    method === 'bundles'
      ? bundles()
      : new Promise<ControlMethods['upgrade']['result']>((resolve, reject) => {
          asked.push({ params, resolve, reject });
        });
  const connection = {
    call: call as Connection['call'],
    status: signal(status),
  };
  const canAct = signal(true);
  const actions = makeActions(connection);
  const upgrading = makeUpgrading(connection, actions, {
    canAct,
    fetchText: () => new Promise(resolve => texts.push(resolve)),
    compileModule: async source =>
      source.includes('oops')
        ? { ok: false, problem: 'Unexpected token', line: 5 }
        : { ok: true, bundleText: bundle },
  });
  return { upgrading, actions, asked, texts, canAct, connection };
};

test.each([
  ['a.json', 'oops', /a\.json is no bundle: not JSON at line 1/],
  ['a.json', '{"moduleFormat":"x"}', /a\.json is no bundle: /],
  ['a.mjs', 'oops', /a\.mjs can’t be compiled, line 5: Unexpected token/],
])('says why %s with %j is no code', async (origin, text, words) => {
  const { upgrading, asked } = setUp();
  upgrading.open(alice);
  await upgrading.readFile(fileOf(text, origin));
  await upgrading.start();
  expect(upgrading.problem.value).toMatch(words);
  expect([upgrading.code.value, asked]).toEqual([undefined, []]);
});

test('what is read too late, for another vat or after another choice, is not taken', async () => {
  const { upgrading, texts } = setUp();
  upgrading.open(alice);
  const slow = upgrading.readUrl('https://a.org/slow.json');
  await upgrading.readFile(fileOf(bundle, 'quick.json'));
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
  await upgrading.readFile(fileOf('export {}', 'new.js'));
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
  await upgrading.readFile(fileOf(bundle, 'newer.json'));
  expect(stateOf()).toBeUndefined();
  const second = upgrading.start();
  asked[1]?.resolve({ incarnation: 7 });
  await second;
  expect([upgrading.whose.value, actions.announcement.value]).toEqual([
    undefined,
    'demo.alice runs the new code, as incarnation 7',
  ]);
});

test('offers what is stored: by the person under a name, and by vats, each code once, with the vat’s own first', async () => {
  const { upgrading } = setUp(
    statusOf({
      bob: hashOf('b'),
      alice: hashOf('a'),
      carol: hashOf('b'),
      dave: hashOf('b'),
      eve: hashOf('b'),
      born: '',
    }),
    async () => [{ name: 'reports', hash: hashOf('b'), units: 7 }],
  );
  upgrading.open({ ...alice, id: makeVatId(2) });
  await expect
    .poll(() => upgrading.stored.value.map(({ title }) => title))
    .toEqual([
      'reports',
      'its own, anew',
      'demo.bob, demo.carol, demo.dave and 1 more',
    ]);
  expect(upgrading.stored.value.map(({ hash }) => hash[0])).toEqual([
    'b',
    'a',
    'b',
  ]);
});

test('says so when what is stored can’t be listed, and offers what vats run all the same', async () => {
  const { upgrading } = setUp(statusOf({ alice: hashOf('a') }), () =>
    Promise.reject(new Error('the kernel is gone')),
  );
  upgrading.open(alice);
  await expect
    .poll(() => upgrading.storedProblem.value)
    .toBe('What is stored can’t be listed: the kernel is gone');
  // It is no problem of what is chosen, and goes with no choice.
  upgrading.chooseStored(hashOf('a'));
  expect([
    upgrading.stored.value.length,
    upgrading.problem.value,
    upgrading.storedProblem.value,
  ]).toEqual([1, undefined, expect.stringContaining('can’t be listed')]);
});

test('sends what is stored by its hash, with parameters and a message', async () => {
  const { upgrading, asked } = setUp(
    statusOf({ alice: hashOf('a'), bob: hashOf('b') }),
  );
  upgrading.open(alice);
  upgrading.chooseStored(hashOf('b'));
  expect(upgrading.code.value?.origin).toBe('the code of demo.bob');
  upgrading.writeParameters(' {"greeting": ["Good day"]} ');
  upgrading.message.value = ' bob is politer now ';
  void upgrading.start();
  expect(asked.map(({ params }) => params)).toEqual([
    {
      ...alice,
      bundle: { hash: hashOf('b') },
      parameters: { greeting: ['Good day'] },
      upgradeMessage: 'bob is politer now',
    },
  ]);
});

test('begins nothing with parameters that are no JSON, and says where until they change', async () => {
  const { upgrading, asked } = setUp(statusOf({ alice: hashOf('a') }));
  upgrading.open(alice);
  upgrading.chooseStored(hashOf('a'));
  upgrading.writeParameters('{"greeting":\n Good day}');
  await upgrading.start();
  expect(upgrading.parametersProblem.value).toMatchObject({
    line: 2,
    column: 2,
  });
  expect(asked).toEqual([]);
  upgrading.writeParameters('{}');
  expect(upgrading.parametersProblem.value).toBeUndefined();
  void upgrading.start();
  expect(asked[0]?.params.parameters).toEqual({});
});

test('keeps the parameters while another code is chosen, and not for another vat', async () => {
  const { upgrading } = setUp(
    statusOf({ alice: hashOf('a'), bob: hashOf('b') }),
  );
  upgrading.open(alice);
  upgrading.chooseStored(hashOf('a'));
  upgrading.writeParameters('1');
  upgrading.message.value = 'new';
  upgrading.chooseStored(hashOf('b'));
  await upgrading.readFile(fileOf(bundle, 'quick.json'));
  expect([
    upgrading.parametersText.value,
    upgrading.message.value,
    upgrading.code.value,
  ]).toEqual(['1', 'new', { origin: 'quick.json', bundle: { text: bundle } }]);
  upgrading.chooseStored('');
  expect(upgrading.code.value).toBeUndefined();
  upgrading.open(bob);
  expect([upgrading.parametersText.value, upgrading.message.value]).toEqual([
    '',
    '',
  ]);
});

test('a file that is read late replaces no newer choice, and one that can’t be read says so', async () => {
  const { upgrading } = setUp();
  upgrading.open(alice);
  const slow = makeSlowFile('slow.json');
  const reading = upgrading.readFile(slow.file);
  upgrading.chooseStored(hashOf('b'));
  slow.give(bundle);
  await reading;
  expect(upgrading.code.value?.origin).toBe('the code of demo.bob');
  const gone = makeSlowFile('gone.json');
  gone.fail('NotFoundError');
  await upgrading.readFile(gone.file);
  expect([upgrading.code.value, upgrading.problem.value]).toEqual([
    undefined,
    expect.stringMatching(
      /^gone\.json can’t be read: it is not there any more/,
    ),
  ]);
});

test('an upgrade that ends well after another choice leaves that to be given next', async () => {
  const { upgrading, actions, asked } = setUp();
  upgrading.open(alice);
  await upgrading.readFile(fileOf(bundle, 'first.json'));
  const first = upgrading.start();
  await upgrading.readFile(fileOf(bundle, 'second.json'));
  expect([
    upgrading.attempt.value?.state,
    upgrading.attempt.value?.code.origin,
    upgrading.canStart.value,
  ]).toEqual(['busy', 'first.json', false]);
  asked[0]?.resolve({ incarnation: 2 });
  await first;
  expect([
    upgrading.whose.value,
    upgrading.code.value?.origin,
    upgrading.canStart.value,
    actions.announcement.value,
  ]).toEqual([
    alice,
    'second.json',
    true,
    'demo.alice runs the new code, as incarnation 2',
  ]);
});

test.each<[string, (upgrading: ReturnType<typeof setUp>['upgrading']) => void]>(
  [
    ['another choice', upgrading => upgrading.chooseStored(hashOf('b'))],
    ['no choice', upgrading => upgrading.chooseStored('')],
    ['the form opened anew', upgrading => upgrading.open({ ...alice })],
  ],
)('an upgrade that fails meets %s as what it was', async (_what, meanwhile) => {
  const { upgrading, asked } = setUp();
  upgrading.open(alice);
  await upgrading.readFile(fileOf(bundle, 'first.json'));
  const first = upgrading.start();
  meanwhile(upgrading);
  const chosen = upgrading.code.value;
  asked[0]?.reject(new Error('a durable kind is lost'));
  await first;
  expect([upgrading.code.value, upgrading.attempt.value]).toEqual([
    chosen,
    {
      state: 'failed',
      problem: 'a durable kind is lost',
      code: { origin: 'first.json', bundle: { text: bundle } },
    },
  ]);
});

test('begins nothing while nothing can be done, nor twice', async () => {
  const { upgrading, asked, canAct } = setUp();
  upgrading.open(alice);
  upgrading.chooseStored(hashOf('b'));
  canAct.value = false;
  void upgrading.start();
  expect([upgrading.canStart.value, asked]).toEqual([false, []]);
  canAct.value = true;
  void upgrading.start();
  void upgrading.start();
  expect([upgrading.canStart.value, asked.length]).toEqual([false, 1]);
});

test('a new vat inherits neither the form of one of its name, nor the answer, nor the code', async () => {
  const { upgrading, actions, asked, connection } = setUp();
  upgrading.open(alice);
  upgrading.chooseStored(hashOf('b'));
  const first = upgrading.start();
  const { clusters } = statusOf({ alice: hashOf('c') });
  const id = makeVatId(9);
  connection.status.value = {
    ...emptyStatus,
    clusters: clusters.map(cluster => ({
      ...cluster,
      vats: cluster.vats.map(vat => ({ ...vat, id })),
    })),
  };
  asked[0]?.reject(new Error('it has ended meanwhile'));
  await first;
  // Its names are the other's now: what is ordered by them would be the other's.
  void upgrading.start();
  const heir = { ...alice, id };
  expect([
    upgrading.whose.value?.id === heir.id,
    actions.states.value.has(upgradeKey(heir)),
    asked.length,
    upgrading.stored.value.map(({ title }) => title),
  ]).toEqual([false, false, 1, ['demo.alice']]);
  upgrading.open(heir);
  expect([
    upgrading.attempt.value,
    upgrading.stored.value.map(({ title }) => title),
  ]).toEqual([undefined, ['its own, anew']]);
});
