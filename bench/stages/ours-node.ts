import { makeConsole } from '@cooperage/client';
import { makeKernel, type Platform } from '@cooperage/kernel';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
} from '@cooperage/kernel/memory';
import { SCHEMA } from '@cooperage/kernel/schema';
import {
  fetchText,
  makeThreadVats,
  nodeClock,
  nodeHash,
  openFolderStorage,
} from '@cooperage/node';
import { makeMessagePortStream, makeRpc } from '@cooperage/streams';
import { Far } from '@endo/far';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel } from 'node:worker_threads';
import { beginToWatch, endWatch } from '../longest-step.ts';
import { BENCH_CONFIG } from '../program.ts';
import { collectTwice } from './collect-twice.ts';
import { readScript } from './read-script.ts';
import type { Epoch, Ours, Realm, StorageKind } from '../stage.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const openMemory = () => {
  const image = makeMemoryImage();
  return {
    db: openMemoryKernelDb(image),
    stores: openMemoryVatStores(image),
  };
};

type RemoteMethods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** A kernel in this process, as `cooperage run` has it, with the cluster `bench`, in memory or in a folder of its own, which goes with the process. */
export const startNodeOurs = async (
  storage: StorageKind,
  epoch?: Epoch,
): Promise<Ours> => {
  const folder = mkdtempSync(join(tmpdir(), 'cooperage-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { db, stores } =
    storage === 'durable' ? await openFolderStorage(folder) : openMemory();
  const platform: Platform = {
    db,
    stores,
    vats: makeThreadVats({ script: readScript('vat-worker.js') }),
    clock: nodeClock,
    log: ({ level, text }) => {
      if (level === 'error') {
        console.error(text);
      }
    },
    hash: nodeHash,
    fetchText,
  };
  const kernel = makeKernel(platform, {
    parallel: Math.max(2, availableParallelism()),
    ...epoch,
  });
  const { port1, port2 } = new MessageChannel();
  kernel.connect(makeMessagePortStream(port1, { label: 'bench' }), {
    privilege: 'dangerous',
    label: 'bench',
  });
  const person = makeConsole({
    connect: async onNotify =>
      makeRpc(makeMessagePortStream(port2, { label: 'kernel' }), { onNotify }),
  });
  const realm: Realm = {
    send: async (target, method, ...args) => {
      const remote = person.E(Object(target)) as RemoteMethods;
      return remote[method]?.(...args);
    },
    kernel: person.kernel,
    Far: (iface, methods) => Far(iface, methods),
  };
  await realm.send(realm.kernel, 'launch', BENCH_CONFIG);
  return {
    run: (work, args) => work(realm, args),
    counters: async () => ({ ...db.counters }),
    idle: () => kernel.idle(),
    heapUsed: async () => {
      await collectTwice(async () => collect());
      return process.memoryUsage().heapUsed;
    },
    longestStep: async work => {
      beginToWatch();
      await work();
      return endWatch();
    },
    countRows: async () =>
      SCHEMA.reduce((rows, { name }) => rows + db.load(name).length, 0),
    stop: async () => {
      person.close();
      await kernel.stop();
      port1.close();
    },
  };
};
