import { describe, expect, it } from 'vitest';
import { answerStart, makeStage, send, settle } from './testing/stage.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeRig } from './testing/rig.ts';

const busy = (stage: Awaited<ReturnType<typeof makeStage>>): string[] =>
  stage.rig.vats.all
    .filter(({ isBusy, isKilled }) => isBusy && !isKilled)
    .map(({ label }) => label);

describe('a paused kernel', () => {
  it('ends what is in flight, makes no more deliveries, is idle, and goes on when unpaused', async () => {
    const stage = await makeStage(['alice', 'bob']);
    const { rpc } = stage.client;
    await stage.say(send(stage.root('alice'), 'first'));
    await rpc.call('pause', {});
    await stage.say(
      send(stage.root('alice'), 'second'),
      send(stage.root('bob'), 'work'),
    );
    await stage.finish('alice');
    expect(busy(stage)).toEqual([]);
    await stage.rig.kernel.idle();
    expect(stage.rig.kernel.status()).toMatchObject({
      state: 'running',
      isPaused: true,
    });
    await rpc.call('unpause', {});
    await settle();
    expect(busy(stage)).toEqual(['alice', 'bob']);
    expect(stage.rig.kernel.status()).not.toHaveProperty('isPaused');
    await stage.finish('alice');
    await stage.finish('bob');
    await stage.rig.kernel.stop();
  });

  it('makes one delivery a step, and says to which vat', async () => {
    const stage = await makeStage(['alice', 'bob']);
    const { rpc } = stage.client;
    await rpc.call('pause', {});
    await stage.say(
      send(stage.root('alice'), 'one'),
      send(stage.root('bob'), 'two'),
    );
    for (const name of ['alice', 'bob']) {
      const { id } = stage.vat(name);
      const step = rpc.call('step', {});
      await settle();
      expect(busy(stage)).toEqual([name]);
      await stage.finish(name);
      expect(await step).toEqual({ vat: id });
      expect(busy(stage)).toEqual([]);
    }
    expect(await rpc.call('step', {})).toEqual({ vat: null });
    await stage.say(send(stage.root('bob'), 'three'));
    expect(busy(stage)).toEqual([]);
    await stage.rig.kernel.stop();
  });

  it('starts a vat that has no worker as a step of its own, and no other vat meanwhile', async () => {
    const rig = makeRig(answerStart, { parallel: 8 });
    await rig.launch('demo', ['alice', 'bob']);
    const { rpc } = await rig.connect();
    await rig.kernel.idle();
    await rpc.call('pause', {});
    await rpc.call('restart', { cluster: 'demo' });
    await settle();
    expect(rig.vats.all).toHaveLength(2);
    // Bob has had no turn yet; alice got the bootstrap.
    const { id } = rig.vats.all[1] ?? {};
    expect(await rpc.call('step', {})).toEqual({ vat: id });
    expect(rig.vats.all).toHaveLength(3);
    expect(rig.vats.get('bob').deliveries).toMatchObject([['startVat', {}]]);
    await rig.kernel.stop();
  });

  it('has a step wait for a worker that takes long to start, and starts no other meanwhile', async () => {
    const rig = makeRig(answerStart, {
      parallel: 8,
      begin: (_label, nth) => (nth > 1 ? 'unready' : 'ready'),
    });
    await rig.launch('demo', ['alice', 'bob']);
    const { rpc } = await rig.connect();
    await rig.kernel.idle();
    const alice = { cluster: 'demo', vat: 'alice' };
    await rpc.call('pause', {});
    await rpc.call('restart', { cluster: 'demo' });
    await rpc.call('pause', alice);
    const step = rpc.call('step', {});
    await settle();
    expect(rig.vats.all).toHaveLength(3);
    await rpc.call('unpause', alice);
    await settle();
    expect(rig.vats.all).toHaveLength(3);
    const { id } = rig.vats.get('bob');
    rig.vats.get('bob').say({ type: 'ready' });
    expect(await step).toEqual({ vat: id });
    await rig.kernel.stop();
  });

  it('rests only when the start of a vat that is launched has ended', async () => {
    const stage = await makeStage(['alice'], {
      behave: (delivery, { label }) =>
        label === 'late' ? undefined : answerStart(delivery),
    });
    const { rpc } = stage.client;
    await rpc.call('pause', {});
    const ended: string[] = [];
    const launched = stage.rig.launch('other', ['late']);
    await settle();
    expect(busy(stage)).toEqual(['late']);
    const waiting = [
      stage.rig.kernel.idle().then(() => ended.push('idle')),
      rpc.call('step', {}).then(() => ended.push('step')),
    ];
    await settle();
    expect(ended).toEqual([]);
    await stage.finish('late');
    await Promise.all([launched, ...waiting]);
    expect(stage.rig.kernel.status().clusters).toHaveLength(2);
    await stage.rig.kernel.stop();
  });

  it('rests only when a start has begun that waits for a vat that is to be alone', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], { clock });
    const { rpc } = stage.client;
    await stage.say(send(stage.root('alice'), 'go'));
    await rpc.call('pause', {});
    stage.vat('alice').lose('the process was lost', 'host');
    await settle();
    await rpc.call('step', {}); // she starts, and what waits for her waits for the next step
    let isIdle = false;
    const launched = stage.rig.launch('other', ['late']);
    await settle();
    const idle = stage.rig.kernel.idle().then(() => (isIdle = true));
    await settle();
    expect(isIdle).toBe(false);
    advance(1_000);
    await Promise.all([launched, idle]);
    await stage.rig.kernel.stop();
  });

  it('is the only one that can be stepped', async () => {
    const stage = await makeStage([]);
    await expect(stage.client.rpc.call('step', {})).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'Pause the kernel first: it can be stepped only then',
    });
    const reader = await stage.rig.connect('read');
    for (const method of ['pause', 'unpause', 'step', 'resume'] as const) {
      await expect(reader.rpc.call(method, {})).rejects.toMatchObject({
        code: 'NOT_ALLOWED',
      });
    }
    await stage.rig.kernel.stop();
  });
});
