import type {
  Counters,
  Epoch,
  Ours,
  PeerName,
  Stage,
  StorageKind,
} from '../stage.ts';
import { startApart, type Apart } from './contender-node.ts';
import { shorten, type StageOptions } from './extent.ts';
import { provideOnce } from './provide-once.ts';
import { startSwingSet } from './swingset-node.ts';

const makeOurs = ({ ask, stop }: Apart): Ours => ({
  run: (work, args) => ask('run', String(work), args),
  counters: () => ask<Counters>('counters'),
  idle: () => ask('idle'),
  heapUsed: () => ask<number>('heapUsed'),
  memoryUsed: () => ask<number>('memoryUsed'),
  countRows: () => ask<number>('countRows'),
  longestStep: async work => {
    await ask('beginToWatch');
    await work();
    return ask<number>('endWatch');
  },
  stop,
});

/** Each contender in a process of its own, with its vats or workers as threads of that. */
export const makeNodeStage = ({ isQuick, swingset }: StageOptions): Stage => {
  const shared = new Set<Apart>();
  const share = async (starting: Promise<Apart>): Promise<Apart> => {
    const started = await starting;
    shared.add(started);
    return started;
  };

  const startOursApart = (storage: StorageKind, epoch?: Epoch) =>
    startApart({ kind: 'ours', storage, epoch });

  const ours = provideOnce(async (storage: StorageKind) =>
    makeOurs(await share(startOursApart(storage))),
  );
  const floors = provideOnce(async (storage: StorageKind) => {
    const { ask } = await share(startApart({ kind: 'floor', storage }));
    return {
      roundTrips: (count: number) => ask<number>('roundTrips', count),
      hops: (count: number) => ask<number>('hops', count),
      calls: (count: number, inFlight: number) =>
        ask<number>('calls', count, inFlight),
    };
  });
  const peers = provideOnce(async (name: PeerName) => {
    const { ask } = await share(startApart({ kind: 'peer', name }));
    return {
      roundTrips: (count: number, inFlight: number) =>
        ask<number>('roundTrips', count, inFlight),
    };
  });
  const ends: (() => Promise<unknown>)[] = [];
  const swingsets = provideOnce(async (script: string) => {
    const { peer, stop } = await startSwingSet(script);
    ends.push(stop);
    return peer;
  });

  return {
    platform: 'node',
    isQuick,
    readCpu: async () => {
      const times = await Promise.all(
        [...shared].map(({ ask }) => ask<number>('readCpu')),
      );
      return times.reduce((sum, each) => sum + each, 0);
    },
    extent: shorten(isQuick),
    startOurs: async (storage = 'durable', epoch = undefined) =>
      makeOurs(await startOursApart(storage, epoch)),
    provideOurs: (storage = 'durable') => ours(storage),
    provideFloor: (storage = 'durable') => floors(storage),
    providePeer: peers,
    provideSwingSet: async () =>
      swingset === undefined ? undefined : swingsets(swingset),
    end: async () => {
      await Promise.all([
        ...[...shared].map(({ stop }) => stop()),
        ...ends.map(end => end()),
      ]);
    },
  };
};
