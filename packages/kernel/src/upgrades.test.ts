import { PROTOCOL_VERSION, type Delivery } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import type { Deed, RawVat } from './testing/raw-vats.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { realClock } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  end,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
  vatOf,
  type Stage,
} from './testing/stage.ts';

/** Other code than that of `launch`, as far as the kernel can tell. */
const NEW_CODE = JSON.stringify({ moduleFormat: 'cooperageScript', v: 2 });

/** Answers starts at once, but not those of an upgrade: alice's worker after her first. */
const holdUpgrades = (delivery: Delivery, vat: RawVat): Deed | undefined =>
  delivery[0] === 'startVat' && vat.label === 'alice' && vat.incarnation > 1
    ? undefined
    : answerStart(delivery);

/** Begins an upgrade of alice; gives what became of it, at the end. */
const upgrade = (
  { client }: Stage,
  more: Record<string, unknown> = {},
): Promise<unknown> =>
  client.rpc
    .call('upgrade', {
      cluster: 'demo',
      vat: 'alice',
      bundle: { text: NEW_CODE },
      ...more,
    })
    .catch(({ code, message }) => ({ code, message }));

/** However many turns its worker takes to start. */
const whenAtWork = async ({ rig }: Stage, name: string): Promise<void> => {
  while (
    !rig.vats.all.some(vat => vat.label === name && vat.isBusy && !vat.isKilled)
  ) {
    await settle();
  }
};

const rowOf = ({ rig }: Stage, name = 'alice') => {
  const row = [...rig.kernel.state.vats.values()].find(
    vat => vat.name === name,
  );
  if (!row) {
    throw Error(`no vat ${name}`);
  }
  return row;
};

const workersOf = ({ rig }: Stage, name = 'alice') =>
  rig.vats.all.filter(({ label }) => label === name);

describe('an upgrade', () => {
  it('waits for the delivery in flight, reaps, and replaces the vat when its new code has started', async () => {
    const stage = await makeStage(['alice'], { behave: holdUpgrades });
    const alice = stage.root('alice');
    await stage.say(
      send(alice, 'first', [], 'p+1'),
      subscribe('p+1'),
      send(alice, 'second', [], 'p+2'),
      subscribe('p+2'),
    );
    const upgraded = upgrade(stage, { upgradeMessage: 'better' });
    await settle();
    const [old] = workersOf(stage);
    expect(workersOf(stage)).toHaveLength(1);
    await stage.finishWith('alice', { changes: [['by', 'the old one']] });
    expect(old?.deliveries.map(([kind]) => kind)).toEqual([
      'startVat',
      'message',
      'bringOutYourDead',
    ]);
    const young = stage.vat('alice');
    expect(young).not.toBe(old);
    expect(young).toMatchObject({ incarnation: 2, isBusy: true });
    expect([...young.store]).toEqual([['by', 'the old one']]);
    expect(stage.flight('alice')[0]).toBe('startVat');
    expect(rowOf(stage)).toMatchObject({ incarnation: 1 });
    expect(old?.isKilled).toBe(false);
    young.finish({ changes: [['key', 'value']] });
    expect(await upgraded).toEqual({ incarnation: 2 });
    expect(old?.isKilled).toBe(true);
    await settle();
    expect(stage.flight('alice')).toEqual([
      'message',
      'o+0',
      expect.objectContaining({ methargs: dataOf(['second', []]) }),
    ]);
    expect(stage.client.deliveries).toEqual([
      [
        'notify',
        [
          [
            'p+1',
            true,
            dataOf({
              incarnationNumber: 1,
              name: 'vatUpgraded',
              upgradeMessage: 'better',
            }),
          ],
        ],
      ],
    ]);
    await stage.finish('alice', fulfil('p-51', dataOf(7)));
    expect(stage.client.deliveries[1]).toEqual([
      'notify',
      [['p+2', false, dataOf(7)]],
    ]);
    await end(stage);
  });

  it('leaves the old heap and what waits for it as they were when the new code fails', async () => {
    const stage = await makeStage(['alice'], { behave: holdUpgrades });
    const alice = stage.root('alice');
    await stage.say(send(alice, 'first', [], 'p+1'), subscribe('p+1'));
    await stage.finish('alice');
    const before = rowOf(stage);
    const upgraded = upgrade(stage);
    await settle();
    await stage.say(send(alice, 'second'));
    await stage.finishWith('alice', {
      outcome: { ok: false, problem: 'it throws' },
    });
    expect(await upgraded).toEqual({
      code: 'UPGRADE_FAILED',
      message: 'Vat alice was not upgraded: it throws',
    });
    expect(rowOf(stage)).toEqual(before);
    expect(workersOf(stage).map(({ isKilled }) => isKilled)).toEqual([
      false,
      true,
    ]);
    expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
    await stage.finish('alice', fulfil('p-50', dataOf('by the old one')));
    expect(stage.client.deliveries).toEqual([
      ['notify', [['p+1', false, dataOf('by the old one')]]],
    ]);
    await end(stage);
  });
});

