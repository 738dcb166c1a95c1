import { makeMessagePortStream, makeRpc } from '@cooperage/streams';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { beginToWatch, endWatch } from '../longest-step.ts';
import type { Epoch, PeerName, StorageKind } from '../stage.ts';
import { startNodeFloor } from './floor-node.ts';
import { startNodeOurs } from './ours-node.ts';
import { startNodePeer } from './peers-node.ts';
import { parentPort } from './process-port.ts';

/** What a process is to start, as JSON. */
export type Startable =
  | {
      readonly kind: 'ours';
      readonly storage: StorageKind;
      readonly epoch: Epoch | undefined;
    }
  | { readonly kind: 'floor'; readonly storage: StorageKind }
  | { readonly kind: 'peer'; readonly name: PeerName };

/** What its parent may ask of it; arguments come as a list. */
type Methods = Record<string, (...args: never[]) => Promise<unknown>>;

const serveOurs = async (
  storage: StorageKind,
  epoch: Epoch | undefined,
): Promise<Methods> => {
  const ours = await startNodeOurs(storage, epoch);
  return {
    run: async (text: string, args: unknown) =>
      ours.run(runInThisContext(`(${text})`), args),
    counters: ours.counters,
    idle: ours.idle,
    heapUsed: ours.heapUsed,
    memoryUsed: async () => process.memoryUsage().rss,
    countRows: ours.countRows,
    beginToWatch: async () => beginToWatch(),
    endWatch: async () => endWatch(),
    stop: ours.stop,
  };
};

const serveFloor = async (storage: StorageKind): Promise<Methods> => {
  const folder = mkdtempSync(join(tmpdir(), 'cooperage-floor-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { floor, stop } = await startNodeFloor(
    storage === 'durable' ? join(folder, 'floor.sqlite') : undefined,
  );
  return { ...floor, stop };
};

const servePeer = async (name: PeerName): Promise<Methods> => {
  const { peer, stop } = startNodePeer(name);
  return { roundTrips: peer.roundTrips, stop };
};

const start = (startable: Startable): Promise<Methods> => {
  switch (startable.kind) {
    case 'ours':
      return serveOurs(startable.storage, startable.epoch);
    case 'floor':
      return serveFloor(startable.storage);
    case 'peer':
      return servePeer(startable.name);
  }
};

/** Starts it, tells the parent so, and serves it until the parent lets go. */
export const serveContender = async (startable: Startable): Promise<void> => {
  const started = await start(startable);
  const methods = {
    ...started,
    readCpu: async () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  };
  const rpc = makeRpc(makeMessagePortStream(parentPort()), {
    methods: Object.fromEntries(
      Object.entries(methods).map(([name, method]) => [
        name,
        (args: unknown) => Reflect.apply(method, undefined, args as never[]),
      ]),
    ),
    onClose: () => process.exit(),
  });
  process.once('disconnect', () => rpc.close());
  rpc.notify('ready');
};
