import { describe, expect, it } from 'vitest';
import { DEFAULT_VAT_LIMITS, type Syscall } from '@cooperage/protocol';
import { makeManualClock } from './testing/manual-clock.ts';
import type { Deed, RawVat } from './testing/raw-vats.ts';
import { makeRig } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  end,
  fulfil,
  makeStage,
  reject,
  send,
  settle,
  subscribe,
  vref,
  type Stage,
} from './testing/stage.ts';

const any = expect.anything();

const rowsOf = ({ rig }: Stage) => {
  const { clists, objects, promises, queue } = rig.kernel.state;
  return {
    clists: clists.size,
    objects: objects.size,
    promises: promises.size,
    queue: queue.size,
  };
};

/** What a rejection says, or the body where it is no error. */
const textOf = (delivery: unknown): string =>
  String(JSON.stringify(delivery)).replaceAll('\\"', '"');

describe('while a message to alice is in flight', () => {
  it('the vat that exports its argument is terminated: alice gets the reference, and her message to it rejects (invariants 5, 6)', async () => {
    const stage = await makeStage(['alice']);
    const carol = await stage.launch('other', 'carol');
    await stage.say(send(stage.root('alice'), 'take', [carol]));
    expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
    const [, , { methargs }] = stage.flight('alice') as never as [
      string,
      string,
      { methargs: { slots: string[] } },
    ];
    await stage.client.rpc.call('terminate', { cluster: 'other' });
    const [slot = ''] = methargs.slots;
    await stage.finish('alice', send(slot, 'hi', [], 'p+1'), subscribe('p+1'));
    expect(textOf(stage.flight('alice'))).toContain('is gone');
    await stage.finish('alice');
    await end(stage);
  });

  it.each([
    [
      'is fulfilled',
      fulfil('p+1', dataOf('yes')),
      ['p-50', false, dataOf('yes')],
    ],
    ['is rejected', reject('p+1', dataOf('no')), ['p-50', true, dataOf('no')]],
  ])(
    'the promise in its argument %s: alice is told when she asks (invariant 9)',
    async (_, resolution, told) => {
      const stage = await makeStage(['alice']);
      await stage.say(send(stage.root('alice'), 'take', ['p+1']));
      await stage.say(resolution);
      await stage.finish('alice', subscribe('p-50'));
      expect(stage.flight('alice')).toEqual(['notify', [told]]);
      await stage.finish('alice');
      expect(rowsOf(stage)).toMatchObject({ promises: 0, queue: 0 });
      await end(stage);
    },
  );

  it('the decider of the promise in its argument is gone: alice is told of a rejection, once (invariant 7)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'take', ['p+1']));
    stage.client.rpc.close();
    await settle();
    await stage.finish('alice', subscribe('p-50'), subscribe('p-50'));
    expect(stage.flight('alice')).toMatchObject([
      'notify',
      [['p-50', true, any]],
    ]);
    await stage.finish('alice');
    expect(stage.vat('alice').isBusy).toBe(false);
    await end(stage);
  });

  it('its sender is terminated: alice answers, and nobody holds the answer (invariants 6, 7)', async () => {
    const stage = await makeStage(['alice']);
    const before = rowsOf(stage);
    const bob = await stage.launch('other', 'bob');
    await stage.say(send(bob, 'go', [stage.root('alice')]));
    await stage.finish('bob', send('o-50', 'ask', [], 'p+1'), subscribe('p+1'));
    expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
    await stage.client.rpc.call('terminate', { cluster: 'other' });
    await stage.finish('alice', fulfil('p-50', dataOf('late')));
    expect(rowsOf(stage)).toMatchObject({ promises: 0, queue: 0 });
    expect(rowsOf(stage).clists).toBe(before.clists + 1); // the client still names bob
    await end(stage);
  });

  it('its argument is sent to alice again: both deliveries name it alike, and it counts once (invariants 5, 6)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'one', ['o+1']));
    await stage.say(send(stage.root('alice'), 'two', ['o+1']));
    expect(textOf(stage.flight('alice'))).toContain('o-50');
    await stage.finish('alice');
    expect(textOf(stage.flight('alice'))).toContain('"two"');
    expect(textOf(stage.flight('alice'))).toContain('o-50');
    await stage.finish('alice');
    const [object] = [...stage.rig.kernel.state.objects.values()].filter(
      ({ owner }) => owner?.startsWith('s'),
    );
    expect(object).toMatchObject({ reachable: 1, recognizable: 1 });
    await end(stage);
  });

  it('alice drops the object that is being sent to her again: the next delivery gives it a new name (invariants 5, 8)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'one', ['o+1']));
    await stage.say(send(stage.root('alice'), 'two', ['o+1']));
    await stage.finish(
      'alice',
      ['dropImports', [vref('o-50')]],
      ['retireImports', [vref('o-50')]],
    );
    expect(textOf(stage.flight('alice'))).toContain('o-51');
    await stage.finish('alice');
    await end(stage);
  });

  it('alice only drops the object that is being sent to her again: the next delivery makes it reachable under its name (invariant 6)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'one', ['o+1']));
    await stage.say(send(stage.root('alice'), 'two', ['o+1']));
    await stage.finish('alice', ['dropImports', [vref('o-50')]]);
    expect(textOf(stage.flight('alice'))).toContain('o-50');
    await stage.finish('alice', send('o-50', 'back'));
    expect(textOf(stage.client.deliveries.at(-1))).toContain('back');
    await end(stage);
  });

  it('alice is terminated: the answer rejects, and what her worker still says is not heard (invariants 2, 7)', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await stage.say(
      send(stage.root('alice'), 'ask', [stage.root('bob')], 'p+1'),
      subscribe('p+1'),
    );
    const worker = stage.vat('alice');
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    expect(worker.isKilled).toBe(true);
    worker.finish({ syscalls: [fulfil('p-50', dataOf('too late'))] });
    await settle();
    expect(stage.client.deliveries).toMatchObject([
      ['notify', [['p+1', true, any]]],
    ]);
    expect(textOf(stage.client.deliveries)).toContain('was terminated');
    expect(rowsOf(stage).queue).toBe(0);
    await end(stage);
  });

  it('alice is restarted: the message goes to her next incarnation, and the old one is not heard (invariants 1, 2)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(
      send(stage.root('alice'), 'ask', [], 'p+1'),
      subscribe('p+1'),
    );
    const old = stage.vat('alice');
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await settle();
    old.finish({ syscalls: [fulfil('p-50', dataOf('old'))] });
    await settle();
    expect(stage.vat('alice').incarnation).toBe(2);
    expect(stage.vat('alice').deliveries).toMatchObject([
      ['startVat', {}],
      ['message', 'o+0', {}],
    ]);
    await stage.finish('alice', fulfil('p-50', dataOf('new')));
    expect(stage.client.deliveries).toEqual([
      ['notify', [['p+1', false, dataOf('new')]]],
    ]);
    await end(stage);
  });

  it('alice is lost three times: the message is delivered three times, then its answer rejects, and bob runs on (invariant 11)', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await stage.say(
      send(stage.root('alice'), 'ask', [], 'p+1'),
      subscribe('p+1'),
      send(stage.root('bob'), 'ask'),
    );
    const bob = stage.vat('bob');
    for (const incarnation of [1, 2, 3]) {
      expect(stage.vat('alice').incarnation).toBe(incarnation);
      expect(textOf(stage.flight('alice'))).toContain('"ask"');
      stage.vat('alice').lose('the power is off');
      await settle();
    }
    expect(textOf(stage.client.deliveries)).toContain(
      'given up after 3 tries: the power is off',
    );
    expect(bob.isBusy && !bob.isKilled).toBe(true);
    await stage.finish('bob');
    await end(stage);
  });

  it('bob sends her more: it waits its turn, in the order sent (invariant 1)', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await stage.say(
      send(stage.root('alice'), 'first'),
      send(stage.root('bob'), 'go', [stage.root('alice')]),
    );
    // Bob knows alice under what his bootstrap never gave him: the message did.
    await stage.finish(
      'bob',
      send('o-50', 'second', [], null),
      send('o-50', 'third', [], null),
    );
    expect(textOf(stage.flight('alice'))).toContain('"first"');
    await stage.finish('alice');
    expect(textOf(stage.flight('alice'))).toContain('"second"');
    await stage.finish('alice');
    expect(textOf(stage.flight('alice'))).toContain('"third"');
    await stage.finish('alice');
    await end(stage);
  });

  it('a promise that it names is fulfilled with an object of her own: she is told her own name for it (invariant 5)', async () => {
    const stage = await makeStage(['alice']);
    const alice = stage.root('alice');
    await stage.say(
      send(alice, 'take', ['p+1']),
      send('p+1', 'along'),
      fulfil('p+1', dataOf('$0', alice)),
    );
    await stage.finish('alice', subscribe('p-50'));
    expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
    await stage.finish('alice');
    expect(stage.flight('alice')).toEqual([
      'notify',
      [['p-50', false, dataOf('$0', 'o+0')]],
    ]);
    await stage.finish('alice');
    await end(stage);
  });

  it('the session that sent it ends: alice answers, and no row is left of either (invariants 6, 12)', async () => {
    const stage = await makeStage(['alice']);
    const before = rowsOf(stage);
    const other = await stage.rig.connect();
    const alice = Object(
      await other.rpc.call('reference', { cluster: 'demo', vat: 'alice' }),
    ).vref;
    other.send(send(alice, 'ask', ['o+1'], 'p+1'), subscribe('p+1'));
    await settle();
    other.rpc.close();
    await settle();
    expect(stage.rig.kernel.status().sessions).toBe(1);
    await stage.finish(
      'alice',
      send('o-50', 'call', [], 'p+9'),
      subscribe('p+9'),
      fulfil('p-51', dataOf('answer')),
      ['dropImports', [vref('o-50')]],
      ['retireImports', [vref('o-50')]],
    );
    expect(textOf(stage.flight('alice'))).toContain('is gone');
    await stage.finish('alice');
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('another cluster is launched and terminated: neither waits for the other', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(
      send(stage.root('alice'), 'ask', [], 'p+1'),
      subscribe('p+1'),
    );
    await stage.launch('other', 'bob');
    await stage.client.rpc.call('terminate', { cluster: 'other' });
    await stage.finish('alice', fulfil('p-50', dataOf('done')));
    expect(stage.client.deliveries).toMatchObject([
      ['notify', [['p+1', false, any]]],
    ]);
    await end(stage);
  });
});

