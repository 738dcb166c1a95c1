import { describe, expect, it } from 'vitest';
import { makeMemoryImage } from './adapters/memory.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeRig } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  end,
  fulfil,
  heardBy,
  makeStage,
  send,
  settle,
  subscribe,
  vatOf,
  vref,
  type Stage,
} from './testing/stage.ts';

const any = expect.anything();

const resume = (stage: Stage, vat?: string): Promise<unknown> =>
  stage.client.rpc.call('resume', {
    cluster: 'demo',
    ...(vat === undefined ? {} : { vat }),
  });

const textOf = (value: unknown): string =>
  String(JSON.stringify(value)).replaceAll('\\"', '"');

/** Breaks a rule with the delivery in flight. */
const misbehave = (stage: Stage, name: string): Promise<void> =>
  stage.finish(name, subscribe('p-99'));

/** Ends the process of all vats, as the platform tells it. */
const loseHost = async ({ rig }: Stage): Promise<void> => {
  const running = rig.vats.all.filter(({ isKilled }) => !isKilled);
  running.forEach(vat => vat.lose('the process of the vats was lost', 'host'));
  await settle();
};

describe('a vat that breaks a rule', () => {
  it('is suspended: its messages wait, nothing else does, and it goes on when resumed (invariants 2, 11)', async () => {
    const stage = await makeStage(['alice', 'bob']);
    const alice = stage.root('alice');
    await stage.say(
      send(alice, 'first', [], 'p+1'),
      subscribe('p+1'),
      send(alice, 'second'),
      send(stage.root('bob'), 'other work'),
    );
    await misbehave(stage, 'alice');
    expect(vatOf(stage, 'alice')).toMatchObject({
      state: 'suspended',
      reason: expect.stringContaining('illegal syscall'),
      incarnation: 2,
      waiting: 2,
    });
    await stage.finish('bob');
    expect(stage.rig.vats.all.map(({ label }) => label)).toEqual([
      'boot',
      'alice',
      'bob',
    ]);
    await resume(stage, 'alice');
    await settle();
    expect(vatOf(stage, 'alice')).toMatchObject({ state: 'running' });
    expect(textOf(stage.flight('alice'))).toContain('"first"');
    await stage.finish('alice', fulfil('p-50', dataOf('at last')));
    expect(stage.client.deliveries).toEqual([
      ['notify', [['p+1', false, dataOf('at last')]]],
    ]);
    expect(textOf(stage.flight('alice'))).toContain('"second"');
    await stage.finish('alice');
    await end(stage);
  });

  it('three times with one message: the message is given up, and the vat is suspended still', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(
      send(stage.root('alice'), 'poison', [], 'p+1'),
      subscribe('p+1'),
    );
    for (const tries of [1, 2]) {
      await misbehave(stage, 'alice');
      expect(stage.client.deliveries).toEqual([]);
      expect([...stage.rig.kernel.state.queue.values()]).toMatchObject([
        { tries },
      ]);
      await resume(stage);
      await settle();
    }
    await misbehave(stage, 'alice');
    expect(textOf(stage.client.deliveries)).toContain('given up after 3 tries');
    expect(vatOf(stage, 'alice')).toMatchObject({
      state: 'suspended',
      waiting: 0,
    });
    await end(stage);
  });

  it.each(['suspend', 'restart'] as const)(
    'three times when it is told of a promise, and whose policy is to %s, is suspended, and is told again when it goes on (invariant 9)',
    async onFault => {
      const stage = await makeStage(['alice'], {
        rules: { onFault },
        // As a durable watcher does in each life.
        behave: (delivery, { incarnation }) =>
          delivery[0] === 'startVat' && incarnation > 1
            ? { syscalls: [subscribe('p-50')] }
            : answerStart(delivery),
      });
      await stage.say(send(stage.root('alice'), 'watch', ['p+1']));
      await stage.finish('alice', subscribe('p-50'));
      await stage.say(fulfil('p+1', dataOf('watched')));
      const told = ['notify', [['p-50', false, dataOf('watched')]]];
      for (const tries of [1, 2, 3, 4]) {
        expect(stage.flight('alice')).toEqual(told);
        await misbehave(stage, 'alice');
        expect([...stage.rig.kernel.state.queue.values()]).toMatchObject([
          { kind: 'notify', tries },
        ]);
        const isSuspended = onFault === 'suspend' || tries >= 3;
        expect(vatOf(stage, 'alice')?.state).toBe(
          isSuspended ? 'suspended' : 'running',
        );
        if (isSuspended) {
          await resume(stage);
          await settle();
        }
      }
      expect(stage.flight('alice')).toEqual(told);
      await stage.finish('alice');
      expect(stage.rig.kernel.state.queue.size).toBe(0);
      await end(stage);
    },
  );

  it('and is restarted by a person meanwhile has no try more for it: the message is still to be given up at the third fault', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'poison'));
    const restart = async () => {
      await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
      await settle();
      expect(textOf(stage.flight('alice'))).toContain('"poison"');
    };
    for (let restarts = 0; restarts < 4; restarts += 1) {
      await restart();
    }
    await misbehave(stage, 'alice');
    await restart();
    expect([...stage.rig.kernel.state.queue.values()]).toMatchObject([
      { tries: 1 },
    ]);
    await stage.finish('alice');
    await end(stage);
  });

  it('is suspended also while it starts', async () => {
    const rig = makeRig((delivery, { label, incarnation }) =>
      label === 'alice' && incarnation === 2
        ? { syscalls: [subscribe('p-99')] }
        : answerStart(delivery),
    );
    await rig.launch('demo', ['alice']);
    const client = await rig.connect();
    await client.rpc.call('restart', { cluster: 'demo' });
    await rig.kernel.idle();
    expect(rig.kernel.status().clusters[0]?.vats).toMatchObject([
      { state: 'suspended', incarnation: 2 },
    ]);
    expect(rig.vats.all).toHaveLength(2);
    await rig.kernel.stop();
  });

  it('is suspended also while nothing is in flight', async () => {
    const stage = await makeStage(['alice', 'bob']);
    stage.vat('bob').say('nonsense');
    await settle();
    expect(vatOf(stage, 'bob')).toMatchObject({
      state: 'suspended',
      reason: expect.stringContaining('it broke the protocol'),
    });
    await end(stage);
  });

  it.each(['before', 'after'])(
    'has its promises rejected, and is told what it waits for, settled %s that, once it goes on (invariants 5, 7)',
    async when => {
      const stage = await makeStage(['alice']);
      await stage.say(
        send(stage.root('alice'), 'watch', ['p+1'], 'p+2'),
        subscribe('p+2'),
      );
      await stage.finish('alice', subscribe('p-50'));
      await stage.say(send(stage.root('alice'), 'poke'));
      const settleIt = () => stage.say(fulfil('p+1', dataOf('watched')));
      if (when === 'before') {
        await settleIt();
      }
      await misbehave(stage, 'alice');
      expect(stage.client.deliveries).toMatchObject([
        ['notify', [['p+2', true, any]]],
      ]);
      if (when === 'after') {
        await settleIt();
      }
      expect(vatOf(stage, 'alice')).toMatchObject({ waiting: 2 });
      await resume(stage, 'alice');
      await settle();
      await stage.finish('alice');
      expect(stage.flight('alice')).toEqual([
        'notify',
        [['p-50', false, dataOf('watched')]],
      ]);
      await stage.finish('alice');
      await end(stage);
    },
  );

  it('stays suspended when the kernel restarts, and a restart by a person frees it as well', async () => {
    const image = makeMemoryImage();
    const stage = await makeStage(['alice'], { image });
    await stage.say(send(stage.root('alice'), 'go'));
    await misbehave(stage, 'alice');
    await stage.rig.kernel.stop();
    const rig = makeRig(answerStart, { image });
    await settle();
    expect(rig.kernel.status().clusters[0]?.vats[1]).toMatchObject({
      state: 'suspended',
      waiting: 1,
      reason: expect.stringContaining('illegal syscall'),
    });
    expect(rig.vats.all).toEqual([]);
    const client = await rig.connect();
    await client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await settle();
    expect(rig.vats.get('alice')).toMatchObject({ isBusy: true });
    rig.vats.get('alice').finish();
    await rig.kernel.stop();
  });

  it('can be terminated while it is suspended: what waits rejects', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(
      send(stage.root('alice'), 'go', [], 'p+1'),
      subscribe('p+1'),
    );
    await misbehave(stage, 'alice');
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await settle();
    expect(textOf(stage.client.deliveries)).toContain('was terminated');
    await end(stage);
  });

  it('and whose policy is to terminate ends: its messages reject, and its cluster runs on without it', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      rules: { onFault: 'terminate' },
    });
    await stage.say(
      send(stage.root('alice'), 'go', [], 'p+1'),
      subscribe('p+1'),
    );
    await misbehave(stage, 'alice');
    await stage.rig.kernel.idle();
    expect(textOf(stage.client.deliveries)).toContain('vat was ended: illegal');
    expect(stage.rig.kernel.status().clusters).toMatchObject([
      { vats: [{ name: 'boot' }, { name: 'bob' }] },
    ]);
    await end(stage);
  });

  it('in the delivery in which it ends itself has not ended: that is void too', async () => {
    const stage = await makeStage(['alice'], { rules: { onFault: 'restart' } });
    await stage.say(send(stage.root('alice'), 'work'));
    await stage.finish(
      'alice',
      ['exit', false, dataOf('bye')],
      subscribe('p-99'),
    );
    expect(textOf(stage.flight('alice'))).toContain('"work"');
    await stage.finish('alice');
    expect(vatOf(stage)).toMatchObject({ state: 'running', incarnation: 2 });
    await end(stage);
  });

  it('and loses what only its heap knew of its exports: a durable one is there for the next heap (invariant 5)', async () => {
    const stage = await makeStage(['alice']);
    const alice = stage.root('alice');
    await stage.say(send(alice, 'give', [], 'p+1'), subscribe('p+1'));
    await stage.finish(
      'alice',
      fulfil('p-50', dataOf(['$0', '$1'], 'o+7', 'o+d9/1')),
    );
    const [lost = '', kept = ''] = heardBy(stage)[0]?.[2].slots ?? [];
    await stage.say(send(alice, 'poke'));
    await misbehave(stage, 'alice');
    await stage.say(
      send(lost, 'ask', [], 'p+2'),
      send(kept, 'ask', [], 'p+3'),
      subscribe('p+2'),
      subscribe('p+3'),
    );
    expect(heardBy(stage).slice(1)).toMatchObject([['p+2', true, any]]);
    await resume(stage, 'alice');
    await settle();
    await stage.finish('alice');
    expect(stage.flight('alice')).toMatchObject(['message', 'o+d9/1', any]);
    await stage.finish('alice');
    await end(stage);
  });
});

