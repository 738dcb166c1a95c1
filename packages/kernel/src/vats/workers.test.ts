import { describe, expect, it } from 'vitest';
import type { VatId } from '@cooperage/protocol';
import { settle } from '../testing/stage.ts';
import { makeWorkerScene, startOf } from '../testing/worker-scene.ts';
import { makeWorkers } from './workers.ts';

/** Vats with a worker each, of which some never are ready. */
const setScene = async (
  labels: readonly string[],
  stuck: Parameters<typeof makeWorkerScene>[0] = {},
) => {
  const scene = makeWorkerScene(stuck);
  const workers = makeWorkers(scene.powers);
  const vats = new Map<string, VatId>();
  /** What the vats' workers were when one was told of a loss. */
  const seen: unknown[] = [];
  const states = () =>
    Object.fromEntries(
      [...vats].map(([label, vat]) => [label, workers.state(vat)]),
    );
  for (const label of labels) {
    const named = scene.name(label);
    const owner = scene.ownerOf(label);
    vats.set(label, named.vat);
    workers.start(named, () => startOf(named.vat), {
      ...owner,
      onLost: (...loss) => {
        seen.push(states());
        owner.onLost(...loss);
      },
    });
  }
  await settle();
  scene.told.splice(0);
  const vat = (label: string): VatId => vats.get(label) ?? scene.name('').vat;
  const deliver = (label: string): void =>
    workers.deliver(
      vat(label),
      { delivery: ['bringOutYourDead'], held: undefined },
      null,
    );
  return { ...scene, workers, vat, deliver, seen, states };
};

const stuck = {
  begin: (label: string) =>
    label === 'late' ? 'silent' : label === 'later' ? 'unready' : 'ready',
} as const;

describe('the loss of the process of all workers', () => {
  it('is told to each, when all have ended but those on their way; who alone was at work hears so', async () => {
    const labels = ['busy', 'idle', 'late', 'later'];
    const scene = await setScene(labels, stuck);
    scene.deliver('busy');
    scene.raw.get('idle').lose('no memory', 'host');
    expect(scene.told).toEqual([
      ['busy', 'lost', 'no memory', 'alone'],
      ['idle', 'lost', 'no memory', 'host'],
      ['idle', 'after loss'],
    ]);
    const rest = { late: 'launching', later: 'starting' };
    expect(scene.seen).toEqual([rest, rest]);
    expect(scene.living()).toEqual(['late', 'later']);
  });

  it('is told as one of many to all who were at work, if they were two', async () => {
    const scene = await setScene(['a', 'b']);
    scene.deliver('a');
    scene.deliver('b');
    scene.raw.get('a').lose('no memory', 'host');
    expect(scene.told).toEqual([
      ['a', 'lost', 'no memory', 'host'],
      ['b', 'lost', 'no memory', 'host'],
      ['a', 'after loss'],
    ]);
  });

  it.each(['late', 'later'])(
    'is told also to one on its way that tells of it, and to no other such one: %s',
    async witness => {
      const scene = await setScene(['idle', 'late', 'later'], stuck);
      scene.raw.get(witness).lose('no memory', 'host');
      expect(scene.told).toEqual([
        ['idle', 'lost', 'no memory', 'host'],
        [witness, 'lost', 'no memory', 'host'],
        [witness, 'after loss'],
      ]);
      expect(scene.living()).toEqual(witness === 'late' ? ['later'] : ['late']);
    },
  );
});

describe('workers', () => {
  it.each(['late', 'later'])(
    'are on their way as long as one of them is: %s',
    async label => {
      const { workers, vat } = await setScene(['idle', label], stuck);
      expect([workers.isStarting(), workers.count()]).toEqual([true, 2]);
      workers.kill(vat(label));
      expect([workers.isStarting(), workers.count()]).toEqual([false, 1]);
    },
  );

  it('take deliveries for vats that have one, and no others', async () => {
    const { workers, deliver, vat, states } = await setScene(['a', 'b']);
    deliver('a');
    expect(states()).toEqual({ a: 'busy', b: 'idle' });
    workers.kill(vat('b'));
    workers.kill(vat('b'));
    expect(states()).toEqual({ a: 'busy', b: undefined });
    expect(() => deliver('b')).toThrow(
      `vat ${vat('b')} has no worker that could take a delivery`,
    );
  });

  it('that take the place of a vat’s own end the one before, and tell the vat’s owner', async () => {
    const scene = await setScene(['a']);
    const { workers, raw, told, name, ownerOf, deliver, vat } = scene;
    const worker = workers.startBeside(
      { ...name('new'), vat: vat('a') },
      () => startOf(vat('a')),
      ownerOf('new'),
    );
    await settle();
    expect([scene.living(), workers.count()]).toEqual([['a', 'new'], 1]);
    workers.seat(worker, ownerOf('a'));
    expect([scene.living(), workers.count()]).toEqual([['new'], 1]);
    deliver('a');
    await settle();
    raw.get('new').finish();
    await settle();
    expect(told).toEqual([
      ['new', 'ready'],
      ['a', 'done', 1],
    ]);
  });

  it('end with the kernel, and those that wait for their turn never start', async () => {
    const labels = ['a', 'late', '1', '2', '3', '4', '5'];
    const scene = await setScene(labels, {
      begin: label => (label === 'a' ? 'ready' : 'silent'),
    });
    expect(scene.living()).toEqual(['a', 'late', '1', '2', '3']);
    scene.phase.end('stopped');
    await settle();
    expect(scene.living()).toEqual([]);
    expect(scene.raw.all).toHaveLength(5);
    expect(scene.told).toEqual([]);
  });
});