describe('the loss of a heap', () => {
  it('rejects what the heap was to decide, keeps what it waits for, and orphans what only it knew (invariants 5, 6, 7)', async () => {
    const stage = await makeStage(['alice']);
    const alice = stage.root('alice');
    await stage.say(
      send(alice, 'watch', ['p+1', 'p+2', 'o+1'], 'p+3'),
      subscribe('p+3'),
    );
    // alice names p-50 (watched), p-51 (not), o-52, and answers p-53 later.
    await stage.finish(
      'alice',
      subscribe('p-50'),
      send('o-52', 'have', ['o+5', 'o+d7/1', 'o+v8/1', 'o+0', 'p+9']),
    );
    const [, , { methargs }] = stage.client.deliveries.at(-1) as never as [
      string,
      string,
      { methargs: { slots: string[] } },
    ];
    const [ephemeral = '', durable = '', virtual = '', root = ''] =
      methargs.slots;
    stage.client.send(subscribe(methargs.slots[4] ?? ''));
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await settle();
    const disconnection = {
      body: '#{"incarnationNumber":1,"name":"vatUpgraded","upgradeMessage":"restarted by a person"}',
      slots: [],
    };
    expect(stage.client.deliveries.slice(1)).toEqual([
      [
        'notify',
        [
          ['p+3', true, disconnection],
          [methargs.slots[4], true, disconnection],
        ],
      ],
    ]);
    const names = [...stage.rig.kernel.state.clists.values()]
      .filter(({ endpoint }) => endpoint === stage.vat('alice').id)
      .map(({ vref: name }) => name);
    expect(names.sort()).toEqual(['o+0', 'o+d7/1', 'o-52', 'p-50']);
    await stage.say(
      send(ephemeral, 'x', [], 'p+11'),
      send(virtual, 'x', [], 'p+12'),
      subscribe('p+11'),
      subscribe('p+12'),
      send(durable, 'to durable'),
      send(root, 'to root'),
      fulfil('p+1', dataOf('watched')),
    );
    expect(stage.client.deliveries.slice(2)).toMatchObject([
      [
        'notify',
        [
          ['p+11', true, any],
          ['p+12', true, any],
        ],
      ],
    ]);
    expect(stage.flight('alice')).toMatchObject(['message', 'o+d7/1', {}]);
    await stage.finish('alice');
    expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
    await stage.finish('alice');
    expect(stage.flight('alice')).toEqual([
      'notify',
      [['p-50', false, dataOf('watched')]],
    ]);
    await stage.finish('alice');
    await end(stage);
  });

  it('gives a new incarnation only where there was a heap', async () => {
    const stage = await makeStage(['alice']);
    const restart = () =>
      stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await Promise.all([restart(), restart()]);
    await settle();
    expect(stage.vat('alice').incarnation).toBe(2);
    await end(stage);
  });

  it('suspends a vat of which no incarnation survives a notify; that waits, and goes with the vat (invariants 9, 12)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'watch', ['p+1']));
    await stage.finish('alice', subscribe('p-50'));
    await stage.say(fulfil('p+1', dataOf(1)));
    for (let tries = 0; tries < 3; tries += 1) {
      expect(stage.flight('alice')).toMatchObject(['notify', any]);
      stage.vat('alice').lose('it crashed');
      await settle();
    }
    const { clusters } = stage.rig.kernel.status();
    expect(clusters[0]?.vats[1]).toMatchObject({
      state: 'suspended',
      waiting: 1,
    });
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await settle();
    expect(rowsOf(stage)).toMatchObject({ promises: 0, queue: 0 });
    await end(stage);
  });
});