const failure = (problem: string) => ({
  code: 'UPGRADE_FAILED',
  message: `Vat alice was not upgraded: ${problem}`,
});
const MEANWHILE = failure('it was restarted, suspended or ended meanwhile');

/** What the tables hold of references, and of alice. */
const tablesOf = (stage: Stage) => {
  const { clists, objects, promises, queue } = stage.rig.kernel.state;
  return [
    ...[clists, objects, promises, queue].map(table =>
      [...table.values()].map(row => JSON.stringify(row)).sort(),
    ),
    rowOf(stage),
    [...stage.rig.kernel.state.vatChanges.values()],
  ];
};

/** A stage on which the new code of alice has its startVat in flight, beside her old worker. */
const startUpgrade = async (
  options: Parameters<typeof makeStage>[1] & {
    order?: Record<string, unknown>;
  } = {},
) => {
  const { order, ...more } = options;
  const stage = await makeStage(['alice', 'bob'], {
    behave: holdUpgrades,
    ...more,
  });
  const upgraded = upgrade(stage, order);
  await settle();
  const [old, young] = workersOf(stage);
  if (!old || !young?.isBusy) {
    throw Error('the upgrade has not come so far');
  }
  return { stage, upgraded, old, young };
};

describe('while the new code starts', () => {
  it('the vat is shown as upgrading, gets nothing, and is not reaped', async () => {
    const { stage, upgraded, old, young } = await startUpgrade({
      collectMilliseconds: 0,
    });
    await stage.say(send(stage.root('alice'), 'wait'));
    expect(vatOf(stage)).toMatchObject({ state: 'upgrading', waiting: 1 });
    const { deliveries } = old;
    expect(deliveries.map(([kind]) => kind)).toEqual([
      'startVat',
      'bringOutYourDead',
    ]);
    young.finish();
    expect(await upgraded).toEqual({ incarnation: 2 });
    await settle();
    expect(vatOf(stage)).toMatchObject({ state: 'running', waiting: 1 });
    await stage.finish('alice');
    await end(stage);
  });

  it('a second upgrade of the vat is refused, and the first goes on', async () => {
    const { stage, upgraded, young } = await startUpgrade();
    expect(await upgrade(stage)).toEqual(
      failure('another upgrade of it is under way'),
    );
    young.finish();
    expect(await upgraded).toEqual({ incarnation: 2 });
    await end(stage);
  });

  it.each(['restart', 'suspend'] as const)(
    'a %s of the vat ends the upgrade, and the old code goes on in a new heap',
    async how => {
      const { stage, upgraded, old, young } = await startUpgrade();
      await stage.client.rpc.call(how, { cluster: 'demo', vat: 'alice' });
      expect(await upgraded).toEqual(MEANWHILE);
      expect([old.isKilled, young.isKilled]).toEqual([true, true]);
      if (how === 'suspend') {
        expect(vatOf(stage)).toMatchObject({ state: 'suspended' });
        await stage.client.rpc.call('resume', { cluster: 'demo' });
      }
      await settle();
      expect(workersOf(stage)).toHaveLength(3);
      await stage.finish('alice');
      expect(rowOf(stage)).toMatchObject({ incarnation: 2, asleep: 0 });
      expect(stage.rig.kernel.state.bundles.has(rowOf(stage).bundle)).toBe(
        true,
      );
      await end(stage);
    },
  );

  it.each([
    ['terminate', { cluster: 'demo' }],
    ['terminate', { cluster: 'demo', vat: 'alice' }],
    ['erase', {}],
  ])('%s %j ends the upgrade with the vat', async (method, params) => {
    const { stage, upgraded, old, young } = await startUpgrade();
    await stage.client.rpc.call(method, params);
    expect(await upgraded).toMatchObject({ code: 'UPGRADE_FAILED' });
    expect([old.isKilled, young.isKilled]).toEqual([true, true]);
    expect(
      [...stage.rig.kernel.state.vats.values()].map(({ name }) => name),
    ).not.toContain('alice');
    await end(stage);
  });

  it('a stop of the kernel ends the upgrade and both workers', async () => {
    const { stage, upgraded, old, young } = await startUpgrade();
    const next = upgraded.then(outcome => outcome);
    await stage.rig.kernel.stop();
    expect(await next).toMatchObject({ code: 'KERNEL_STOPPED' });
    expect([old.isKilled, young.isKilled]).toEqual([true, true]);
  });

  it('the loss of its worker leaves the old heap running', async () => {
    const { stage, upgraded, old, young } = await startUpgrade();
    young.lose('its thread ended');
    expect(await upgraded).toEqual(failure('its thread ended'));
    await stage.say(send(stage.root('alice'), 'go on'));
    expect(old.isBusy).toBe(true);
    old.finish();
    await settle();
    expect(rowOf(stage)).toMatchObject({ incarnation: 1 });
    await end(stage);
  });

  it('the loss of the old worker is no loss to the upgrade', async () => {
    const { stage, upgraded, old, young } = await startUpgrade();
    old.lose('its thread ended');
    await settle();
    expect(rowOf(stage)).toMatchObject({ incarnation: 2, asleep: 1 });
    expect(young.isKilled).toBe(false);
    young.finish();
    expect(await upgraded).toEqual({ incarnation: 2 });
    expect(rowOf(stage)).toMatchObject({ incarnation: 2, asleep: 0 });
    await end(stage);
  });

  describe('and the old worker is lost, with a heap too large for one crank', () => {
    /** Told to, keeps what is to be done soon. */
    const makeHoldingClock = () => {
      const due: (() => void)[] = [];
      let isHeld = false;
      return {
        clock: {
          ...realClock,
          soon: (callback: () => void) =>
            isHeld ? void due.push(callback) : realClock.soon(callback),
        },
        hold: () => {
          isHeld = true;
        },
        release: () => {
          isHeld = false;
          due.splice(0).forEach(realClock.soon);
        },
      };
    };

    /** The new code of alice starts; bob has got objects of her old heap, and waits for promises of it. */
    const startLarge = async () => {
      const { clock, hold, release } = makeHoldingClock();
      const stage = await makeStage(['alice', 'bob'], {
        behave: (...all) =>
          all[0][0] === 'notify' ? {} : holdUpgrades(...all),
        clearedPerCrank: 7,
        collectMilliseconds: Infinity,
        longMilliseconds: 1e9,
        clock,
      });
      const range = (prefix: string, from: number) =>
        Array.from({ length: 30 }, (_, nth) => `${prefix}${from + nth}`);
      const [alice, bob] = [stage.root('alice'), stage.root('bob')];
      await stage.say(send(alice, 'meet', [bob]));
      const given = [...range('o+', 100), ...range('p+', 100)];
      await stage.finish('alice', send('o-50', 'take', given));
      await stage.finish('bob', ...range('p-', 80).map(subscribe));
      const upgraded = upgrade(stage);
      await settle();
      const [old, young] = workersOf(stage);
      if (!old || !young?.isBusy) {
        throw Error('the upgrade has not come so far');
      }
      return { stage, upgraded, old, young, hold, release };
    };

    it('waits until that is cleared away, and then it is as if the upgrade had done it (invariants 7, 11)', async () => {
      const found = [];
      for (const isLost of [false, true]) {
        const { stage, upgraded, old, young, hold, release } =
          await startLarge();
        if (isLost) {
          hold();
          old.lose('its thread ended');
          await settle();
        }
        young.finish({ syscalls: [send('o-50', 'begun')] });
        await settle();
        const { asleep, incarnation } = rowOf(stage);
        release();
        expect(await upgraded).toEqual({ incarnation: 2 });
        await stage.finish('bob');
        await stage.rig.kernel.idle();
        found.push({ asleep, incarnation, tables: tablesOf(stage) });
        await end(stage);
      }
      const [kept, lost] = found;
      expect(kept).toMatchObject({ asleep: 0, incarnation: 2 });
      expect(lost).toMatchObject({ asleep: 1, incarnation: 2 });
      expect(lost?.tables).toEqual(kept?.tables);
    });

    it('and is suspended if the new worker is lost before that', async () => {
      const { stage, upgraded, old, young, hold, release } = await startLarge();
      hold();
      old.lose('its thread ended');
      await settle();
      young.finish();
      await settle();
      young.lose('it ended too');
      release();
      expect(await upgraded).toEqual(
        failure(
          'it ended too; its heap was lost meanwhile, so it is suspended',
        ),
      );
      await stage.rig.kernel.idle();
      expect(stage.rig.kernel.state.promisesByDecider.count(old.id)).toBe(0);
      expect(rowOf(stage)).toMatchObject({ incarnation: 2, asleep: 1 });
      await end(stage);
    });
  });

  it('a breach of the old worker suspends the vat for its own reason if the upgrade fails', async () => {
    const { stage, upgraded, old, young } = await startUpgrade();
    old.say({ type: 'nonsense' });
    await settle();
    young.finish({ outcome: { ok: false, problem: 'it throws' } });
    expect(await upgraded).toEqual(failure('it throws'));
    expect(rowOf(stage).suspension).toContain('it broke the protocol');
    await end(stage);
  });

  it('a restart of the vat after the loss of the old worker says how it goes on', async () => {
    const { stage, upgraded, old } = await startUpgrade();
    old.lose('its thread ended');
    await settle();
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    expect(await upgraded).toEqual(MEANWHILE);
    expect(rowOf(stage).suspension).toBe(null);
    await end(stage);
  });

  it('a breach of the old worker is made good by the upgrade', async () => {
    const { stage, upgraded, old, young } = await startUpgrade();
    old.say({ type: 'nonsense' });
    await settle();
    expect(rowOf(stage).suspension).toContain('it broke the protocol');
    young.finish();
    expect(await upgraded).toEqual({ incarnation: 2 });
    expect(vatOf(stage)).toMatchObject({ state: 'running' });
    await end(stage);
  });

  it('the loss of the old worker suspends the vat if the upgrade fails', async () => {
    const { stage, upgraded, old, young } = await startUpgrade();
    await stage.say(send(stage.root('alice'), 'wait'));
    old.lose('its thread ended');
    await settle();
    expect(young.isKilled).toBe(false);
    young.finish({ outcome: { ok: false, problem: 'it throws' } });
    expect(await upgraded).toEqual(
      failure('it throws; its heap was lost meanwhile, so it is suspended'),
    );
    await settle();
    expect(workersOf(stage)).toHaveLength(2);
    expect(rowOf(stage).incarnation).toBe(2);
    expect(vatOf(stage)).toMatchObject({
      state: 'suspended',
      waiting: 1,
      reason: 'its heap was lost during an upgrade that failed: it throws',
    });
    await stage.client.rpc.call('resume', { cluster: 'demo' });
    await settle();
    await stage.finish('alice');
    expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
    await stage.finish('alice');
    await end(stage);
  });

  it.each([
    ['while it alone works', false, false],
    ['while another works', true, false],
    ['and of a critical vat', false, true],
  ])(
    'the loss of the process of all, %s, ends the upgrade, and the old code starts again as all others do',
    async (_when, isBobAtWork, critical) => {
      const { stage, upgraded, old, young } = await startUpgrade({
        rules: { critical },
      });
      await stage.say(
        send(stage.root('alice'), 'wait'),
        ...(isBobAtWork ? [send(stage.root('bob'), 'work')] : []),
      );
      old.lose('the process was lost', 'host');
      expect(await upgraded).toEqual(failure('the process was lost'));
      expect(young.isKilled).toBe(true);
      await settle();
      expect(rowOf(stage)).toMatchObject({ suspension: null, incarnation: 2 });
      if (isBobAtWork) {
        await whenAtWork(stage, 'bob');
        await stage.finish('bob'); // alone, for it was at work at the loss
      }
      await whenAtWork(stage, 'alice');
      await stage.finish('alice');
      await whenAtWork(stage, 'alice');
      expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
      await stage.finish('alice');
      await end(stage);
    },
  );

  it('a critical vat that has lost its heap, and is not upgraded, stops the kernel', async () => {
    const { stage, upgraded, old, young } = await startUpgrade({
      rules: { critical: true },
    });
    old.lose('its thread ended');
    await settle();
    young.finish({ outcome: { ok: false, problem: 'it throws' } });
    expect(await upgraded).toMatchObject({ code: 'UPGRADE_FAILED' });
    const { state, reason } = stage.rig.kernel.status();
    expect([state, reason]).toEqual([
      'critical-failed',
      expect.stringContaining('demo.alice has failed: its heap was lost'),
    ]);
  });

  it.each([
    [
      'sends to what it has not',
      { syscalls: [send('o-99', 'x')] },
      'v2 has no o-99 in its c-list',
    ],
    [
      'makes an export and then breaks a rule',
      {
        syscalls: [
          subscribe('p+7'),
          send('o+0', 'me', ['o+9', 'o+d10/1']),
          subscribe('p-99'),
        ],
        changes: [['key', 'value'] as const],
      },
      'v2 has no p-99 in its c-list',
    ],
    [
      'ends itself',
      { syscalls: [['exit', false, dataOf('bye')] as const] },
      'it ended itself while it started',
    ],
  ])(
    'it %s: nothing of it is applied, of no table (invariant 2)',
    async (_, deed, problem) => {
      const stage = await makeStage(['alice'], { behave: holdUpgrades });
      const alice = stage.root('alice');
      await stage.say(send(alice, 'learn', ['o+1', 'p+1']));
      await stage.finish('alice', send('o-50', 'told', ['o+5', 'o+d10/2']));
      await stage.say(send(alice, 'ask', [], 'p+2'), subscribe('p+2'));
      await stage.finish('alice');
      await stage.rig.kernel.idle();
      const before = tablesOf(stage);
      const upgraded = upgrade(stage);
      await settle();
      await stage.finishWith('alice', deed);
      expect(await upgraded).toEqual(failure(problem));
      expect(tablesOf(stage)).toEqual(before);
      await end(stage);
    },
  );
});

