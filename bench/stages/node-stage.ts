import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PeerName, Stage, StorageKind } from '../stage.ts';
import { shorten, type StageOptions } from './extent.ts';
import { startNodeFloor } from './floor-node.ts';
import { startNodeOurs } from './ours-node.ts';
import { startNodePeer } from './peers-node.ts';
import { provideOnce } from './provide-once.ts';
import { startSwingSet } from './swingset-node.ts';

/** The scripts that `bench/build.mjs` has put beside this one. */
const readScript = (name: string): string =>
  readFileSync(new URL(name, import.meta.url), 'utf8');

/** Everything in threads of this process. */
export const makeNodeStage = ({ isQuick, swingset }: StageOptions): Stage => {
  const folder = mkdtempSync(join(tmpdir(), 'cooperage-floor-'));
  const ends: (() => Promise<unknown>)[] = [];

  const startOurs: Stage['startOurs'] = (
    storage = 'durable',
    epoch = undefined,
  ) => startNodeOurs(readScript('vat-worker.js'), storage, epoch);

  const ours = provideOnce(async (storage: StorageKind) => {
    const started = await startOurs(storage);
    ends.push(started.stop);
    return started;
  });
  const floors = provideOnce(async (storage: StorageKind) => {
    const file =
      storage === 'durable' ? join(folder, 'floor.sqlite') : undefined;
    const { floor, stop } = await startNodeFloor(
      readScript('floor-vat.js'),
      file,
    );
    ends.push(stop);
    return floor;
  });

  const peers = provideOnce(async (name: PeerName) => {
    const [library, direct] = name.split(' ');
    const script = readScript(`peer-${library}.js`);
    const { peer, stop } = startNodePeer(script, direct !== undefined);
    ends.push(stop);
    return peer;
  });

  const swingsets = provideOnce(async (script: string) => {
    const { peer, stop } = await startSwingSet(script);
    ends.push(stop);
    return peer;
  });

  return {
    platform: 'node',
    isQuick,
    readCpu: async () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    extent: shorten(isQuick),
    startOurs,
    provideOurs: (storage = 'durable') => ours(storage),
    provideFloor: (storage = 'durable') => floors(storage),
    providePeer: peers,
    provideSwingSet: async () =>
      swingset === undefined ? undefined : swingsets(swingset),
    end: async () => {
      for (const end of ends.splice(0)) {
        await end();
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
