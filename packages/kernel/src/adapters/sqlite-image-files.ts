import harden from '@endo/harden';
import type { Database, Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { makeConnection, type Connection } from './sqlite-connection.ts';
import type { SqliteFiles } from './sqlite-files.ts';

/** Names of files and their bytes as of their last commit. */
export type FileImages = Map<string, Uint8Array>;

/** An empty set of images, or an independent copy of one. */
export const makeFileImages = (source?: FileImages): FileImages =>
  new Map(source);
harden(makeFileImages);

/** Where a database says by which journal it is read and written: 1 by rollback, 2 by WAL, which needs a second file. */
const JOURNAL_BYTES = [18, 19] as const;

const withoutLog = (bytes: Uint8Array): Uint8Array => {
  const copy = bytes.slice();
  for (const at of JOURNAL_BYTES) {
    copy[at] = 1;
  }
  return copy;
};

const fill = (
  { capi, wasm }: Sqlite3Static,
  database: Database,
  bytes: Uint8Array,
): void => {
  const start = wasm.allocFromTypedArray(bytes);
  // SQLite owns the bytes from here, also when it fails.
  const code = capi.sqlite3_deserialize(
    database.pointer ?? 0,
    'main',
    start,
    bytes.length,
    bytes.length,
    capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_RESIZEABLE,
  );
  database.checkRc(code);
};

/** Files that are databases in memory, copied into the images at every commit. */
export const makeImageFiles = (
  sqlite3: Sqlite3Static,
  images: FileImages = makeFileImages(),
): SqliteFiles =>
  harden({
    open: (name: string) => {
      const database = new sqlite3.oo1.DB(':memory:');
      const bytes = images.get(name);
      if (bytes) {
        fill(sqlite3, database, withoutLog(bytes));
      }
      return makeConnection(sqlite3, database);
    },
    committed: (name: string, { database }: Connection) => {
      images.set(
        name,
        sqlite3.capi.sqlite3_js_db_export(database.pointer ?? 0),
      );
    },
    has: (name: string) => images.has(name),
    delete: (name: string) => {
      images.delete(name);
    },
    list: () => [...images.keys()],
    names: () => [...images.keys()],
    bytes: (name: string) => {
      const bytes = images.get(name);
      if (!bytes) {
        throw Error(`${name} is not there`);
      }
      return bytes;
    },
    reserve: async () => {},
    close: () => {},
  });
harden(makeImageFiles);
