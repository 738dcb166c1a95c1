import { join } from 'node:path';
import {
  COMPANIONS,
  makeDurableConnection,
  type Connection,
  type SqliteFiles,
} from '@cooperage/kernel/sqlite-wasm';
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { nodeDisk, type Disk } from './disk.ts';
import { provideFileVfs, type FileVfs } from './file-vfs.ts';

/** A file of SQLite's, or a companion of one. */
const DATABASE = /\.sqlite(?:-journal|-wal)?$/;

/** SQLite says "disk I/O error"; the system has said more. */
const explain = <Result>(vfs: FileVfs, work: () => Result): Result => {
  vfs.takeFault();
  try {
    return work();
  } catch (problem) {
    const fault = vfs.takeFault();
    if (fault === undefined || !(problem instanceof Error)) {
      throw problem;
    }
    throw Error(`${problem.message} (${fault})`, { cause: problem });
  }
};

const explainAll = (vfs: FileVfs, connection: Connection): Connection =>
  Object.freeze({
    run: (...args: Parameters<Connection['run']>) =>
      explain(vfs, () => connection.run(...args)),
    rows: (...args: Parameters<Connection['rows']>) =>
      explain(vfs, () => connection.rows(...args)),
    pack: (...args: Parameters<Connection['pack']>) =>
      explain(vfs, () => connection.pack(...args)),
    transaction: (work: () => void) =>
      explain(vfs, () => connection.transaction(work)),
    get statements() {
      return connection.statements;
    },
    get pagesWritten() {
      return connection.pagesWritten;
    },
    get database() {
      return connection.database;
    },
    close: () => explain(vfs, () => connection.close()),
  });

const readWhole = (disk: Disk, path: string): Uint8Array => {
  const descriptor = disk.open(path, 'r');
  try {
    const bytes = new Uint8Array(disk.size(descriptor));
    disk.read(descriptor, bytes, 0);
    return bytes;
  } finally {
    disk.close(descriptor);
  }
};

/**
 * SQLite files in one folder, which is made when it is absent and claimed for
 * this process until `close`. Throws when another process has it.
 */
export const openFolderFiles = (
  sqlite3: Sqlite3Static,
  folder: string,
  disk: Disk = nodeDisk,
): SqliteFiles => {
  disk.makeFolder(folder);
  const release = disk.claim(folder);
  const vfs = provideFileVfs(sqlite3, disk);
  const path = (name: string): string => join(folder, name);

  // Companions whose file went: a kernel was killed between the two.
  for (const name of disk.list(folder)) {
    const suffix = COMPANIONS.find(ending => name.endsWith(ending));
    if (suffix && !disk.has(path(name.slice(0, -suffix.length)))) {
      disk.delete(path(name));
    }
  }

  return Object.freeze({
    open: (name: string, journal: 'wal' | 'rollback') =>
      explain(vfs, () => {
        const database = new sqlite3.oo1.DB({
          filename: path(name),
          flags: 'c',
          vfs: vfs.name,
        });
        return explainAll(
          vfs,
          makeDurableConnection(sqlite3, database, name, journal),
        );
      }),
    committed: () => {},
    has: (name: string) => disk.has(path(name)),
    delete: (name: string) => {
      // The file first: a journal that outlived it is deleted at the next start.
      for (const suffix of ['', ...COMPANIONS]) {
        disk.delete(path(`${name}${suffix}`));
      }
    },
    list: () => disk.list(folder).filter(name => name.endsWith('.sqlite')),
    names: () => disk.list(folder).filter(name => DATABASE.test(name)),
    bytes: (name: string) => readWhole(disk, path(name)),
    reserve: async () => {},
    close: release,
  });
};