const done = (vat: RawVat, fields: object = {}): unknown => ({
  type: 'done',
  crank: vat.crank,
  outcome: { ok: true },
  syscalls: [],
  changes: [],
  ...fields,
});
const syscall = (...parts: unknown[]): Syscall => parts as never;
const holed: unknown[] = [];
holed.length = 2;

const ILLEGAL_SYSCALLS: [string, ...Syscall[]][] = [
  ['sends to what it never had', send('o-99', 'x')],
  ['names what it never had', send('o-50', 'x', ['o-99'])],
  ['subscribes to what it never had', subscribe('p-99')],
  ['subscribes to an object', subscribe('o-50')],
  ['wants an object as its answer', send('o-50', 'x', [], 'o+9')],
  ['wants another’s promise as its answer', send('o-50', 'x', [], 'p-51')],
  [
    'wants one answer twice',
    send('o-50', 'x', [], 'p+9'),
    send('o-50', 'y', [], 'p+9'),
  ],
  ['waits for its own answer', send('p+9', 'x', [], 'p+9')],
  ['resolves another’s promise', fulfil('p-51', dataOf(1))],
  [
    'resolves the answer that it asked for',
    send('o-50', 'x', [], 'p+9'),
    fulfil('p+9', dataOf(1)),
  ],
  [
    'resolves a promise twice in a batch',
    [
      'resolve',
      [
        [vref('p-52'), false, dataOf(1)],
        [vref('p-52'), false, dataOf(2)],
      ],
    ],
  ],
  [
    'resolves a promise that it has resolved',
    fulfil('p-52', dataOf(1)),
    fulfil('p-52', dataOf(2)),
  ],
  ['resolves a promise to itself', fulfil('p-52', dataOf('&0', 'p-52'))],
  ['resolves an object', fulfil('o-50', dataOf(1))],
  [
    'sends to a promise that it has resolved',
    fulfil('p-52', dataOf(1)),
    send('p-52', 'x'),
  ],
  ['drops what it never had', ['dropImports', [vref('o-99')]]],
  ['drops a promise', ['dropImports', [vref('p-51')]]],
  ['drops its own object', ['dropImports', [vref('o+0')]]],
  [
    'drops twice',
    ['dropImports', [vref('o-50')]],
    ['dropImports', [vref('o-50')]],
  ],
  [
    'uses what it has dropped',
    ['dropImports', [vref('o-50')]],
    send('o-50', 'x'),
  ],
  ['retires what it has not dropped', ['retireImports', [vref('o-50')]]],
  ['retires its root', ['retireExports', [vref('o+0')]]],
  ['abandons its root', ['abandonExports', [vref('o+0')]]],
  ['retires what it never had', ['retireImports', [vref('o-99')]]],
  ['retires a promise', ['retireImports', [vref('p-51')]]],
  ['retires as its own what it imports', ['retireExports', [vref('o-50')]]],
  ['retires as its own what it never had', ['retireExports', [vref('o+9')]]],
  ['retires as an import its own object', ['retireImports', [vref('o+0')]]],
  ['abandons what it never had', ['abandonExports', [vref('o+9')]]],
  [
    'retires twice',
    ['dropImports', [vref('o-50')]],
    ['retireImports', [vref('o-50')]],
    ['retireImports', [vref('o-50')]],
  ],
  ['abandons what it imports', ['abandonExports', [vref('o-50')]]],
  [
    'retires what others may reach',
    send('o-50', 'x', ['o+7']),
    ['retireExports', [vref('o+7')]],
  ],
  ['forgets a promise that it decides', ['forgetPromises', [vref('p-52')]]],
  ['forgets a promise that it never had', ['forgetPromises', [vref('p-99')]]],
  ['forgets an object', ['forgetPromises', [vref('o-50')]]],
  [
    'forgets twice',
    ['forgetPromises', [vref('p-51')]],
    ['forgetPromises', [vref('p-51')]],
  ],
  ['makes an unknown syscall', syscall('callNow', 'd-1')],
  ['makes no list of a syscall', syscall()],
  ['sends to no vref', send('ko1', 'x')],
  ['sends no message', syscall('send', 'o-50')],
  ['sends no slots', syscall('send', 'o-50', { methargs: { body: '#1' } })],
  [
    'sends a body that is no text',
    syscall('send', 'o-50', { methargs: { body: 1, slots: [] } }),
  ],
  [
    'sends a hole for a slot',
    syscall('send', 'o-50', { methargs: { body: '#1', slots: holed } }),
  ],
  [
    'sends half of a surrogate pair',
    syscall('send', 'o-50', { methargs: { body: '#"\ud800"', slots: [] } }),
  ],
  ['resolves no list', syscall('resolve', 'p-52')],
  ['resolves without a flag', syscall('resolve', [['p-52', 'yes', dataOf(1)]])],
  ['exits without a flag', syscall('exit', 1, dataOf(1))],
  ['drops no list', syscall('dropImports', 'o-50')],
];