describe('before the new code starts', () => {
  it('the delivery in flight passes its deadline: the vat has lost its heap, and gets the new code', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], { clock, behave: holdUpgrades });
    await stage.say(send(stage.root('alice'), 'spin', [], 'p+1'));
    const upgraded = upgrade(stage);
    await settle();
    advance(10_000);
    await settle();
    stage.vat('alice').finish();
    expect(await upgraded).toEqual({ incarnation: 3 });
    await settle();
    expect(rowOf(stage)).toMatchObject({ suspension: null, incarnation: 3 });
    expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
    await stage.finish('alice');
    await end(stage);
  });

  it.each([
    ['terminate', [['exit', false, dataOf('bye')] as const]],
    ['restart', [subscribe('p-99')]],
  ])(
    'the delivery in flight ends the vat, or its heap (policy %s)',
    async (onFault, syscalls) => {
      const stage = await makeStage(['alice'], {
        behave: holdUpgrades,
        rules: { onFault: onFault as 'terminate' | 'restart' },
      });
      await stage.say(send(stage.root('alice'), 'last', [], 'p+1'));
      const upgraded = upgrade(stage);
      await settle();
      await stage.finish('alice', ...syscalls);
      if (onFault === 'terminate') {
        expect(await upgraded).toMatchObject({
          code: 'UPGRADE_FAILED',
          message: expect.stringContaining('it has ended meanwhile'),
        });
      } else {
        stage.vat('alice').finish();
        expect(await upgraded).toEqual({ incarnation: 3 });
        await settle();
        await stage.finish('alice');
      }
      await end(stage);
    },
  );

  it('the reap breaks a rule: the heap is lost, and the vat gets the new code', async () => {
    const stage = await makeStage(['alice'], {
      behave: (delivery, vat) =>
        delivery[0] === 'bringOutYourDead'
          ? { syscalls: [subscribe('p-99')] }
          : holdUpgrades(delivery, vat),
    });
    const upgraded = upgrade(stage);
    await settle();
    stage.vat('alice').finish();
    expect(await upgraded).toEqual({ incarnation: 3 });
    expect(rowOf(stage)).toMatchObject({ suspension: null });
    await end(stage);
  });
});

