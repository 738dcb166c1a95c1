import {
  openFilesStorage,
  type Connection,
} from '@cooperage/kernel/sqlite-wasm';
import type { CrashStorage } from '@cooperage/kernel/testing/crash-driver';
import type { Disk } from '../disk.ts';
import { openFolderFiles } from '../folder-files.ts';
import { makePowerDisk, type DiskImage } from './power-disk.ts';

/** SQLite knows one disk; which it is changes from kernel to kernel. */
let current: Disk = makePowerDisk().disk;
const anyDisk: Disk = {
  open: (...args) => current.open(...args),
  close: (...args) => current.close(...args),
  read: (...args) => current.read(...args),
  write: (...args) => current.write(...args),
  truncate: (...args) => current.truncate(...args),
  sync: (...args) => current.sync(...args),
  size: (...args) => current.size(...args),
  has: (...args) => current.has(...args),
  delete: (...args) => current.delete(...args),
  list: (...args) => current.list(...args),
  makeFolder: (...args) => current.makeFolder(...args),
  syncFolder: (...args) => current.syncFolder(...args),
  claim: (...args) => current.claim(...args),
};

/** What a dead kernel's storage says when it is closed interests nobody. */
export const closeQuietly = (storage: { close(): void }): void => {
  try {
    storage.close();
  } catch (problem) {
    if (!(problem instanceof Error)) {
      throw problem;
    }
  }
};

/** Storage on a disk in memory, and how often that was changed since it was opened last. */
export type CountingStorage = CrashStorage<DiskImage> & { changes(): number };

type Tell = (where: string) => void;

/** The connection, with words said before and after each statement. */
const aroundStatements = (connection: Connection, tell: Tell): Connection => ({
  ...connection,
  run: (...args) => {
    tell('before a statement');
    connection.run(...args);
    tell('after a statement');
  },
  transaction: work => {
    tell('before a statement');
    connection.transaction(() => {
      tell('after a statement');
      work();
      tell('before a statement');
    });
    tell('after a statement');
  },
  get statements() {
    return connection.statements;
  },
  get database() {
    return connection.database;
  },
});

/**
 * The storage of the Node platform, SQLite and all, on a disk that can lose its
 * power; one kernel at a time. With `failAt` that change of the disk fails, and
 * all that come after it, counted from 1 once the storage is open.
 */
export const makeDiskStorage = (failAt = Infinity): CountingStorage => {
  let changes = 0;
  return {
    changes: () => changes,
    open: async image => {
      let told: Tell = () => {};
      let isOpen = false;
      changes = 0;
      const power = makePowerDisk(image, {
        before: what => {
          changes += Number(isOpen);
          if (changes >= failAt) {
            throw Error(`EIO: ${what}`);
          }
        },
        after: what => told(`after ${what}`),
      });
      current = power.disk;
      const { db, stores } = await openFilesStorage({
        name: 'a disk of a test',
        makeFiles: sqlite3 => {
          const files = openFolderFiles(sqlite3, '/state', anyDisk);
          return {
            ...files,
            open: (...args) =>
              aroundStatements(files.open(...args), where => told(where)),
          };
        },
      });
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
};
