import type {
  Clock,
  Hash,
  Log,
  Platform,
  VatLauncher,
} from '@cooperage/kernel';
import { createHash } from 'node:crypto';
import { makeFolderArchive } from './archive.ts';
import { makeFolderRoom } from './folder-room.ts';
import { fetchText } from './fetch-text.ts';
import { openFolderStorage } from './storage.ts';
import { webFetch } from './web-fetch.ts';

/**
 * Calls back in turns to come, each in a round of the loop of its own: Node runs all
 * that `setImmediate` was given in one go, and would let timers and ports wait for it all.
 */
const makeSoon = () => {
  const waiting: (() => void)[] = [];
  const callFirst = (): void => {
    const callback = waiting.shift();
    if (waiting.length > 0) {
      setImmediate(callFirst);
    }
    callback?.();
  };
  return (callback: () => void): void => {
    waiting.push(callback);
    if (waiting.length === 1) {
      setImmediate(callFirst);
    }
  };
};

/** The system's clock. */
export const nodeClock: Clock = Object.freeze({
  now: () => Date.now(),
  after: (milliseconds: number, callback: () => void) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  // Behind the messages of ports that the loop has taken in before.
  soon: makeSoon(),
});

/** SHA-512 by Node's own crypto. */
export const nodeHash: Hash = async bytes =>
  createHash('sha512').update(bytes).digest('hex');

export type FolderPlatformOptions = {
  /** Where the state is; made when absent, claimed until the kernel closes it. */
  readonly folder: string;
  readonly vats: VatLauncher;
  readonly log: Log;
};

/**
 * All that a kernel needs to run in Node and to survive the end of its process:
 * storage in a folder, bundles from files and servers. The kernel owns it.
 * Rejects with STORAGE_FAILED.
 */
export const openFolderPlatform = async ({
  folder,
  vats,
  log,
}: FolderPlatformOptions): Promise<Platform> => {
  const storage = await openFolderStorage(folder);
  const { db, stores } = storage;
  return Object.freeze({
    db,
    stores,
    vats,
    clock: nodeClock,
    log,
    hash: nodeHash,
    fetchText,
    fetch: webFetch,
    archive: makeFolderArchive(folder, storage, {
      clock: nodeClock,
      hash: nodeHash,
    }),
    room: makeFolderRoom(folder),
    wasCut: storage.wasCut,
  });
};