describe('resume', () => {
  it('says so when nothing is suspended', async () => {
    const stage = await makeStage(['alice']);
    await expect(resume(stage, 'alice')).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'Vat demo.alice is not suspended',
    });
    await expect(resume(stage)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(resume(stage, 'zoe')).rejects.toMatchObject({
      code: 'VAT_UNKNOWN',
    });
    await end(stage);
  });
});

describe('a deadline', () => {
  it('is the vat’s own where its config names one; passing it suspends the vat (invariant 11)', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], {
      clock,
      rules: { deadline: 60_000 },
    });
    await stage.say(send(stage.root('alice'), 'spin'));
    advance(59_000);
    await settle();
    expect(stage.vat('alice').isKilled).toBe(false);
    const spinning = stage.vat('alice');
    advance(1_000);
    await settle();
    expect(spinning.isKilled).toBe(true);
    expect(vatOf(stage, 'alice')).toMatchObject({
      state: 'suspended',
      reason: 'it did not finish its delivery within 60 s',
    });
    await end(stage);
  });

  it('counts no time in which this thread was held up: stalls of a second take at most one slice each', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], { clock });
    await stage.say(send(stage.root('alice'), 'work'));
    const worker = stage.vat('alice');
    for (let stalls = 0; stalls < 20; stalls += 1) {
      advance(2_000, { late: true });
      await settle();
    }
    expect(worker.isKilled).toBe(false);
    advance(5_000);
    await settle();
    expect(worker.isKilled).toBe(true);
    await end(stage);
  });

  it('takes a place from others for a moment only, when as many spin as may work at once (invariant 11)', async () => {
    const { clock, advance } = makeManualClock();
    const names = ['alice', 'bob', 'carol', 'dora'];
    const stage = await makeStage(names, { clock, parallel: 2 });
    const isBusy = () => names.filter(name => stage.vat(name).isBusy);
    await stage.say(
      send(stage.root('alice'), 'spin'),
      send(stage.root('bob'), 'spin'),
      send(stage.root('carol'), 'work'),
      send(stage.root('carol'), 'work'),
      send(stage.root('dora'), 'work'),
    );
    expect(isBusy()).toEqual(['alice', 'bob']);
    advance(20);
    await settle();
    expect(isBusy()).toEqual(names);
    // The two that spin have no place any more, the others have theirs at once.
    await stage.finish('dora');
    await stage.finish('carol');
    expect(isBusy()).toEqual(['alice', 'bob', 'carol']);
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await end(stage);
  });

  it('keeps its place with a strict order', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice', 'bob'], { clock, parallel: 1 });
    await stage.say(
      send(stage.root('alice'), 'spin'),
      send(stage.root('bob'), 'work'),
    );
    advance(1_000);
    await settle();
    expect(stage.vat('bob').isBusy).toBe(false);
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await end(stage);
  });

  it('leaves status, restart and terminate free to answer at once while vats spin', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice', 'bob'], { clock, parallel: 2 });
    await stage.say(
      send(stage.root('alice'), 'spin'),
      send(stage.root('bob'), 'spin'),
    );
    const { rpc } = stage.client;
    const status = rpc.call('status', {});
    await settle();
    advance(32); // it waits for the epoch's commit, and for nothing else
    expect(await status).toMatchObject({ state: 'running' });
    const spinning = stage.vat('bob');
    await rpc.call('restart', { cluster: 'demo', vat: 'bob' });
    expect(spinning.isKilled).toBe(true);
    await rpc.call('terminate', { cluster: 'demo' });
    expect(stage.rig.vats.all.every(({ isKilled }) => isKilled)).toBe(true);
    await end(stage);
  });
});

