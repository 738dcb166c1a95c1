import { describe, expect, it } from 'vitest';
import type { Delivery } from '@cooperage/protocol';
import { makeMemoryImage } from './adapters/memory.ts';
import { makeImageFiles } from './adapters/sqlite-image-files.ts';
import { openFilesStorage } from './adapters/sqlite-wasm.ts';
import { makeWitness } from './testing/commits.ts';
import type { Deed, RawVat } from './testing/raw-vats.ts';
import { makeRig, RAW_BUNDLE } from './testing/rig.ts';
import {
  dataOf,
  fulfil,
  reject,
  send,
  settle,
  subscribe,
} from './testing/stage.ts';

/** Stores whose files note for how many there is to be room, and make it when `gate` opens. */
const openCounting = async (gate: () => Promise<void> = async () => {}) => {
  const reserved: number[] = [];
  const { stores } = await openFilesStorage({
    name: 'counting files',
    makeFiles: sqlite3 => ({
      ...makeImageFiles(sqlite3),
      reserve: async count => {
        reserved.push(count);
        await gate();
      },
    }),
  });
  return { stores, reserved };
};

const configOf = (...vats: readonly string[]) => ({
  name: 'demo',
  vats: Object.fromEntries(
    vats.map(vat => [vat, { bundle: { text: RAW_BUNDLE } }]),
  ),
});

describe('a launch', () => {
  it('of which one vat breaks a rule as it starts says which and what, and leaves nothing', async () => {
    const rig = makeRig((delivery, { label }) =>
      delivery[0] === 'startVat' && label === 'bad'
        ? { syscalls: [subscribe('p-99')] }
        : {},
    );
    const { rpc } = await rig.connect();
    await expect(
      rpc.call('launch', { config: configOf('boot', 'bad') }),
    ).rejects.toMatchObject({
      code: 'LAUNCH_FAILED',
      message: expect.stringMatching(/^Vat bad: .* p-99 /),
    });
    const { clusters, sessions, vats } = rig.kernel.state;
    expect([clusters.size, vats.size]).toEqual([0, 0]);
    expect(sessions.size).toBe(1); // the client's
    expect(rig.vats.all.map(({ isKilled }) => isKilled)).toEqual([true, true]);
    expect(rig.kernel.status().state).toBe('running');
    await rig.kernel.stop();
  });

  it('counts among the clusters of which there are so many at most', async () => {
    const rig = makeRig(
      (_delivery, { label }) => (label === 'slow' ? undefined : {}),
      { mostClusters: 1 },
    );
    const { rpc } = await rig.connect();
    const launched = expect(
      rpc.call('launch', { config: configOf('slow') }),
    ).rejects.toMatchObject({ code: 'KERNEL_STOPPED' });
    await expect(
      rpc.call('launch', { config: { ...configOf('boot'), name: 'other' } }),
    ).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
    await rig.kernel.stop();
    await launched;
  });
});

describe('what is shown of a launch', () => {
  it('is each of its steps, when it has begun: to ask a person comes before all others', async () => {
    const held: (() => void)[] = [];
    const asked: (readonly string[])[] = [];
    const hold = (): Promise<void> =>
      new Promise(resolve => {
        held.push(resolve);
      });
    const rig = makeRig(
      delivery => (delivery[0] === 'startVat' ? undefined : {}),
      {
        wrap: platform => ({
          ...platform,
          fetch: () => {
            throw Error('nothing is fetched here');
          },
          insistSites: sites => {
            asked.push(sites);
            return hold();
          },
          stores: { ...platform.stores, reserve: hold },
        }),
      },
    );
    const { rpc } = await rig.connect();
    const services = [{ service: 'fetch', hosts: ['api.example.org'] }];
    const config = { ...configOf('boot', 'bob'), services };
    const launched = rpc.call('launch', { config });
    const steps = () =>
      rig.kernel
        .status()
        .launches[0]?.steps.map(({ text, state }) => [text, state]);
    /** Lets things settle until so many have begun, or none more will. */
    const until = async (count: number): Promise<void> => {
      for (let turns = 0; turns < 20 && steps()?.length !== count; turns += 1) {
        await settle();
      }
    };
    await until(1);
    expect(steps()).toEqual([['ask what may be fetched', 'running']]);
    expect(asked).toEqual([['https://api.example.org/*']]);
    held[0]?.();
    await until(3);
    const begun = [
      ['ask what may be fetched', 'done'],
      ['fetch and check the code', 'done'],
    ];
    expect(steps()).toEqual([
      ...begun,
      ['make room for the stores', 'running'],
    ]);
    expect(rig.vats.all).toEqual([]);
    held[1]?.();
    await until(5);
    const ready = [...begun, ['make room for the stores', 'done']];
    expect(steps()).toEqual([
      ...ready,
      ['start vat boot', 'running'],
      ['start vat bob', 'running'],
    ]);
    await settle();
    rig.vats.get('boot').finish();
    rig.vats.get('bob').finish();
    expect(await launched).toEqual({
      cluster: expect.any(String),
      name: 'demo',
      vats: {
        boot: expect.stringMatching(/^ko\d+$/),
        bob: expect.stringMatching(/^ko\d+$/),
      },
    });
    expect(steps()?.slice(3)).toEqual([
      ['start vat boot', 'done'],
      ['start vat bob', 'done'],
      ['bootstrap', 'running'],
    ]);
    await rig.kernel.stop();
  });
});