const MALFORMED: [string, (vat: RawVat) => unknown][] = [
  ['says nothing that is a message', () => 'done'],
  ['says a message of no type', () => ({})],
  ['says hello again', () => ({ type: 'hello', version: 1 })],
  ['is ready again', () => ({ type: 'ready' })],
  ['logs in no known level', () => ({ type: 'log', level: 'x', text: '' })],
  ['ends another crank', vat => done(vat, { crank: Number(vat.crank) + 1 })],
  ['ends no crank', vat => done(vat, { crank: undefined })],
  ['has no outcome', vat => done(vat, { outcome: undefined })],
  ['has an outcome that is neither', vat => done(vat, { outcome: { ok: 1 } })],
  ['fails without a problem', vat => done(vat, { outcome: { ok: false } })],
  ['has no list of syscalls', vat => done(vat, { syscalls: {} })],
  ['has no list of changes', vat => done(vat, { changes: null })],
  ['changes no key', vat => done(vat, { changes: [[1, 'x']] })],
  ['stores no text', vat => done(vat, { changes: [['k', 1]] })],
  [
    'stores half of a surrogate pair',
    vat => done(vat, { changes: [['k', 'a\udc00']] }),
  ],
  [
    'stores under half of a surrogate pair',
    vat => done(vat, { changes: [['\ud800', 'a']] }),
  ],
  [
    'changes too many keys',
    vat => done(vat, { changes: Array(6).fill(['k', 'v']) }),
  ],
  [
    'makes too many syscalls',
    vat => done(vat, { syscalls: Array(6).fill(subscribe('p-51')) }),
  ],
  [
    'names too much in a message',
    vat => done(vat, { syscalls: [send('o-50', 'x', Array(6).fill('o-50'))] }),
  ],
  [
    'carries too much text',
    vat => done(vat, { changes: [['k', 'x'.repeat(1_001)]] }),
  ],
  [
    'carries too many references',
    vat =>
      done(vat, {
        syscalls: Array(5).fill([
          'dropImports',
          Array(5).fill('o-1234567890123456'.repeat(1)),
        ]),
        changes: [['k', 'x'.repeat(700)]],
      }),
  ],
];