describe('the loss of the process of all vats', () => {
  it('is no fault and no try: the vats in flight come back one at a time, and when each has ended well all go on', async () => {
    const names = ['alice', 'bob', 'carol'];
    const stage = await makeStage(names, { clock: makeManualClock().clock });
    await stage.say(
      ...['alice', 'bob'].map(name => send(stage.root(name), 'go')),
    );
    await loseHost(stage);
    expect(
      [...stage.rig.kernel.state.queue.values()].map(({ tries }) => tries),
    ).toEqual([0, 0]);
    await stage.say(send(stage.root('carol'), 'go'));
    const busy = () =>
      stage.rig.vats.all
        .filter(({ isBusy, isKilled }) => isBusy && !isKilled)
        .map(({ label }) => label);
    expect(busy()).toEqual(['alice']);
    await stage.finish('alice');
    expect(busy()).toEqual(['bob']);
    await stage.finish('bob');
    expect(busy()).toEqual(['carol']);
    await stage.finish('carol');
    await stage.say(...names.map(name => send(stage.root(name), 'again')));
    expect(busy().sort()).toEqual(names);
    for (const name of names) {
      await stage.finish(name);
    }
    await end(stage);
  });

  it('twice with the same vat in flight suspends that vat, whatever its policy says of restarts, and no other', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      clock: makeManualClock().clock,
      rules: { onFault: 'restart' },
    });
    await stage.say(
      send(stage.root('alice'), 'eat all memory'),
      send(stage.root('bob'), 'go'),
    );
    await loseHost(stage);
    await loseHost(stage);
    expect(vatOf(stage, 'alice')).toMatchObject({
      state: 'suspended',
      reason: 'the process of the vats was lost',
    });
    expect(textOf(stage.flight('bob'))).toContain('"go"');
    await stage.finish('bob');
    await end(stage);
  });

  const names = ['alice', 'bob', 'carol', 'dora'];
  const busyIn = ({ rig }: Stage): string[] =>
    rig.vats.all
      .filter(({ isBusy, isKilled }) => isBusy && !isKilled)
      .map(({ label }) => label)
      .sort();

  it('lets a suspect that spins keep others waiting for a second, and other suspects until its deadline (invariant 11)', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(names, { clock });
    await stage.say(
      ...['alice', 'bob'].map(name => send(stage.root(name), 'spin')),
    );
    await loseHost(stage);
    await stage.say(send(stage.root('carol'), 'go'));
    expect(busyIn(stage)).toEqual(['alice']);
    advance(999);
    await settle();
    expect(busyIn(stage)).toEqual(['alice']);
    advance(1);
    await settle();
    expect(busyIn(stage)).toEqual(['alice', 'carol']);
    await stage.finish('carol');
    advance(4_000);
    await settle();
    expect(vatOf(stage, 'alice')).toMatchObject({ state: 'suspended' });
    expect(busyIn(stage)).toEqual(['bob']);
    await stage.finish('bob');
    await end(stage);
  });

  it('lets a suspect that waits for one that spins keep others waiting for a second before it begins, and a second after', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(names, { clock });
    const { rpc } = stage.client;
    await stage.say(send(stage.root('alice'), 'go'));
    await rpc.call('pause', { cluster: 'demo', vat: 'alice' });
    await loseHost(stage);
    await stage.say(send(stage.root('bob'), 'spin'));
    expect(busyIn(stage)).toEqual(['bob']);
    await rpc.call('unpause', { cluster: 'demo', vat: 'alice' });
    await settle();
    await stage.say(send(stage.root('carol'), 'go'));
    advance(999);
    await settle();
    expect(busyIn(stage)).toEqual(['bob']);
    advance(1);
    await settle();
    expect(busyIn(stage)).toEqual(['alice', 'bob']);
    advance(1_000);
    await settle();
    expect(busyIn(stage)).toEqual(['alice', 'bob', 'carol']);
    for (const name of ['alice', 'bob', 'carol']) {
      await stage.finish(name);
    }
    await end(stage);
  });

  it('suspends nobody when others were in flight too: each comes back alone, and who was a suspect before for six times as long', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(names, {
      clock,
      rules: { deadline: 60_000 },
    });
    await stage.say(send(stage.root('alice'), 'eat all memory'));
    await loseHost(stage);
    await stage.say(send(stage.root('bob'), 'toil'));
    advance(1_000);
    await settle();
    expect(busyIn(stage)).toEqual(['alice', 'bob']);
    await loseHost(stage);
    await stage.say(send(stage.root('carol'), 'go'));
    expect(busyIn(stage)).toEqual(['bob']);
    await stage.finish('bob');
    expect(busyIn(stage)).toEqual(['alice']);
    advance(5_999);
    await settle();
    expect(busyIn(stage)).toEqual(['alice']);
    advance(1);
    await settle();
    expect(busyIn(stage)).toEqual(['alice', 'carol']);
    await stage.finish('carol');
    await loseHost(stage);
    expect(vatOf(stage, 'alice')).toMatchObject({ state: 'suspended' });
    await end(stage);
  });

  it('counts a vat that starts for a launch as one in flight: it waits for a suspect, and a loss that it shares suspends nobody', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], {
      clock,
      behave: (delivery, { label }) =>
        label === 'late' ? undefined : answerStart(delivery),
    });
    await stage.say(send(stage.root('alice'), 'toil'));
    await loseHost(stage);
    const launched = stage.rig.launch('other', ['late']).catch(String);
    await settle();
    expect(busyIn(stage)).toEqual(['alice']);
    advance(1_000);
    await settle();
    expect(busyIn(stage)).toEqual(['alice', 'late']);
    await loseHost(stage);
    expect(await launched).toContain('the process of the vats was lost');
    expect(busyIn(stage)).toEqual(['alice']);
    await stage.finish('alice');
    await end(stage);
  });

  it('lets a suspect wait for the vats that start for a launch as for others in flight', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(names, {
      clock,
      behave: (delivery, { label }) =>
        label === 'late' && delivery[0] === 'startVat'
          ? undefined
          : answerStart(delivery),
    });
    const { rpc } = stage.client;
    await stage.say(send(stage.root('alice'), 'go'));
    await rpc.call('pause', { cluster: 'demo', vat: 'alice' });
    await loseHost(stage);
    await stage.say(send(stage.root('bob'), 'spin'));
    const launched = stage.rig.launch('other', ['late']);
    await settle();
    await rpc.call('unpause', { cluster: 'demo', vat: 'alice' });
    await settle();
    advance(999);
    await settle();
    expect(busyIn(stage)).toEqual(['bob', 'late']);
    advance(1);
    await settle();
    expect(busyIn(stage)).toEqual(['alice', 'bob', 'late']);
    for (const name of ['alice', 'bob', 'late']) {
      await stage.finish(name);
    }
    await launched;
    await end(stage);
  });

  it('lets a suspect that has started keep nobody waiting while it may take nothing, or nothing waits for it', async () => {
    for (const isPaused of [true, false]) {
      const held = new Set<string>();
      const stage = await makeStage(['alice', 'bob'], {
        clock: makeManualClock().clock,
        behave: (delivery, { label }) =>
          held.has(label) ? undefined : answerStart(delivery),
      });
      const { rpc } = stage.client;
      const alice = stage.root('alice');
      await stage.say(send(alice, 'keep', ['o+1']));
      await stage.finish('alice');
      held.add('alice');
      await rpc.call('restart', { cluster: 'demo', vat: 'alice' });
      await settle();
      await loseHost(stage);
      if (isPaused) {
        await stage.say(send(alice, 'go'));
        await rpc.call('pause', { cluster: 'demo', vat: 'alice' });
      } else {
        void rpc.call('collect', {}); // its heap may have held what it imports
        await settle();
      }
      expect(busyIn(stage)).toEqual(['alice']);
      await stage.say(send(stage.root('bob'), 'go'));
      expect(busyIn(stage)).toEqual(['alice']);
      await stage.finish('alice');
      expect([isPaused, busyIn(stage)]).toEqual([isPaused, ['bob']]);
      await stage.finish('bob');
      await end(stage);
    }
  });

  it('long after a vat was in flight at one does not suspend it', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'one'));
    await loseHost(stage);
    await stage.finish('alice');
    await stage.say(send(stage.root('alice'), 'two', [vref('o+1')]));
    await loseHost(stage);
    expect(textOf(stage.flight('alice'))).toContain('"two"');
    await stage.finish('alice');
    await end(stage);
  });
});
