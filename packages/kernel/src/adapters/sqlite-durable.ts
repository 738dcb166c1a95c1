import harden from '@endo/harden';
import type { Database, Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import { makeConnection, type Connection } from './sqlite-connection.ts';

/** What SQLite's own names of a file's companions end with. */
export const COMPANIONS: readonly string[] = ['-journal', '-wal'];
harden(COMPANIONS);

/** Bytes to which a write-ahead log is cut back after a large commit. */
const LOG_BYTES = 8_000_000;

const configure = (
  database: Database,
  name: string,
  journal: 'wal' | 'rollback',
): void => {
  // Exclusive locking first: it is what lets WAL do without shared memory.
  database.exec('PRAGMA locking_mode = exclusive');
  // A truncated journal is synced, and keeps its slot while the file is open.
  const wanted = journal === 'wal' ? 'wal' : 'truncate';
  const mode = database.selectValue(`PRAGMA journal_mode = ${wanted}`);
  if (mode !== wanted) {
    throw Error(`${name} has journal mode ${mode} and not ${wanted}`);
  }
  // The log is merged when the kernel says so, and not by whichever commit finds it long.
  database.exec(
    `PRAGMA synchronous = full; PRAGMA journal_size_limit = ${LOG_BYTES}; PRAGMA wal_autocheckpoint = 0`,
  );
};

/**
 * A connection to a file that SQLite itself writes, whose transactions are
 * durable when they return. Takes ownership of the database, also when it throws.
 */
export const makeDurableConnection = (
  sqlite3: Sqlite3Static,
  database: Database,
  name: string,
  journal: 'wal' | 'rollback',
): Connection => {
  try {
    configure(database, name, journal);
    return makeConnection(sqlite3, database);
  } catch (error) {
    database.close();
    throw error;
  }
};
harden(makeDurableConnection);
