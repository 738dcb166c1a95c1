import harden from '@endo/harden';
import { CooperageError } from '@cooperage/protocol';
import init, { type Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import type { Clock, Hash, KernelDb, VatStores } from '../ports.ts';
import { SCHEMA } from '../store/schema.ts';
import {
  writeBackup,
  type BackupReport,
  type BackupTarget,
} from './backup-file.ts';
import { MIGRATIONS } from './migrations.ts';
import {
  asStorageError,
  attempt,
  insistSound,
  type Connection,
} from './sqlite-connection.ts';
import type { SqliteFiles } from './sqlite-files.ts';
import { makeSqliteKernelDb } from './sqlite-kernel-db.ts';
import type { Migration } from './sqlite-tables.ts';
import { makeImageFiles, type FileImages } from './sqlite-image-files.ts';
import { fillPool, openPoolFiles } from './sqlite-pool-files.ts';
import { reserveForVats } from './sqlite-vat-room.ts';
import { makeSqliteVatStores } from './sqlite-vat-stores.ts';

export type { Connection } from './sqlite-connection.ts';
export { COMPANIONS, makeDurableConnection } from './sqlite-durable.ts';
export type { SqliteFiles } from './sqlite-files.ts';
export type { Migration } from './sqlite-tables.ts';
export {
  readBackup,
  writeBackup,
  type BackupReport,
  type BackupSource,
  type BackupTarget,
} from './backup-file.ts';
export { makeFileImages, type FileImages } from './sqlite-image-files.ts';

const KERNEL_FILE = 'kernel.sqlite';

/** What a backup takes: a hash, and turns in between for others. */
type BackupPlatform = { readonly hash: Hash; readonly soon: Clock['soon'] };

/** The kernel's storage. When both are closed, another kernel may open it. */
export type Storage = {
  readonly db: KernelDb;
  readonly stores: VatStores;
  /** Whether who had it open before has ended without closing it. */
  readonly wasCut: boolean;
  /**
   * Looks through every file, each in a turn of its own, and copies all as they
   * are after that, in one turn. Rejects with STORAGE_FAILED when one is damaged,
   * and with BACKUP_FAILED when the copy can't be written.
   */
  backup(target: BackupTarget, platform: BackupPlatform): Promise<BackupReport>;
};

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

/**
 * Opens the kernel's file, and looks through it after a stop that was not clean.
 * The files are closed again when that fails, so that another try finds them free.
 */
const openOrClose = (files: SqliteFiles, isSuspect: boolean): Connection => {
  let connection: Connection | undefined;
  try {
    connection = files.open(KERNEL_FILE, 'wal');
    if (isSuspect) {
      insistSound(connection, 'quick');
    }
    return connection;
  } catch (error) {
    connection?.close();
    files.close();
    throw error;
  }
};

/** All files, each read when it is asked for; empty companions hold nothing. */
function* copiesOf(files: SqliteFiles) {
  for (const name of files.names()) {
    const bytes = files.bytes(name);
    if (bytes.length > 0) {
      yield { name, bytes };
    }
  }
}

const makeBackup =
  (
    files: SqliteFiles,
    { db, stores }: Pick<Storage, 'db' | 'stores'>,
    connection: Connection,
  ) =>
  async (
    target: BackupTarget,
    { hash, soon }: BackupPlatform,
  ): Promise<BackupReport> => {
    db.check();
    for (const vat of stores.list()) {
      await new Promise<void>(resolve => soon(resolve));
      stores.check(vat);
    }
    attempt('prepare a backup', () =>
      connection.rows('PRAGMA wal_checkpoint(TRUNCATE)', [
        'integer',
        'integer',
        'integer',
      ]),
    );
    return writeBackup(copiesOf(files), target, hash);
  };

const openStorage = async (
  files: SqliteFiles,
  migrations: readonly Migration[],
): Promise<Storage> => {
  // A kernel that stops takes its log away.
  const isSuspect = files.names().includes(`${KERNEL_FILE}-wal`);
  const connection = openOrClose(files, isSuspect);
  const inUse = new Set(['db', 'stores']);
  const release = (part: string) => () => {
    if (inUse.delete(part) && inUse.size === 0) {
      files.close();
    }
  };
  const parts = {
    db: makeSqliteKernelDb({
      connection,
      hasLog: isSuspect,
      migrations,
      committed: () => files.committed(KERNEL_FILE, connection),
      onClose: release('db'),
    }),
    stores: makeSqliteVatStores(files, {
      isSuspect,
      onClose: release('stores'),
    }),
  };
  try {
    await reserveForVats(connection, parts.stores);
  } catch (error) {
    parts.db.close();
    parts.stores.close();
    throw error;
  }
  return harden({
    ...parts,
    wasCut: isSuspect,
    backup: makeBackup(files, parts, connection),
  });
};

export type OpfsStorageOptions = {
  /** Of the origin's private file system; nobody else may write there. */
  readonly directory: string;
  readonly after: Clock['after'];
  /** Where `sqlite3.wasm` is served; beside the script when absent. */
  readonly wasmUrl?: string;
  /** SQLite's browser build, when it is loaded already. */
  readonly sqlite3?: Sqlite3Static;
  readonly migrations?: readonly Migration[];
};

/**
 * Opens the storage in a dedicated worker of a browser. Waits some seconds
 * for the handles of a killed predecessor; rejects with STORAGE_IN_USE when
 * another kernel keeps them, and with STORAGE_FAILED. Nothing stored is ever deleted by a failure.
 */
export const openOpfsStorage = async ({
  directory,
  after,
  wasmUrl,
  sqlite3: loaded,
  migrations = MIGRATIONS,
}: OpfsStorageOptions): Promise<Storage> => {
  try {
    const sqlite3 = loaded ?? (await loadSqlite(wasmUrl));
    const files = await openPoolFiles({ sqlite3, directory, after });
    return await openStorage(files, migrations);
  } catch (error) {
    throw asStorageError(`open ${directory}`, error);
  }
};
harden(openOpfsStorage);

type PoolPlace = Omit<OpfsStorageOptions, 'migrations'>;

/** Makes a new directory with these databases in it. Rejects with STORAGE_FAILED. */
export const fillOpfsStorage = async (
  { directory, after, wasmUrl, sqlite3: loaded }: PoolPlace,
  databases: ReadonlyMap<string, Uint8Array>,
): Promise<void> => {
  try {
    const sqlite3 = loaded ?? (await loadSqlite(wasmUrl));
    await fillPool({ sqlite3, directory, after }, databases);
  } catch (error) {
    throw asStorageError(`fill ${directory}`, error);
  }
};
harden(fillOpfsStorage);

/**
 * Copies all files of a directory that no kernel has open, whatever they are
 * worth: none is looked through. What can't be merged of the kernel's log comes as
 * a file beside it, and `problem` says why.
 */
export const copyOpfsStorage = async (
  { directory, after, wasmUrl, sqlite3: loaded }: PoolPlace,
  target: BackupTarget,
  hash: Hash,
): Promise<BackupReport & { readonly problem?: string }> => {
  const sqlite3 = loaded ?? (await loadSqlite(wasmUrl));
  const files = await openPoolFiles({ sqlite3, directory, after });
  try {
    let problem: string | undefined;
    try {
      files.open(KERNEL_FILE, 'wal').close(); // merges the log
    } catch (error) {
      problem = asStorageError(`open ${KERNEL_FILE}`, error).message;
    }
    const report = await writeBackup(copiesOf(files), target, hash);
    return problem === undefined ? report : { ...report, problem };
  } finally {
    files.close();
  }
};
harden(copyOpfsStorage);

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
  migrations = MIGRATIONS,
}: FilesStorageOptions): Promise<Storage> => {
  try {
    return await openStorage(makeFiles(await provideSqlite()), migrations);
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
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<Storage> =>
  openFilesStorage({
    name: 'a database in memory',
    makeFiles: sqlite3 => makeImageFiles(sqlite3, image),
    migrations,
  });
harden(openNodeStorage);

/**
 * Opens the files of a backup in memory and looks through them: what a kernel of
 * this version would find. Rejects with BACKUP_FAILED when it could not run over them.
 */
export const insistUsable = async (
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> => {
  try {
    for (const name of files.keys()) {
      if (!name.endsWith('.sqlite')) {
        throw Error(`${name} could not be merged when it was made`);
      }
    }
    const { db, stores } = await openNodeStorage(new Map(files));
    try {
      db.check();
      db.prepare(SCHEMA);
      SCHEMA.forEach(({ name }) => db.load(name));
      for (const vat of stores.list()) {
        stores.check(vat);
        stores.read(vat);
      }
    } finally {
      db.close();
      stores.close();
    }
  } catch (problem) {
    throw new CooperageError(
      'BACKUP_FAILED',
      `The backup can't be used: ${problem instanceof Error ? problem.message : String(problem)}`,
    );
  }
};
harden(insistUsable);