it('a vat that sleeps is not woken when the code to upgrade it to is none', async () => {
  const { clock, advance } = makeManualClock();
  const stage = await makeStage(['alice', 'bob'], {
    clock,
    evictMilliseconds: 1_000,
    collectMilliseconds: Infinity,
    rules: vat => (vat === 'alice' ? { eviction: 'any' } : {}),
  });
  advance(1_000);
  await settle();
  expect(vatOf(stage)).toMatchObject({ state: 'asleep' });
  expect(await upgrade(stage, { bundle: { text: 'no JSON' } })).toMatchObject({
    code: 'BAD_BUNDLE',
  });
  await stage.say(send(stage.root('bob'), 'work')); // whoever is to run does now
  expect(vatOf(stage)).toMatchObject({ state: 'asleep' });
  expect(workersOf(stage)).toHaveLength(1);
  await stage.finish('bob');
  await end(stage);
});

describe('a vat whose old code can’t run', () => {
  it('runs with the new, and gets what is sent to it', async () => {
    const stage = await makeStage(['alice'], {
      begin: (label, nth) =>
        label === 'alice' && nth === 2 ? { failed: 'no such module' } : 'ready',
    });
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await settle();
    expect(vatOf(stage)).toMatchObject({ state: 'failed' });
    expect(await upgrade(stage)).toEqual({ incarnation: 3 });
    await stage.say(send(stage.root('alice'), 'work'));
    expect(vatOf(stage)).toMatchObject({ state: 'running' });
    await stage.finish('alice');
    await end(stage);
  });
});