describe('the room for the files of a launch', () => {
  it('is given back when the launch fails', async () => {
    const { stores, reserved } = await openCounting();
    const rig = makeRig(() => ({}), {
      begin: label => (label === 'bad' ? { failed: 'no module' } : 'ready'),
      wrap: platform => ({ ...platform, stores }),
    });
    const { rpc } = await rig.connect();
    for (let nth = 0; nth < 3; nth += 1) {
      await expect(
        rpc.call('launch', { config: configOf('boot', 'bad') }),
      ).rejects.toMatchObject({ code: 'LAUNCH_FAILED' });
    }
    await rpc.call('launch', { config: configOf('boot', 'good', 'fine') });
    expect(reserved).toEqual([2, 2, 2, 3]);
    await rig.kernel.stop();
  });

  it('is given back also when the launch has ended before there was room', async () => {
    let open = (): void => {};
    const opened = new Promise<void>(resolve => {
      open = resolve;
    });
    const { stores, reserved } = await openCounting(() => opened);
    const rig = makeRig(() => ({}), {
      wrap: platform => ({ ...platform, stores }),
    });
    const { rpc } = await rig.connect();
    const launched = expect(
      rpc.call('launch', { config: configOf('boot', 'bob') }),
    ).rejects.toMatchObject({ code: expect.any(String) });
    while (reserved.length === 0) {
      await settle();
    }
    await rpc.call('erase', {});
    await launched;
    open();
    await rpc.call('launch', { config: configOf('boot', 'bob') });
    expect(reserved).toEqual([2, 2]);
    await rig.kernel.stop();
  });
});

const isBootstrap = (delivery: Delivery): boolean =>
  delivery[0] === 'message' &&
  delivery[2].methargs.body.startsWith('#["bootstrap"');

/** `boot` asks bob as it is bootstrapped, and answers when he has. */
const makeAwaiting = () => {
  let answer: string | null = null;
  return (delivery: Delivery, { label }: RawVat): Deed => {
    if (isBootstrap(delivery) && delivery[0] === 'message') {
      answer = delivery[2].result ?? null;
      const bob = delivery[2].methargs.slots.at(-1) ?? '';
      return { syscalls: [send(bob, 'ask', [], 'p+7'), subscribe('p+7')] };
    }
    if (delivery[0] === 'message' && label === 'bob') {
      const { result } = delivery[2];
      return { syscalls: result ? [fulfil(result, dataOf(1))] : [] };
    }
    return delivery[0] === 'notify' && answer !== null
      ? { syscalls: [fulfil(answer, dataOf(2))] }
      : {};
  };
};

const OPTIONS = { collectMilliseconds: Infinity, epochCranks: 1 };