const LIMITS = {
  ...DEFAULT_VAT_LIMITS,
  syscallsPerCrank: 5,
  changesPerCrank: 5,
  slotsPerMessage: 5,
  unitsPerCrank: 1_000,
  logUnits: 500,
  logLinesPerCrank: 20,
};

/** alice has bob as o-50 and someone's promise as p-51, and is to answer p-52. */
const setIllegalScene = async (): Promise<Stage> => {
  const stage = await makeStage(['alice', 'bob'], {
    limits: LIMITS,
    rules: { onFault: 'restart' },
  });
  await stage.say(
    send(stage.root('alice'), 'go', ['o+1', 'p+1'], 'p+2'),
    subscribe('p+2'),
    send(stage.root('bob'), 'other work', [], 'p+3'),
    subscribe('p+3'),
  );
  return stage;
};

/** Lets alice do the same thing in three incarnations; checks that nothing of it is applied. */
const expectThreeTries = async (
  stage: Stage,
  misbehave: (vat: RawVat) => void,
): Promise<void> => {
  const before = rowsOf(stage);
  for (const incarnation of [1, 2, 3]) {
    const vat = stage.vat('alice');
    expect([vat.incarnation, vat.isBusy]).toEqual([incarnation, true]);
    expect(rowsOf(stage)).toEqual(before);
    misbehave(vat);
    await settle();
    expect(vat.isKilled).toBe(true);
  }
  expect(stage.client.deliveries).toMatchObject([
    ['notify', [['p+2', true, any]]],
  ]);
  expect(textOf(stage.client.deliveries)).toContain('given up after 3 tries');
  expect(stage.rig.kernel.state.vatChanges.size).toBe(0);
  await stage.finish('bob', fulfil('p-50', dataOf('fine')));
  expect(stage.client.deliveries[1]).toEqual([
    'notify',
    [['p+3', false, dataOf('fine')]],
  ]);
  await end(stage);
};