describe('a vat whose old code is about to start', () => {
  /** What waits, and an upgrade whose candidate has its startVat in flight. */
  const startAmid = async (stage: Stage) => {
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await stage.say(
      send(stage.root('alice'), 'wait', [], 'p+1'),
      subscribe('p+1'),
    );
    const upgraded = upgrade(stage);
    await settle();
    const [, own, young] = workersOf(stage);
    if (!own || !young?.isBusy) {
      throw Error('the upgrade has not come so far');
    }
    return { upgraded, own, young };
  };

  it.each([
    ['can’t be loaded', 'silent'],
    ['throws', 'ready'],
  ] as const)(
    'and %s is upgraded all the same, and nothing that waits rejects',
    async (_what, beginning) => {
      const stage = await makeStage(['alice'], {
        behave: holdUpgrades,
        begin: (label, nth) =>
          label === 'alice' && nth === 2 ? beginning : 'ready',
      });
      const { upgraded, own, young } = await startAmid(stage);
      if (beginning === 'silent') {
        own.say({ type: 'hello', version: PROTOCOL_VERSION });
        own.say({ type: 'failed', problem: 'no such module' });
      } else {
        own.finish({ outcome: { ok: false, problem: 'it throws' } });
      }
      await settle();
      expect(own.isKilled).toBe(true);
      expect(rowOf(stage).failure).toBe(null);
      young.finish();
      expect(await upgraded).toEqual({ incarnation: 3 });
      await settle();
      expect(stage.client.deliveries).toEqual([]);
      expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
      await stage.finish('alice');
      await end(stage);
    },
  );

  it('starts with it when the upgrade fails, for no heap was lost', async () => {
    const stage = await makeStage(['alice'], { behave: holdUpgrades });
    const { upgraded, young } = await startAmid(stage);
    young.finish({ outcome: { ok: false, problem: 'it throws' } });
    expect(await upgraded).toEqual(failure('it throws'));
    await settle();
    expect(vatOf(stage)).toMatchObject({ state: 'starting', waiting: 1 });
    await stage.finish('alice');
    expect(stage.flight('alice')).toMatchObject(['message', 'o+0', {}]);
    await stage.finish('alice');
    await end(stage);
  });
});

