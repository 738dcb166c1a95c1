import { expect, it } from 'vitest';
import { makeMemoryImage, type MemoryImage } from '../adapters/memory.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import type { Behavior } from '../testing/raw-vats.ts';
import { makeRig, type Rig } from '../testing/rig.ts';
import {
  answerStart,
  dataOf,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
} from '../testing/stage.ts';

const REASON =
  'the process of the kernel has ended twice while a delivery to it, and no other, was under way';

/** Alice and bob each have a message in flight when their process is cut off. */
const setScene = async (rules = {}) => {
  const { clock, advance } = makeManualClock();
  const image = makeMemoryImage();
  const options = {
    clock,
    rules,
    holdMilliseconds: 0,
    trialMilliseconds: 4_321,
  };
  const stage = await makeStage(['alice', 'bob'], { ...options, image });
  await stage.say(
    send(stage.root('alice'), 'work'),
    send(stage.root('bob'), 'work'),
  );
  await stage.client.rpc.call('reference', { cluster: 'demo' });
  let disk = image;
  let rig: Rig = stage.rig;
  const stopKernel = async (): Promise<void> => {
    const stopped = rig.kernel.stop().catch(() => {}); // one that has failed says why
    await settle();
    advance(1_000); // it does not wait longer for what is in flight
    await stopped;
  };
  const end = async (): Promise<MemoryImage> => {
    const left = makeMemoryImage(disk);
    await stopKernel();
    return left;
  };
  const begin = async (
    left: MemoryImage,
    wasCut: boolean,
    behave: Behavior,
  ): Promise<Rig> => {
    disk = left;
    rig = makeRig(behave, {
      ...options,
      image: disk,
      wrap: platform => ({ ...platform, wasCut }),
    });
    await settle();
    return rig;
  };
  return {
    advance,
    stopKernel,
    /** The next run, after one that was cut off. */
    cut: async (behave: Behavior = answerStart): Promise<Rig> =>
      begin(await end(), true, behave),
    /** The next run, after one that was stopped. */
    stop: async (): Promise<Rig> => {
      await stopKernel();
      return begin(makeMemoryImage(disk), false, answerStart);
    },
    busy: () =>
      rig.vats.all
        .filter(vat => vat.isBusy && !vat.isKilled)
        .map(({ label }) => label),
    /** What the disk says of them. */
    tried: () => [...(disk.tables.get('trials')?.values() ?? [])],
    suspensions: () =>
      [...rig.kernel.state.vats.values()].map(
        ({ name, suspension }) => [name, suspension] as const,
      ),
  };
};

it('a vat at whose delivery two runs in a row were cut off, while it alone had one, is suspended by the third, and the others go on (invariant 11)', async () => {
  const { cut, busy, tried, suspensions, stopKernel } = await setScene();
  await cut();
  expect(busy()).toEqual(['alice']);
  expect(tried()).toEqual([['v2', 0, 1]]);
  await cut();
  expect(busy()).toEqual(['alice']);
  expect(tried()).toEqual([['v2', 1, 1]]);
  const rig = await cut();
  expect(busy()).toEqual(['bob']);
  expect(suspensions()).toEqual([
    ['boot', null],
    ['alice', REASON],
    ['bob', null],
  ]);
  expect(rig.kernel.state.vats.get('v2' as never)?.stoppedBy).toBe('kernel');
  rig.vats.get('bob').finish();
  const { rpc } = await rig.connect();
  await rpc.call('resume', { cluster: 'demo', vat: 'alice' });
  await settle();
  expect(busy()).toEqual(['alice']);
  await stopKernel();
});

it('when their time is over others have deliveries beside the one that is tried, at once, and it is not suspended for what they may have done', async () => {
  const { cut, advance, busy, suspensions, stopKernel } = await setScene({
    deadline: 60_000,
  });
  for (let cuts = 0; cuts < 2; cuts += 1) {
    await cut();
    for (const milliseconds of [3_000, 1_320, 1]) {
      expect(busy()).toEqual(['alice']);
      advance(milliseconds);
      await settle();
    }
    expect(busy()).toEqual(['alice', 'bob']);
  }
  await cut();
  expect(suspensions()).toEqual([
    ['boot', null],
    ['alice', null],
    ['bob', null],
  ]);
  await stopKernel();
});

it('who has asked how things are while a trial was about to begin does not wait for its end', async () => {
  const { cut, advance, busy, stopKernel } = await setScene();
  const rig = await cut();
  const client = await rig.connect();
  const { vref } = Object(
    await client.rpc.call('reference', { cluster: 'demo', vat: 'bob' }),
  );
  client.send(send(vref, 'more'));
  let isTold = false;
  void client.rpc.call('status', {}).then(() => {
    isTold = true;
  });
  await settle();
  rig.vats.get('alice').finish();
  await settle();
  expect(busy()).toEqual(['bob']);
  advance(1_000);
  await settle();
  expect(isTold).toBe(true);
  await stopKernel();
});

