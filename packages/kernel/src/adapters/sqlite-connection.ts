import harden from '@endo/harden';
import { CooperageError } from '@cooperage/protocol';
import type { Database, Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import type { ColumnType, ColumnValue } from '../ports.ts';
import { failStorage } from './columns.ts';
import {
  makeRowPacking,
  makeRowReader,
  makeStatementCache,
} from './sqlite-statement.ts';

/** One open database. */
export type Connection = {
  /** Runs one statement. It is prepared once and cached by its text, which must not hold data. */
  run(sql: string, values?: readonly ColumnValue[]): void;
  /** Every row, its columns read as these types. */
  rows(
    sql: string,
    types: readonly ColumnType[],
    values?: readonly ColumnValue[],
  ): ColumnValue[][];
  /** Rows of two columns that hold text and no null, as `encodeRows` packs them; how many bytes about is good to know. */
  pack(sql: string, expectedBytes: number): ArrayBuffer;
  /** One transaction, rolled back when the work throws. */
  transaction(work: () => void): void;
  /** Statements that SQLite has started, BEGIN and COMMIT included. */
  readonly statements: number;
  /** Pages that it has written to the disk: to the log, where there is one. */
  readonly pagesWritten: number;
  readonly database: Database;
  close(): void;
};

/** How SQLite says that a file is not what it was. */
const DAMAGE = /SQLITE_(?:CORRUPT|NOTADB)/;

export const isDamage = (error: unknown): boolean =>
  error instanceof Error && DAMAGE.test(error.message);
harden(isDamage);

export const asStorageError = (
  operation: string,
  error: unknown,
): CooperageError => {
  if (error instanceof CooperageError) {
    return error;
  }
  const problem = error instanceof Error ? error.message : String(error);
  return failStorage(
    operation,
    isDamage(error)
      ? `the file is damaged (${problem}). Restore a backup, or erase everything to start afresh`
      : problem,
  );
};
harden(asStorageError);

/** Does the work; whatever it throws becomes STORAGE_FAILED that names the operation. */
export const attempt = <Result>(
  operation: string,
  work: () => Result,
): Result => {
  try {
    return work();
  } catch (error) {
    throw asStorageError(operation, error);
  }
};
harden(attempt);

/** Has SQLite look through a database, at all of it or only quickly; throws what it finds. */
export const insistSound = (
  connection: Connection,
  depth: 'quick' | 'full',
): void => {
  const check = depth === 'quick' ? 'quick_check' : 'integrity_check';
  const lines = connection.rows(`PRAGMA ${check}(3)`, ['text']);
  const found = lines.flat().join('; ');
  if (found !== 'ok') {
    throw Error(`SQLITE_CORRUPT: ${found}`);
  }
};
harden(insistSound);

/** Bytes of the database, its log aside. */
export const sizeOfDatabase = (connection: Connection): number => {
  const [size] = connection.rows(
    'SELECT page_count * page_size FROM pragma_page_count, pragma_page_size',
    ['integer'],
  );
  return Number(size?.[0]);
};
harden(sizeOfDatabase);

const readPagesWritten = (
  { capi, wasm }: Sqlite3Static,
  database: Database,
): number =>
  wasm.scopedAllocCall(() => {
    const [current, highest] = [wasm.scopedAlloc(4), wasm.scopedAlloc(4)];
    database.checkRc(
      capi.sqlite3_db_status(
        database.pointer ?? 0,
        capi.SQLITE_DBSTATUS_CACHE_WRITE,
        current,
        highest,
        0,
      ),
    );
    return wasm.peek32(current);
  });

/** Takes ownership of the database: closing the connection closes it. */
export const makeConnection = (
  sqlite3: Sqlite3Static,
  database: Database,
): Connection => {
  const cache = makeStatementCache(sqlite3, database);
  const readRow = makeRowReader(sqlite3);
  const packRows = makeRowPacking(sqlite3, database);

  const run = (sql: string, values: readonly ColumnValue[] = []): void =>
    cache.use(sql, values, statement => {
      while (statement.step());
    });

  const rows = (
    sql: string,
    types: readonly ColumnType[],
    values: readonly ColumnValue[] = [],
  ): ColumnValue[][] =>
    cache.use(sql, values, statement => {
      const found: ColumnValue[][] = [];
      while (statement.step()) {
        found.push(readRow(statement, types));
      }
      return found;
    });

  const isInTransaction = (): boolean =>
    database.pointer !== undefined &&
    sqlite3.capi.sqlite3_get_autocommit(database.pointer) === 0;

  return harden({
    run,
    rows,
    pack: (sql: string, expectedBytes: number) =>
      cache.use(sql, [], statement => packRows(statement, expectedBytes)),
    transaction: (work: () => void) => {
      run('BEGIN IMMEDIATE');
      try {
        work();
        run('COMMIT');
      } catch (error) {
        // A full disk makes SQLite roll back by itself.
        if (isInTransaction()) {
          run('ROLLBACK');
        }
        throw error;
      }
    },
    get statements() {
      return cache.started;
    },
    get pagesWritten() {
      return readPagesWritten(sqlite3, database);
    },
    get database() {
      return database;
    },
    close: () => {
      cache.finalize();
      database.close();
    },
  });
};
harden(makeConnection);