it.each([
  ['is on its way', 'unready'],
  ['has its startVat in flight', 'ready'],
] as const)(
  'a vat whose worker %s when an upgrade ends it starts when that fails, although nothing waits for it',
  async (_what, beginning) => {
    const stage = await makeStage(['alice'], {
      behave: holdUpgrades,
      begin: (label, nth) =>
        label === 'alice' && nth === 2 ? beginning : 'ready',
    });
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await settle();
    const upgraded = upgrade(stage);
    await settle();
    const [, own, young] = workersOf(stage);
    expect([own?.isKilled, own?.isBusy]).toEqual([true, beginning === 'ready']);
    young?.finish({ outcome: { ok: false, problem: 'it throws' } });
    expect(await upgraded).toEqual(failure('it throws'));
    await settle();
    expect(stage.flight('alice')).toMatchObject(['startVat', {}]);
    await stage.finish('alice');
    expect(vatOf(stage)).toMatchObject({ state: 'running', incarnation: 2 });
    await end(stage);
  },
);

describe('an upgraded vat', () => {
  it('keeps its root and its durable exports; what waits for others rejects', async () => {
    const stage = await makeStage(['alice'], { behave: holdUpgrades });
    await stage.say(send(stage.root('alice'), 'learn', ['o+1']));
    await stage.finish('alice', send('o-50', 'told', ['o+5', 'o+d10/2']));
    const [, , { methargs }] = stage.client.deliveries[0] as never as [
      string,
      string,
      { methargs: { slots: [string, string] } },
    ];
    const [fleeting, durable] = methargs.slots;
    const upgraded = upgrade(stage);
    await settle();
    await stage.say(
      send(fleeting, 'lost', [], 'p+1'),
      subscribe('p+1'),
      send(durable, 'kept'),
    );
    await stage.finish('alice');
    await upgraded;
    await settle();
    expect(stage.flight('alice')).toMatchObject(['message', 'o+d10/2', {}]);
    expect(JSON.stringify(stage.client.deliveries.at(-1))).toContain('is gone');
    await stage.finish('alice');
    await end(stage);
  });

  it('says in usual words to whoever waits for an answer of the old heap that there was an upgrade, if not told what to say', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(
      send(stage.root('alice'), 'ask', [], 'p+1'),
      subscribe('p+1'),
    );
    await stage.finish('alice');
    expect(await upgrade(stage)).toEqual({ incarnation: 2 });
    const disconnection = dataOf({
      incarnationNumber: 1,
      name: 'vatUpgraded',
      upgradeMessage: 'vat upgraded',
    });
    expect(stage.client.deliveries).toEqual([
      ['notify', [['p+1', true, disconnection]]],
    ]);
    await end(stage);
  });

  it('runs if it was suspended, and nobody has stopped it any more', async () => {
    const stage = await makeStage(['alice']);
    await stage.client.rpc.call('suspend', { cluster: 'demo', vat: 'alice' });
    expect(rowOf(stage).stoppedBy).toBe('person');
    await upgrade(stage);
    expect(vatOf(stage)).toMatchObject({ state: 'running' });
    expect(rowOf(stage)).toMatchObject({ suspension: null, stoppedBy: null });
    await end(stage);
  });

  it('stays paused if it was, and is upgraded while the kernel is paused', async () => {
    const stage = await makeStage(['alice'], { behave: holdUpgrades });
    await stage.client.rpc.call('pause', { cluster: 'demo', vat: 'alice' });
    await stage.client.rpc.call('pause', {});
    await stage.say(send(stage.root('alice'), 'wait'));
    const upgraded = upgrade(stage);
    await settle();
    await stage.finish('alice');
    expect(await upgraded).toEqual({ incarnation: 2 });
    expect(rowOf(stage)).toMatchObject({ paused: 1, stoppedBy: 'person' });
    await stage.client.rpc.call('unpause', {});
    await settle();
    expect(stage.vat('alice').isBusy).toBe(false);
    await stage.client.rpc.call('unpause', { cluster: 'demo' });
    await settle();
    await stage.finish('alice');
    await end(stage);
  });

  it('gives back the code that nobody runs any more, and keeps what another runs', async () => {
    const stage = await makeStage(['alice', 'bob']);
    const { bundles } = stage.rig.kernel.state;
    const old = rowOf(stage).bundle;
    expect(await upgrade(stage)).toEqual({ incarnation: 2 });
    const young = rowOf(stage).bundle;
    expect([bundles.has(old), bundles.has(young)]).toEqual([true, true]);
    expect(await upgrade(stage, { bundle: { hash: old } })).toEqual({
      incarnation: 3,
    });
    expect([bundles.has(old), bundles.has(young)]).toEqual([true, false]);
    await end(stage);
  });
});

it('an order that makes no sense is refused, and changes nothing', async () => {
  const stage = await makeStage(['alice']);
  const before = tablesOf(stage);
  const codes = [];
  for (const order of [
    { bundle: { path: 'x' } },
    { bundle: undefined },
    { upgradeMessage: 7 },
    { parameters: { '@ref': 'ko1' } },
    { vat: 'eve' },
    { cluster: 'none' },
    { bundle: { hash: 'f'.repeat(128) } },
    { bundle: { text: 'no JSON' } },
    { bundle: { url: 'https://there.is.none/' } },
  ]) {
    codes.push(Object(await upgrade(stage, order)).code);
  }
  expect(codes).toEqual([
    'BAD_REQUEST',
    'BAD_REQUEST',
    'BAD_REQUEST',
    'BAD_CONFIG',
    'VAT_UNKNOWN',
    'CLUSTER_UNKNOWN',
    'BAD_BUNDLE',
    'BAD_BUNDLE',
    'BUNDLE_UNREACHABLE',
  ]);
  expect(tablesOf(stage)).toEqual(before);
  await end(stage);
});
