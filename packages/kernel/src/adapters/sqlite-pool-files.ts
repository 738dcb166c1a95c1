import harden from '@endo/harden';
import type { SAHPoolUtil, Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { CooperageError } from '@cooperage/protocol';
import type { Clock } from '../ports.ts';
import { COMPANIONS, makeDurableConnection } from './sqlite-durable.ts';
import type { SqliteFiles } from './sqlite-files.ts';

/** Milliseconds between tries: a killed predecessor holds its handles for about two seconds, and longer on a busy machine. */
const DELAYS: readonly number[] = [
  50, 100, 200, 400, 800, 800, 800, 800, 1600, 1600, 1600, 1600, 1600,
];
/** Room for files nobody reserved: the kernel's, and some to spare. */
const SPARE_FILES = 8;

type PoolOptions = {
  readonly sqlite3: Sqlite3Static;
  readonly directory: string;
  readonly after: Clock['after'];
};

type InstallOptions = {
  readonly name: string;
  readonly directory: string;
  readonly initialCapacity: number;
  readonly forceReinitIfPreviouslyFailed: boolean;
  readonly preserveOnInitFailure: boolean;
  readonly verbosity: number;
};

const isHeldByAnother = (error: unknown): boolean =>
  error instanceof Error && error.name === 'NoModificationAllowedError';

const installPool = async ({
  sqlite3,
  directory,
  after,
}: PoolOptions): Promise<SAHPoolUtil> => {
  const install: (options: InstallOptions) => Promise<SAHPoolUtil> =
    sqlite3.installOpfsSAHPoolVfs;
  const options = {
    name: `pool-${directory}`,
    directory,
    initialCapacity: 2 * SPARE_FILES,
    forceReinitIfPreviouslyFailed: true,
    // Without it a failed try deletes the whole pool, and we expect tries to fail.
    preserveOnInitFailure: true,
    verbosity: 0,
  };
  for (const delay of DELAYS) {
    try {
      return await install(options);
    } catch (error) {
      if (!isHeldByAnother(error)) {
        throw error;
      }
    }
    await new Promise<void>(resolve => {
      after(delay, resolve);
    });
  }
  try {
    return await install(options);
  } catch (error) {
    throw isHeldByAnother(error)
      ? new CooperageError(
          'STORAGE_IN_USE',
          `Another kernel of this extension holds the files of ${directory}. Close it, or restart the browser`,
        )
      : error;
  }
};

/** Makes a pool of a directory that has none, with these databases in it; durable when it resolves. */
export const fillPool = async (
  options: PoolOptions,
  databases: ReadonlyMap<string, Uint8Array>,
): Promise<void> => {
  const pool = await installPool(options);
  try {
    await pool.reserveMinimumCapacity(2 * (databases.size + SPARE_FILES));
    for (const [name, bytes] of databases) {
      await pool.importDb(`/${name}`, bytes);
    }
  } finally {
    pool.pauseVfs();
  }
};
harden(fillPool);

/** SQLite files in one pool of OPFS access handles. One worker at a time has the pool. */
export const openPoolFiles = async (
  options: PoolOptions,
): Promise<SqliteFiles> => {
  const { sqlite3 } = options;
  const pool = await installPool(options);
  const path = (name: string): string => `/${name}`;
  const has = (name: string): boolean =>
    pool.getFileNames().includes(path(name));
  const list = (): string[] =>
    pool
      .getFileNames()
      .map(name => name.slice(1))
      .filter(name => !COMPANIONS.some(suffix => name.endsWith(suffix)));
  const reserve = async (files: number): Promise<void> => {
    await pool.reserveMinimumCapacity(2 * (files + SPARE_FILES));
  };

  // Companions whose file went: a kernel was killed between the two.
  const mains = new Set(list().map(path));
  for (const name of pool.getFileNames()) {
    const suffix = COMPANIONS.find(ending => name.endsWith(ending));
    if (suffix && !mains.has(name.slice(0, -suffix.length))) {
      pool.unlink(name);
    }
  }
  await reserve(mains.size);

  return harden({
    open: (name: string, journal: 'wal' | 'rollback') =>
      makeDurableConnection(
        sqlite3,
        new pool.OpfsSAHPoolDb(path(name)),
        name,
        journal,
      ),
    committed: () => {},
    has,
    delete: (name: string) => {
      // Companions first: a file left alone is deleted at the next boot.
      for (const suffix of COMPANIONS) {
        pool.unlink(path(`${name}${suffix}`));
      }
      pool.unlink(path(name));
    },
    list,
    names: () => pool.getFileNames().map(name => name.slice(1)),
    bytes: (name: string) => pool.exportFile(path(name)),
    reserve,
    close: () => {
      pool.pauseVfs();
    },
  });
};
harden(openPoolFiles);
