import { describe, expect, it } from 'vitest';
import { makeMemoryImage, type MemoryImage } from './adapters/memory.ts';
import { makeWitness } from './testing/commits.ts';
import { makeRig, type Rig } from './testing/rig.ts';
import type { Deed } from './testing/raw-vats.ts';
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

/** All vats are critical; two messages wait for alice, the first of them in flight. */
const makeScene = async (
  options: Parameters<typeof makeStage>[1] = {},
): Promise<Stage> => {
  const stage = await makeStage(['alice', 'bob'], {
    ...options,
    rules: { critical: true, ...options.rules },
  });
  const alice = stage.root('alice');
  await stage.say(
    send(alice, 'first', [], 'p+1'),
    send(alice, 'second', [], 'p+2'),
    subscribe('p+1'),
    subscribe('p+2'),
  );
  stage.rig.kernel.state.store.commit();
  return stage;
};

const FAULT: Deed = { syscalls: [subscribe('p-999')] };
const EXIT: Deed = { syscalls: [['exit', false, dataOf('no more')]] };
const FAILING_EXIT: Deed = { syscalls: [['exit', true, dataOf('no more')]] };

/** Starts the kernel again over what the last one has committed. */
const startAgain = async (
  image: MemoryImage,
  begin?: NonNullable<Parameters<typeof makeRig>[1]>['begin'],
): Promise<Rig> => {
  const rig = makeRig(answerStart, {
    image: makeMemoryImage(image),
    ...(begin && { begin }),
  });
  await settle();
  return rig;
};

describe('a critical vat', () => {
  it.each([
    ['breaks a rule', 'suspend', FAULT, 'illegal syscall'],
    ['breaks a rule', 'terminate', FAULT, 'illegal syscall'],
    ['ends itself', 'suspend', EXIT, 'the vat ended itself: no more'],
    ['ends itself', 'restart', EXIT, 'the vat ended itself: no more'],
    ['ends itself as a failure', 'restart', FAILING_EXIT, 'ended itself'],
  ] as const)(
    'that %s (onFault %s) stops the kernel, which says which and why, and loses nothing',
    async (_what, onFault, deed, words) => {
      const image = makeMemoryImage();
      const stage = await makeScene({ image, rules: { onFault } });
      stage.vat('alice').finish(deed);
      const { state, reason } = await stage.rig.kernel.ended;
      expect({ state, reason }).toEqual({
        state: 'critical-failed',
        reason: expect.stringContaining('critical vat demo.alice has failed: '),
      });
      expect(reason).toContain(words);
      expect(stage.rig.logs.at(-1)).toMatchObject({
        label: 'kernel',
        level: 'error',
        text: `the kernel has stopped: ${reason}`,
      });
      await expect(
        stage.client.rpc.call('resume', { cluster: 'demo' }),
      ).rejects.toMatchObject({
        code: 'KERNEL_FAILED',
        message: expect.stringContaining('demo.alice'),
      });
      expect(stage.rig.vats.all.every(({ isKilled }) => isKilled)).toBe(true);
      await stage.rig.kernel.stop();

      // The next run goes on without it, until a person has seen to it.
      const rig = await startAgain(image);
      expect(vatOf({ rig }, 'alice')).toMatchObject({
        state: 'suspended',
        isCritical: true,
        reason: expect.stringContaining(words),
        waiting: 2,
      });
      expect(rig.logs).toContainEqual(
        expect.objectContaining({
          label: 'alice',
          level: 'error',
          text: expect.stringContaining('this critical vat is suspended'),
        }),
      );
      const client = await rig.connect();
      const { vref: bob } = Object(
        await client.rpc.call('reference', { cluster: 'demo', vat: 'bob' }),
      );
      client.send(send(bob, 'work'));
      await settle();
      rig.vats.get('bob').finish();
      await client.rpc.call('resume', { cluster: 'demo', vat: 'alice' });
      await settle();
      expect(JSON.stringify(rig.vats.get('alice').deliveries)).toContain(
        'first',
      );
      rig.vats.get('alice').finish();
      await settle();
      rig.vats.get('alice').finish();
      await rig.kernel.idle();
      expect(vatOf({ rig }, 'alice')).toMatchObject({ state: 'running' });
      await rig.kernel.stop();
    },
  );

  it('whose code can’t run in a later run of the kernel stops it once: the run after that keeps its messages', async () => {
    const image = makeMemoryImage();
    const stage = await makeScene({ image });
    const broken = await startAgain(image, label =>
      label === 'alice' ? { failed: 'no such module' } : 'ready',
    );
    const { state, reason } = await broken.kernel.ended;
    expect({ state, reason }).toEqual({
      state: 'critical-failed',
      reason:
        "critical vat demo.alice has failed: it can't run: no such module",
    });
    const rig = await startAgain(broken.image);
    await rig.kernel.idle();
    expect(vatOf({ rig }, 'alice')).toMatchObject({
      state: 'suspended',
      waiting: 2,
    });
    await rig.kernel.stop();
    await stage.finish('alice');
    await stage.finish('alice');
    await end(stage);
  });

  it('whose starts are lost again and again, or whose delivery is, stops the kernel too', async () => {
    const stage = await makeScene();
    for (let losses = 0; losses < 3; losses += 1) {
      expect(stage.rig.kernel.status().state).toBe('running');
      stage.vat('alice').lose('the test says so');
      await settle();
    }
    expect(stage.rig.kernel.status()).toMatchObject({
      state: 'critical-failed',
      reason: expect.stringContaining('the test says so'),
    });
    const image = makeMemoryImage();
    const other = await makeScene({ image });
    const broken = await startAgain(image, label =>
      label === 'alice' ? 'refused' : 'ready',
    );
    expect((await broken.kernel.ended).reason).toContain('3 starts were lost');
    await other.finish('alice');
    await other.finish('alice');
    await end(other);
  });

  it('that is restarted after a fault stops nothing, and neither does a person who suspends or terminates it', async () => {
    const stage = await makeScene({ rules: { onFault: 'restart' } });
    await stage.finish('alice', subscribe('p-999'));
    expect(vatOf(stage, 'alice')).toMatchObject({ state: 'running' });
    await stage.finish('alice', fulfil('p-50', dataOf(1)));
    const order = async (method: string): Promise<void> => {
      await stage.client.rpc.call(method, { cluster: 'demo', vat: 'alice' });
    };
    await order('suspend');
    await order('resume');
    await order('terminate');
    expect(vatOf(stage, 'alice')).toBeUndefined();
    await stage.say(send(stage.root('bob'), 'work'));
    await stage.finish('bob');
    await end(stage);
  });

  it('stops the kernel over a crash at any commit: the next run starts, and what was sent is there (invariants 2, 10)', async () => {
    const image = makeMemoryImage();
    const { images, wrap } = makeWitness();
    const stage = await makeScene({ image, wrap: wrap(image) });
    await stage.say(send(stage.root('bob'), 'work'));
    stage.rig.kernel.state.store.commit();
    images.length = 0;
    stage.vat('alice').finish(FAULT);
    await stage.rig.kernel.ended;
    images.push(makeMemoryImage(image));
    const found = new Set<string | undefined>();
    for (const crashed of images) {
      const rig = await startAgain(crashed);
      const alice = vatOf({ rig }, 'alice');
      expect(alice).toMatchObject({ waiting: 2 });
      expect(vatOf({ rig }, 'bob')).toMatchObject({ waiting: 1 });
      found.add(alice?.state);
      expect(rig.kernel.status().state).toBe('running');
    }
    expect([...found]).toEqual(['running', 'suspended']);
  });
});
