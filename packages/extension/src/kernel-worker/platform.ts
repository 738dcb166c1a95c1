import type { Hash, Log, Platform, VatLauncher } from '@cooperage/kernel';
import { showLogText } from '@cooperage/protocol';
import { openOpfsStorage } from '@cooperage/kernel/sqlite-wasm';
import { makeClock } from './clock.ts';
import { makeFetchText } from './fetch-text.ts';

const DIRECTORY = 'cooperage';

const hash: Hash = async bytes => {
  const digest = await crypto.subtle.digest('SHA-512', bytes);
  return Array.from(new Uint8Array(digest), byte =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
};

const log: Log = ({ vat, label, level, text }) =>
  console[level](
    `[${vat === null ? label : `${label} ${vat}`}] ${showLogText(text)}`,
  );

/** The browser as the kernel's platform. Rejects with STORAGE_FAILED when another kernel has the storage. */
export const makePlatform = async (vats: VatLauncher): Promise<Platform> => {
  const clock = makeClock();
  const { db, stores } = await openOpfsStorage({
    directory: DIRECTORY,
    after: clock.after,
    wasmUrl: new URL('sqlite3.wasm', location.href).href,
  });
  return Object.freeze({
    db,
    stores,
    vats,
    clock,
    log,
    hash,
    fetchText: makeFetchText(location.href),
  });
};