describe('nothing of a crank is applied, it is tried by three incarnations, and others run on (invariants 2, 4, 7, 11), when its vat', () => {
  it.each(ILLEGAL_SYSCALLS)('%s', async (_, ...syscalls) => {
    const stage = await setIllegalScene();
    await expectThreeTries(stage, vat =>
      vat.finish({
        syscalls: [send('o-50', 'never'), ...syscalls],
        changes: [['key', 'never']],
      }),
    );
  });

  it.each(MALFORMED)('%s', async (_, makeMessage) => {
    const stage = await setIllegalScene();
    await expectThreeTries(stage, vat => vat.say(makeMessage(vat)));
  });

  it('floods its log', async () => {
    const stage = await setIllegalScene();
    await expectThreeTries(stage, vat => {
      const lines = 2 * (LIMITS.logLinesPerCrank + 1) + 1;
      for (let line = 0; line < lines; line += 1) {
        vat.say({ type: 'log', level: 'log', text: 'spam' });
      }
    });
  });

  it('reports a failed outcome at length, of which people are told the beginning', async () => {
    const stage = await setIllegalScene();
    const problem = 'x'.repeat(LIMITS.logUnits + 100);
    await expectThreeTries(stage, vat =>
      vat.finish({ outcome: { ok: false, problem } }),
    );
    expect(textOf(stage.client.deliveries).length).toBeLessThan(
      LIMITS.logUnits + 200,
    );
  });

  it('goes with a long word, of which people are told the beginning', async () => {
    const stage = await setIllegalScene();
    const goodbye = 'x'.repeat(LIMITS.logUnits + 100);
    await expectThreeTries(stage, vat => vat.lose(goodbye));
    expect(textOf(stage.client.deliveries).length).toBeLessThan(
      LIMITS.logUnits + 200,
    );
  });

  it('reports a failed outcome', async () => {
    const stage = await setIllegalScene();
    const deed: Deed = {
      outcome: { ok: false, problem: 'liveslots is broken' },
      syscalls: [send('o-50', 'never')],
      changes: [['key', 'never']],
    };
    await expectThreeTries(stage, vat => vat.finish(deed));
  });
});