describe('a bootstrap', () => {
  it('that a crash cuts short is done over, or its cluster says that it was cut short (invariants 2, 6, 10)', async () => {
    const image = makeMemoryImage();
    const { images, wrap } = makeWitness();
    const behaveFirst = makeAwaiting();
    const held: (() => void)[] = [];
    const rig = makeRig(
      (delivery, vat) => {
        const deed = behaveFirst(delivery, vat);
        if (delivery[0] !== 'message') {
          return deed;
        }
        held.push(() => vat.finish(deed));
        return undefined;
      },
      { ...OPTIONS, image, wrap: wrap(image) },
    );
    await rig.launch('demo', ['boot', 'bob']);
    await settle();
    for (const finish of held) {
      rig.kernel.state.store.commit();
      finish();
      await settle();
    }
    await rig.kernel.idle();
    expect(rig.kernel.status().clusters[0]).not.toHaveProperty(
      'bootstrapProblem',
    );
    await rig.kernel.stop();
    const seen = { absent: 0, over: 0, done: 0, told: 0 };
    for (const crashed of images) {
      const { tables } = makeMemoryImage(crashed);
      const behave = makeAwaiting();
      let isDoneOver = false;
      const again = makeRig(
        (delivery, vat) => {
          isDoneOver ||= isBootstrap(delivery);
          return behave(delivery, vat);
        },
        { ...OPTIONS, image: makeMemoryImage(crashed) },
      );
      await again.kernel.idle();
      const [cluster] = again.kernel.status().clusters;
      const [row] = again.kernel.state.clusters.values();
      const awaited = [...(tables.get('clusters')?.values() ?? [])][0]?.[4];
      expect(row?.bootstrapResult ?? null).toBe(null);
      if (!cluster) {
        seen.absent += 1;
      } else if (cluster.bootstrapProblem !== undefined) {
        expect(cluster.bootstrapProblem).toBe(
          'it was cut short: the kernel was restarted',
        );
        seen.told += 1;
      } else {
        expect(isDoneOver || awaited === null).toBe(true);
        seen[isDoneOver ? 'over' : 'done'] += 1;
      }
      await again.kernel.stop();
    }
    expect(
      Math.min(...Object.values(seen)),
      JSON.stringify(seen),
    ).toBeGreaterThan(0);
  });

  it('that rejects is told with its cluster, over restarts; one that is not there is not', async () => {
    const image = makeMemoryImage();
    const rig = makeRig(
      delivery =>
        delivery[0] === 'message' && delivery[2].result
          ? {
              syscalls: [
                reject(
                  delivery[2].result,
                  dataOf({ '#error': 'no bread', name: 'Error' }),
                ),
              ],
            }
          : {},
      { ...OPTIONS, image },
    );
    await rig.launch('demo', ['boot', 'bob']);
    await rig.kernel.idle();
    const { state } = rig.kernel;
    const { clusters, launches } = rig.kernel.status();
    expect(clusters).toMatchObject([
      { name: 'demo', bootstrapProblem: 'no bread' },
    ]);
    expect(launches).toMatchObject([
      { name: 'demo', error: 'bootstrap rejected: no bread' },
    ]);
    expect(state.promises.size).toBe(0);
    const later = makeRig(() => ({}), {
      ...OPTIONS,
      image: makeMemoryImage(image),
    });
    expect(later.kernel.status().clusters).toMatchObject([
      { name: 'demo', bootstrapProblem: 'no bread' },
    ]);
    await later.kernel.stop();
    await rig.kernel.stop();
  });

  it('that answers with many references leaves none of them behind, though nothing else happens, and the kernel rests only then (invariant 12)', async () => {
    const names = Array.from({ length: 20 }, (_, nth) => `o+${1 + nth}`);
    let answer = '';
    const rig = makeRig(
      (delivery, { label }) => {
        if (delivery[0] === 'message' && isBootstrap(delivery)) {
          answer = String(delivery[2].result);
          // Bob keeps them: nothing of what the session lets go of goes.
          const bob = delivery[2].methargs.slots.at(-1) ?? '';
          const ask = send(bob, 'keep', names, 'p+7');
          return { syscalls: [ask, subscribe('p+7')] };
        }
        if (delivery[0] === 'message' && delivery[2].result) {
          return { syscalls: [fulfil(delivery[2].result, dataOf(1))] };
        }
        return delivery[0] === 'notify' && label === 'boot' ? undefined : {};
      },
      { ...OPTIONS, clearedPerCrank: 7 },
    );
    const { rpc } = await rig.connect();
    await rpc.call('launch', { config: configOf('boot', 'bob') });
    const boot = rig.vats.get('boot');
    while (boot.deliveries.at(-1)?.[0] !== 'notify') {
      await settle();
    }
    const { endings } = rig.kernel.state;
    let leftAtRest: number | undefined;
    const rested = rig.kernel.idle().then(() => {
      leftAtRest = endings.size;
    });
    for (let steps = 0; steps < 4; steps += 1) {
      await settle();
    }
    const all = dataOf(
      names.map((_, nth) => `$${nth}`),
      ...names,
    );
    boot.finish({ syscalls: [fulfil(answer, all)] });
    for (let steps = 0; steps < 4; steps += 1) {
      await settle();
    }
    expect([endings.size, leftAtRest]).toEqual([0, 0]);
    await rested;
    await rig.kernel.stop();
  });

  it('that is awaited still leaves nothing behind when its cluster ends', async () => {
    const rig = makeRig(() => ({}), OPTIONS);
    await rig.launch('demo', ['boot', 'bob']);
    const { rpc } = await rig.connect();
    const { state } = rig.kernel;
    const [row] = state.clusters.values();
    expect(state.promises.has(row?.bootstrapResult ?? ('kp0' as never))).toBe(
      true,
    );
    await rpc.call('terminate', { cluster: 'demo' });
    await rig.kernel.idle();
    expect([state.clusters.size, state.promises.size]).toEqual([0, 0]);
    await rig.kernel.stop();
  });
});
