import type {
  Archive,
  Clock,
  Log,
  Platform,
  VatLauncher,
} from '@cooperage/kernel';
import { showLogText } from '@cooperage/protocol';
import { openOpfsStorage, type Storage } from '@cooperage/kernel/sqlite-wasm';
import {
  hash,
  restoreFrom,
  wasmUrl,
  writeToExchange,
} from '../storage-worker/archive.ts';
import {
  currentDirectory,
  deleteOthers,
} from '../storage-worker/generations.ts';
import { makeClock } from './clock.ts';
import { makeFetchText } from './fetch-text.ts';
import type { Sites } from './sites.ts';
import { makeWebFetch } from './web-fetch.ts';

const log: Log = ({ vat, label, level, text }) =>
  console[level](
    `[${vat === null ? label : `${label} ${vat}`}] ${showLogText(text)}`,
  );

/** Milliseconds until a kernel is replaced by one over a backup: the one who asked for it hears before that it is. */
const RESTORED_MILLISECONDS = 100;

const makeArchive = (
  storage: Storage,
  clock: Clock,
  onRestored: () => void,
): Archive =>
  Object.freeze({
    backup: () =>
      writeToExchange(clock.now(), target =>
        storage.backup(target, { hash, soon: clock.soon }),
      ),
    restore: async (name: string) => {
      await restoreFrom(name, clock);
      clock.after(RESTORED_MILLISECONDS, onRestored);
    },
  });

/** Of this origin, which nothing but the extension has. */
const askForRoom = async () => {
  const { usage = 0, quota = Infinity } = await navigator.storage.estimate();
  return { used: usage, left: Math.max(0, quota - usage) };
};

/**
 * The browser as the kernel's platform; `onRestored` is called when this kernel is
 * to make room for one over a backup. Rejects with STORAGE_FAILED, and with
 * STORAGE_IN_USE when another kernel has the storage.
 */
export const makePlatform = async (
  vats: VatLauncher,
  sites: Sites,
  onRestored: () => void,
): Promise<Platform> => {
  const clock = makeClock();
  const storage = await openOpfsStorage({
    directory: await currentDirectory(),
    after: clock.after,
    wasmUrl: wasmUrl(),
  });
  const { db, stores } = storage;
  await deleteOthers();
  return Object.freeze({
    db,
    stores,
    vats,
    clock,
    log,
    hash,
    fetchText: makeFetchText(location.href),
    fetch: makeWebFetch(sites),
    insistSites: sites.insist,
    archive: makeArchive(storage, clock, onRestored),
    room: askForRoom,
  });
};