describe('a vat', () => {
  it('that says done twice is ended, and what the first one did stays (invariant 1)', async () => {
    const stage = await setIllegalScene();
    const vat = stage.vat('alice');
    const message = done(vat, { syscalls: [fulfil('p-52', dataOf(1))] });
    vat.say(message);
    vat.say(message);
    await settle();
    expect(vat.isKilled).toBe(true);
    expect(stage.client.deliveries).toEqual([
      ['notify', [['p+2', false, dataOf(1)]]],
    ]);
    await stage.finish('bob');
    await end(stage);
  });

  it('that names a settled promise of its own again makes a new one (invariant 8)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'go', ['o+1']));
    await stage.finish(
      'alice',
      send('o-50', 'one', ['p+5']),
      fulfil('p+5', dataOf(1)),
      send('o-50', 'two', ['p+5']),
    );
    const slots = stage.client.deliveries.map(
      delivery => Object(delivery[2]).methargs.slots[0],
    );
    expect(new Set(slots).size).toBe(2);
    await stage.say(subscribe(slots[0]));
    expect(stage.client.deliveries.at(-1)).toEqual([
      'notify',
      [[slots[0], false, dataOf(1)]],
    ]);
    await end(stage);
  });

  it('whose long chain of pipelined messages comes to nothing hears of it, and no stack overflows (invariant 11)', async () => {
    // All tables are counted anew after each step.
    const stage = await makeStage(['alice'], { clearedPerCrank: 1_000 });
    // Each names its target and its answer.
    const length = DEFAULT_VAT_LIMITS.referencesPerCrank / 2 - 2;
    await stage.say(send(stage.root('alice'), 'go'));
    const chain = Array.from({ length }, (_, index) =>
      send(`p+${index + 1}`, 'next', [], `p+${index + 2}`),
    );
    await stage.finish(
      'alice',
      ...chain,
      subscribe(`p+${length + 1}`),
      reject('p+1', dataOf('broken')),
    );
    while (!stage.vat('alice').isBusy) {
      await settle(); // it goes in steps
    }
    expect(stage.flight('alice')).toEqual([
      'notify',
      [[`p+${length + 1}`, true, dataOf('broken')]],
    ]);
    await stage.finish('alice');
    await end(stage);
  });

  it('that fulfils a promise with data that names the promise leaves no row of it (invariant 12)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(
      send(stage.root('alice'), 'go', [], 'p+1'),
      subscribe('p+1'),
    );
    await stage.finish('alice', fulfil('p-50', dataOf({ self: '&0' }, 'p-50')));
    expect(stage.client.deliveries).toEqual([
      ['notify', [['p+1', false, dataOf({ self: '&0' }, 'p+1')]]],
    ]);
    stage.client.send();
    await settle();
    expect(rowsOf(stage)).toMatchObject({ promises: 0 });
    await end(stage);
  });

  it('that exits as a failure takes back what else it did; its answer rejects and its code goes', async () => {
    const stage = await makeStage(['alice']);
    const bob = await stage.launch('other', 'bob');
    await stage.say(send(bob, 'go', ['o+1'], 'p+1'), subscribe('p+1'));
    await stage.finish('bob', send('o-50', 'never'), [
      'exit',
      true,
      dataOf('I can no more'),
    ]);
    expect(stage.client.deliveries).toMatchObject([
      ['notify', [['p+1', true, any]]],
    ]);
    expect(textOf(stage.client.deliveries)).toContain('I can no more');
    expect(stage.rig.kernel.status().clusters).toMatchObject([
      { name: 'demo' },
      { name: 'other', vats: [{ name: 'host' }] },
    ]);
    await end(stage);
  });

  it('that exits in good order ends with what it did, and the last one takes cluster and stored code along', async () => {
    const rig = makeRig(answerStart);
    await rig.launch('solo', ['alice']);
    const client = await rig.connect();
    const alice = Object(
      await client.rpc.call('reference', { cluster: 'solo' }),
    ).vref;
    client.send(send(alice, 'go', ['o+1']));
    await settle();
    expect(rig.image.tables.get('bundles')?.size).toBe(1);
    rig.vats.get('alice').finish({
      syscalls: [send('o-51', 'farewell'), ['exit', false, dataOf('bye')]],
    });
    await rig.kernel.idle();
    await settle();
    expect(textOf(client.deliveries)).toContain('farewell');
    expect(rig.kernel.status().clusters).toEqual([]);
    expect(rig.image.tables.get('bundles')?.size).toBe(0);
    expect(rig.image.tables.get('vats')?.size).toBe(0);
    await rig.kernel.stop();
  });
});

