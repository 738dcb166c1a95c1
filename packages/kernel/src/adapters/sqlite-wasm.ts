import harden from '@endo/harden';
import init, { type Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import type { Clock, KernelDb, VatStores } from '../ports.ts';
import { asStorageError, type Connection } from './sqlite-connection.ts';
import type { SqliteFiles } from './sqlite-files.ts';
import { makeSqliteKernelDb } from './sqlite-kernel-db.ts';
import type { Migration } from './sqlite-tables.ts';
import { makeImageFiles, type FileImages } from './sqlite-image-files.ts';
import { openPoolFiles } from './sqlite-pool-files.ts';
import { makeSqliteVatStores } from './sqlite-vat-stores.ts';

export type { Connection } from './sqlite-connection.ts';
export { COMPANIONS, makeDurableConnection } from './sqlite-durable.ts';
export type { SqliteFiles } from './sqlite-files.ts';
export type { Migration } from './sqlite-tables.ts';
export { makeFileImages, type FileImages } from './sqlite-image-files.ts';

const KERNEL_FILE = 'kernel.sqlite';

/** The kernel's storage. When both are closed, another kernel may open it. */
export type Storage = { readonly db: KernelDb; readonly stores: VatStores };

type InitOptions = {
  readonly locateFile?: (name: string) => string;
  readonly print?: (text: string) => void;
  readonly printErr?: (text: string) => void;
};
// The package declares no parameters, and takes Emscripten's.
const initialize: (options: InitOptions) => Promise<Sqlite3Static> = init;

/**
 * Loads SQLite. The glue runs before or after lockdown; it needs `fetch` of
 * the wasm file unless it runs in Node, and CSP's `wasm-unsafe-eval`.
 */
const loadSqlite = (wasmUrl?: string): Promise<Sqlite3Static> => {
  // The glue's own name for its settings; it deletes them when it has read them.
  Object.assign(globalThis, {
    sqlite3ApiConfig: {
      // They need SharedArrayBuffer and warn when there is none.
      disable: {
        vfs: { kvvfs: true, opfs: true, 'opfs-vfs': true, 'opfs-wl': true },
      },
    },
  });
  return initialize(wasmUrl === undefined ? {} : { locateFile: () => wasmUrl });
};

/** The files are closed again when the kernel's can't be opened, so that another try finds them free. */
const openOrClose = (files: SqliteFiles): Connection => {
  try {
    return files.open(KERNEL_FILE, 'wal');
  } catch (error) {
    files.close();
    throw error;
  }
};

const openStorage = (
  files: SqliteFiles,
  migrations: readonly Migration[],
): Storage => {
  const connection = openOrClose(files);
  const inUse = new Set(['db', 'stores']);
  const release = (part: string) => () => {
    if (inUse.delete(part) && inUse.size === 0) {
      files.close();
    }
  };
  return harden({
    db: makeSqliteKernelDb({
      connection,
      migrations,
      committed: () => files.committed(KERNEL_FILE, connection),
      onClose: release('db'),
    }),
    stores: makeSqliteVatStores(files, release('stores')),
  });
};

export type OpfsStorageOptions = {
  /** Of the origin's private file system; nobody else may write there. */
  readonly directory: string;
  readonly after: Clock['after'];
  /** Where `sqlite3.wasm` is served; beside the script when absent. */
  readonly wasmUrl?: string;
  readonly migrations?: readonly Migration[];
};

/**
 * Opens the storage in a dedicated worker of a browser. Waits some seconds
 * for the handles of a killed predecessor; rejects with STORAGE_FAILED when
 * another kernel keeps them. Nothing stored is ever deleted by a failure.
 */
export const openOpfsStorage = async ({
  directory,
  after,
  wasmUrl,
  migrations = [],
}: OpfsStorageOptions): Promise<Storage> => {
  try {
    const sqlite3 = await loadSqlite(wasmUrl);
    const files = await openPoolFiles({ sqlite3, directory, after });
    return openStorage(files, migrations);
  } catch (error) {
    throw asStorageError(`open ${directory}`, error);
  }
};
harden(openOpfsStorage);

let loaded: Promise<Sqlite3Static> | undefined;
const provideSqlite = (): Promise<Sqlite3Static> => (loaded ??= loadSqlite());

export type FilesStorageOptions = {
  /** Where the files are, for people. */
  readonly name: string;
  readonly makeFiles: (sqlite3: Sqlite3Static) => SqliteFiles;
  readonly migrations?: readonly Migration[];
};

/** The same code over files of the caller's, which the storage owns. Rejects with STORAGE_FAILED. */
export const openFilesStorage = async ({
  name,
  makeFiles,
  migrations = [],
}: FilesStorageOptions): Promise<Storage> => {
  try {
    return openStorage(makeFiles(await provideSqlite()), migrations);
  } catch (error) {
    throw asStorageError(`open ${name}`, error);
  }
};
harden(openFilesStorage);

/**
 * The same code over files in memory. An image holds what was committed: open
 * it again to restart after a "crash", whether the old storage was closed or not.
 */
export const openNodeStorage = (
  image?: FileImages,
  migrations: readonly Migration[] = [],
): Promise<Storage> =>
  openFilesStorage({
    name: 'a database in memory',
    makeFiles: sqlite3 => makeImageFiles(sqlite3, image),
    migrations,
  });
harden(openNodeStorage);
