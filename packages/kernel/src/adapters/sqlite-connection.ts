import harden from '@endo/harden';
import { CooperageError } from '@cooperage/protocol';
import type { Database, Sqlite3Static } from '@sqlite.org/sqlite-wasm';
import type { ColumnType, ColumnValue } from '../ports.ts';
import { failStorage } from './columns.ts';
import { makeRowReader, makeStatementCache } from './sqlite-statement.ts';

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
  /** One transaction, rolled back when the work throws. */
  transaction(work: () => void): void;
  /** Statements that SQLite has started, BEGIN and COMMIT included. */
  readonly statements: number;
  readonly database: Database;
  close(): void;
};

export const asStorageError = (
  operation: string,
  error: unknown,
): CooperageError =>
  error instanceof CooperageError
    ? error
    : failStorage(
        operation,
        error instanceof Error ? error.message : String(error),
      );
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

/** Takes ownership of the database: closing the connection closes it. */
export const makeConnection = (
  sqlite3: Sqlite3Static,
  database: Database,
): Connection => {
  const cache = makeStatementCache(sqlite3, database);
  const readRow = makeRowReader(sqlite3);

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
