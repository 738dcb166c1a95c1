import {
  copyOpfsStorage,
  fillOpfsStorage,
  openOpfsStorage,
  type BackupTarget,
  type Storage,
} from '@cooperage/kernel/sqlite-wasm';
import type { CrashStorage } from '@cooperage/kernel/testing/crash-driver';
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { nodeClock, nodeHash } from '../platform.ts';
import { closeQuietly, type CountingStorage } from './disk-storage.ts';
import { installFakeOpfs } from './fake-opfs.ts';
import { makePowerDisk, type DiskImage } from './power-disk.ts';

/** SQLite as browsers load it, with its pool of access handles; Node would be given another build. */
const loadBrowserSqlite = async (): Promise<Sqlite3Static> => {
  const wasm = createRequire(import.meta.url).resolve(
    '@sqlite.org/sqlite-wasm/sqlite3.wasm',
  );
  // The glue's own name for its settings: what needs a browser's other powers is left out.
  Object.assign(globalThis, {
    sqlite3ApiConfig: {
      disable: {
        vfs: { kvvfs: true, opfs: true, 'opfs-vfs': true, 'opfs-wl': true },
      },
    },
  });
  const glue: {
    default(options: { wasmBinary: Uint8Array }): Promise<Sqlite3Static>;
  } = await import(new URL('index.mjs', pathToFileURL(wasm)).href);
  return glue.default({ wasmBinary: readFileSync(wasm) });
};

let sqlite: Promise<Sqlite3Static> | undefined;
let useDisk: ReturnType<typeof installFakeOpfs> | undefined;
let opened = 0;

/** A place in the pool's disk, as if by a worker of its own: SQLite keeps a pool by the name of its directory for as long as it lives. */
const makePlace = async () => {
  opened += 1;
  return {
    directory: `run-${opened}`,
    after: nodeClock.after,
    sqlite3: await (sqlite ??= loadBrowserSqlite()),
  };
};

const insertDisk: ReturnType<typeof installFakeOpfs> = disk => {
  useDisk ??= installFakeOpfs();
  useDisk(disk);
};

/** The storage of the browser as the restoration of a backup leaves it. */
export const openRestored = async (
  databases: ReadonlyMap<string, Uint8Array>,
): Promise<Storage> => {
  insertDisk(makePowerDisk().disk);
  await fillOpfsStorage(await makePlace(), databases);
  return openOpfsStorage(await makePlace());
};

/** What is on that disk now, copied while no kernel has it open. */
export const copyPool = async (target: BackupTarget) =>
  copyOpfsStorage(await makePlace(), target, nodeHash);

/**
 * The storage of the browser, SQLite's pool and all, over access handles on a
 * disk that can lose its power; one kernel at a time. With `failAt` as `makeDiskStorage`.
 */
export const makePoolStorage = (failAt = Infinity): CountingStorage => {
  let changes = 0;
  const storage: CrashStorage<DiskImage> = {
    open: async image => {
      let told = (_where: string): void => {};
      let isOpen = false;
      changes = 0;
      const power = makePowerDisk(image, {
        before: what => {
          changes += Number(isOpen);
          if (changes >= failAt) {
            throw Error(`the handle fails: ${what}`);
          }
        },
        after: what => told(`after ${what}`),
      });
      insertDisk(power.disk);
      const { db, stores } = await openOpfsStorage(await makePlace());
      return {
        db,
        stores,
        snapshot: power.snapshot,
        onPoint: next => {
          told = next;
        },
        onPrepared: () => {
          isOpen = true;
        },
        abandon: () => {
          isOpen = false;
          power.die();
          closeQuietly(stores);
          closeQuietly(db);
        },
      };
    },
  };
  return { ...storage, changes: () => changes };
};