describe('time', () => {
  it('is up for a worker that never says hello: three of them fail the vat, and its messages reject (invariant 11)', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], {
      clock,
      begin: (_, nth) => (nth > 1 ? 'silent' : 'ready'),
    });
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await stage.say(
      send(stage.root('alice'), 'ask', [], 'p+1'),
      subscribe('p+1'),
    );
    for (let starts = 0; starts < 3; starts += 1) {
      expect(stage.rig.kernel.status().clusters[0]?.vats[1]?.state).toBe(
        'starting',
      );
      advance(20_000);
      await settle();
    }
    expect(stage.rig.kernel.status().clusters[0]?.vats[1]).toMatchObject({
      state: 'failed',
      incarnation: 2,
    });
    expect(textOf(stage.client.deliveries)).toContain(
      'was not ready within 20',
    );
    await stage.say(
      send(stage.root('alice'), 'again', [], 'p+2'),
      subscribe('p+2'),
    );
    expect(textOf(stage.client.deliveries.at(-1))).toContain("can't run");
    expect(stage.rig.vats.all).toHaveLength(5);
    await end(stage);
  });

  it('is up for a vat that spins: it is killed and the message tried again, bob is served (invariant 11)', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice', 'bob'], {
      clock,
      rules: { onFault: 'restart' },
    });
    await stage.say(send(stage.root('alice'), 'spin'));
    const spinning = stage.vat('alice');
    advance(4_000);
    await stage.say(send(stage.root('bob'), 'work'));
    advance(1_000);
    await settle();
    expect(spinning.isKilled).toBe(true);
    await stage.finish('alice');
    await stage.finish('bob');
    expect(stage.vat('alice').incarnation).toBe(2);
    await end(stage);
  });

  it('is not up when the machine slept, and not for an answer that has arrived', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], { clock });
    await stage.say(send(stage.root('alice'), 'work'));
    const worker = stage.vat('alice');
    advance(3_600_000, { late: true });
    await settle();
    expect(worker.isKilled).toBe(false);
    advance(5_000);
    await stage.finish('alice');
    expect(worker.isKilled).toBe(false);
    await end(stage);
  });
});

describe('a vat whose code can not be loaded', () => {
  it('fails alone, keeps what it is to be told of, and hears it when a restart helps', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      begin: (label, nth) =>
        label === 'alice' && nth === 2
          ? { failed: 'no \ud800 such module' }
          : 'ready',
    });
    await stage.say(send(stage.root('alice'), 'watch', ['p+1', 'p+2']));
    await stage.finish('alice', subscribe('p-50'), subscribe('p-51'));
    await stage.say(fulfil('p+1', dataOf(1)));
    expect(stage.flight('alice')).toMatchObject(['notify', any]);
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await stage.say(fulfil('p+2', dataOf(2)));
    expect(stage.rig.kernel.status().clusters[0]?.vats.slice(1)).toMatchObject([
      { state: 'failed', waiting: 2, reason: 'no \ufffd such module' },
      { state: 'running' },
    ]);
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await settle();
    expect(stage.flight('alice')).toEqual([
      'notify',
      [
        ['p-50', false, dataOf(1)],
        ['p-51', false, dataOf(2)],
      ],
    ]);
    await stage.finish('alice');
    await end(stage);
  });
});
