import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  COMPANIONS,
  makeDurableConnection,
  type Connection,
  type SqliteFiles,
} from '@cooperage/kernel/sqlite-wasm';
import type { Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { claimFolder } from './folder-claim.ts';
import { provideFileVfs, type FileVfs } from './file-vfs.ts';

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
    transaction: (work: () => void) =>
      explain(vfs, () => connection.transaction(work)),
    get statements() {
      return connection.statements;
    },
    get database() {
      return connection.database;
    },
    close: () => explain(vfs, () => connection.close()),
  });

/**
 * SQLite files in one folder, which is made when it is absent and claimed for
 * this process until `close`. Throws when another process has it.
 */
export const openFolderFiles = (
  sqlite3: Sqlite3Static,
  folder: string,
): SqliteFiles => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const release = claimFolder(folder);
  const vfs = provideFileVfs(sqlite3);
  const path = (name: string): string => join(folder, name);

  // Companions whose file went: a kernel was killed between the two.
  for (const name of readdirSync(folder)) {
    const suffix = COMPANIONS.find(ending => name.endsWith(ending));
    if (suffix && !existsSync(path(name.slice(0, -suffix.length)))) {
      rmSync(path(name));
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
    has: (name: string) => existsSync(path(name)),
    delete: (name: string) => {
      // The file first: a journal that outlived it is deleted at the next start.
      for (const suffix of ['', ...COMPANIONS]) {
        rmSync(path(`${name}${suffix}`), { force: true });
      }
    },
    list: () => readdirSync(folder).filter(name => name.endsWith('.sqlite')),
    reserve: async () => {},
    close: release,
  });
};