it('so is one at whose start they were', async () => {
  const { cut, suspensions } = await setScene();
  for (let cuts = 0; cuts < 2; cuts += 1) {
    await cut(delivery =>
      delivery[0] === 'startVat' ? undefined : answerStart(delivery),
    );
  }
  await cut();
  expect(suspensions()[1]).toEqual(['alice', REASON]);
});

it('a critical one stops the kernel, which finds it suspended the next time', async () => {
  const { cut, suspensions, stopKernel } = await setScene({ critical: true });
  await cut();
  await cut();
  const failed = await cut();
  expect(failed.kernel.status()).toMatchObject({
    state: 'critical-failed',
    reason: `critical vat demo.alice has failed: ${REASON}`,
  });
  const rig = await cut();
  expect(suspensions()[1]).toEqual(['alice', REASON]);
  expect(rig.kernel.status().state).toBe('running');
  await stopKernel();
});

it('a delivery that has ended in between, or a run that was stopped, clears the vat; after some seconds none is tried any more', async () => {
  const { cut, stop, busy, tried, suspensions, advance, stopKernel } =
    await setScene();
  await cut();
  const second = await cut();
  second.vats.get('alice').finish();
  await settle();
  expect(busy()).toEqual(['bob']);
  expect(tried()).toEqual([['v3', 0, 1]]);
  await cut();
  expect(tried()).toEqual([['v3', 1, 1]]);
  const fourth = await stop();
  expect(busy()).toEqual(['bob']);
  await fourth.kernel.state.store.commit();
  expect(tried()).toEqual([]);
  const fifth = await cut();
  fifth.vats.get('bob').finish();
  advance(4_321);
  const client = await fifth.connect();
  for (const vat of ['alice', 'bob']) {
    const { vref } = Object(
      await client.rpc.call('reference', { cluster: 'demo', vat }),
    );
    client.send(send(vref, 'more'));
    await settle();
  }
  expect(busy().sort()).toEqual(['alice', 'bob']);
  expect(tried()).toEqual([]);
  expect(suspensions().every(([, reason]) => reason === null)).toBe(true);
  await stopKernel();
});

it('a delivery that is lost with its worker leaves nothing behind of a vat at which no run was cut off', async () => {
  const { cut, tried, stopKernel } = await setScene();
  const rig = await cut();
  rig.vats.get('alice').lose('gone');
  await settle();
  expect(tried()).toEqual([['v3', 0, 1]]);
  await stopKernel();
});

it('a delivery that is lost with its worker clears nobody, and neither does one beside which others begin', async () => {
  const { cut, busy, tried, suspensions, advance, stopKernel } =
    await setScene();
  await cut();
  const second = await cut();
  expect(tried()).toEqual([['v2', 1, 1]]);
  second.vats.get('alice').lose('gone');
  await settle();
  expect(tried()).toEqual([
    ['v2', 1, 0],
    ['v3', 0, 1],
  ]);
  await cut();
  expect(tried()).toEqual([
    ['v2', 1, 1],
    ['v3', 1, 0],
  ]);
  advance(4_321);
  await settle();
  expect(busy()).toEqual(['alice', 'bob']);
  expect(tried()).toEqual([
    ['v2', 1, 0],
    ['v3', 1, 0],
  ]);
  await cut();
  expect(suspensions()[1]).toEqual(['alice', null]);
  const last = await cut();
  expect(suspensions()[1]).toEqual(['alice', REASON]);
  expect(last.logs).toContainEqual(
    expect.objectContaining({
      label: 'alice',
      level: 'error',
      text: `suspended: ${REASON}`,
    }),
  );
  await stopKernel();
});

it('an answer that the vat has taken clears it as a message does', async () => {
  const { clock, advance } = makeManualClock();
  const image = makeMemoryImage();
  const stage = await makeStage(['alice'], { clock, image });
  await stage.say(send(stage.root('alice'), 'watch', ['p+1']));
  await stage.finish('alice', subscribe('p-50'));
  await stage.say(fulfil('p+1', dataOf(1)));
  await stage.client.rpc.call('reference', { cluster: 'demo' });
  const watch: Behavior = ([kind]) =>
    kind === 'startVat' ? { syscalls: [subscribe('p-50')] } : undefined;
  const cut = async (from: MemoryImage): Promise<Rig> => {
    const rig = makeRig(watch, {
      clock,
      image: makeMemoryImage(from),
      wrap: platform => ({ ...platform, wasCut: true }),
    });
    await settle();
    return rig;
  };
  const first = await cut(image);
  const second = await cut(first.image);
  const { trials } = second.kernel.state;
  expect([...trials.values()]).toMatchObject([{ cuts: 1, isUnderWay: 1 }]);
  expect(second.vats.get('alice').deliveries.at(-1)?.[0]).toBe('notify');
  second.vats.get('alice').finish();
  await settle();
  expect([...trials.values()]).toEqual([]);
  const stops = [stage.rig, first, second].map(({ kernel }) => kernel.stop());
  await settle();
  advance(1_000);
  await Promise.all(stops);
});
