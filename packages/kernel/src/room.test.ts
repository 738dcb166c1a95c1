import { describe, expect, it } from 'vitest';
import { makeMemoryImage } from './adapters/memory.ts';
import type { KernelOptions } from './kernel-options.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeStage, send, settle, type Stage } from './testing/stage.ts';

const AMPLE = { used: 50e6, left: 950e6 };
const SHORT = { used: 800e6, left: 200e6 };
const SCARCE = { used: 900e6, left: 100e6 };
const FULL = { used: 100e6, left: 15e6 };

const setScene = async (options: KernelOptions = {}) => {
  const image = makeMemoryImage();
  const { clock, advance } = makeManualClock();
  let found: () => Promise<typeof AMPLE> = async () => AMPLE;
  let asked = 0;
  const stage = await makeStage(['alice'], {
    image,
    clock,
    deliveryMilliseconds: 1e9,
    collectMilliseconds: Infinity,
    ...options,
    wrap: platform => ({
      ...platform,
      room: () => {
        asked += 1;
        return found();
      },
    }),
  });
  await settle();
  return {
    stage,
    image,
    asked: () => asked,
    /** A minute later it is so. */
    become: async (next: typeof AMPLE | Error) => {
      found = async () => {
        if (next instanceof Error) {
          throw next;
        }
        return next;
      };
      advance(60_000);
      await settle();
    },
    room: () => stage.rig.kernel.status().room,
    warnings: () =>
      stage.rig.logs
        .filter(({ label }) => label === 'kernel')
        .map(({ level, text }) => `${level}: ${text}`),
  };
};

const write = async (stage: Stage, bytes: number): Promise<void> => {
  await stage.say(send(stage.root('alice'), 'write'));
  await stage.finishWith('alice', { changes: [['key', 'x'.repeat(bytes)]] });
};

const launch = (stage: Stage) => stage.launch('more', 'bob');

describe('the room that the storage has left', () => {
  it('is asked for at the start, once a minute, and when a megabyte was written, and is in the status', async () => {
    const { stage, asked, become, room } = await setScene();
    expect(asked()).toBe(1);
    expect(room()).toEqual({ ...AMPLE, level: 'ample' });
    await become(SHORT);
    expect(asked()).toBe(2);
    expect(room()).toEqual({ ...SHORT, level: 'short' });
    await write(stage, 10_000);
    expect(asked()).toBe(2);
    await write(stage, 1_000_000);
    expect(asked()).toBe(3);
    await stage.rig.kernel.stop();
    await become(AMPLE);
    expect(asked()).toBe(3);
  });

  it('is asked for once at a time, and nobody waits for the answer', async () => {
    let asked = 0;
    const stage = await makeStage(['alice'], {
      collectMilliseconds: Infinity,
      wrap: platform => ({
        ...platform,
        room: () => {
          asked += 1;
          return new Promise<never>(() => {});
        },
      }),
    });
    await write(stage, 1_000_000);
    await write(stage, 1_000_000);
    expect([asked, stage.rig.kernel.status().room]).toEqual([1, undefined]);
    await stage.rig.kernel.stop();
  });

  it('is not asked for where the platform cannot tell', async () => {
    const stage = await makeStage(['alice']);
    expect(stage.rig.kernel.status()).toMatchObject({ state: 'running' });
    expect(stage.rig.kernel.status().room).toBe(undefined);
    await stage.rig.kernel.stop();
  });

  it('is full when less than 16 MB are left', async () => {
    const { stage, become, room } = await setScene();
    await become({ used: 10e6, left: 16e6 });
    expect(room()).toMatchObject({ level: 'ample' });
    await become({ used: 10e6, left: 16e6 - 1 });
    expect(stage.rig.kernel.status().state).toBe('storage-failed');
    await stage.rig.kernel.stop();
  });

  it('is warned of once when it is short, and told of when there is more again', async () => {
    const { stage, become, warnings } = await setScene();
    await become(SHORT);
    await become(SHORT);
    expect(warnings()).toEqual([
      'warn: 800 MB are stored and 200 MB are left (80 % full); terminate what is not needed, or make room on the disk',
    ]);
    await launch(stage);
    await become(AMPLE);
    expect(warnings().slice(1)).toEqual([
      'info: 50 MB are stored and 950 MB are left (5 % full); there is room again',
    ]);
    await stage.rig.kernel.stop();
  });

  it('lets nothing be launched when it is scarce, with an error that says what to do; what runs goes on', async () => {
    const { stage, become } = await setScene();
    await become(SCARCE);
    await expect(launch(stage)).rejects.toMatchObject({
      code: 'STORAGE_FULL',
      message:
        'No room for more vats: 900 MB are stored and 100 MB are left (90 % full). Terminate what is not needed, or make room on the disk',
    });
    await write(stage, 10);
    await become(SHORT);
    await launch(stage);
    await stage.rig.kernel.stop();
  });

  it('has the kernel stop while there is some, after a last commit that can be gone on from', async () => {
    // Nothing is committed of itself while a delivery is in flight.
    const { stage, image, become } = await setScene({
      holdMilliseconds: 1e9,
      epochMilliseconds: 1e9,
    });
    await stage.say(send(stage.root('alice'), 'first'));
    await stage.say(send(stage.root('alice'), 'second'));
    expect(stage.rig.kernel.state.store.dirty).toBe(true);
    await become(FULL);
    const { state, reason } = await stage.rig.kernel.ended;
    expect(state).toBe('storage-failed');
    expect(reason).toContain('15 MB are left');
    const waiting = [...(image.tables.get('queue')?.values() ?? [])];
    expect(waiting).toHaveLength(2);
    await stage.rig.kernel.stop();
  });

  it('that nobody can tell is complained of once, and nothing else follows', async () => {
    const { stage, become, warnings, asked } = await setScene();
    await become(Error('no such disk'));
    await become(Error('no such disk'));
    expect(asked()).toBe(3);
    expect(warnings()).toEqual([
      'warn: nobody knows the room left: Error: no such disk',
    ]);
    await launch(stage);
    await stage.rig.kernel.stop();
  });
});
