import harden from '@endo/harden';
import { CooperageError } from '@cooperage/protocol';
import type {
  Database,
  PreparedStatement,
  Sqlite3Static,
} from '@sqlite.org/sqlite-wasm';
import type { ColumnType, ColumnValue } from '../ports.ts';
import { failStorage, isOfType } from './columns.ts';

/** One open database: prepared statements are cached by their text, which must not hold data. */
export type Connection = {
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

type Trace = (
  db: number,
  mask: number,
  callback: () => number,
  context: number,
) => number;

const readColumn = (
  statement: PreparedStatement,
  column: number,
  type: ColumnType,
): ColumnValue => {
  const value = statement.get(column);
  if (
    (value === null ||
      typeof value === 'string' ||
      typeof value === 'number' ||
      value instanceof Uint8Array) &&
    isOfType(value, type)
  ) {
    return value;
  }
  throw Error(`column ${column} holds no ${type}: the file is damaged`);
};

/** Takes ownership of the database: closing the connection closes it. */
export const makeConnection = (
  sqlite3: Sqlite3Static,
  database: Database,
): Connection => {
  const cache = new Map<string, PreparedStatement>();
  let statements = 0;
  let isRunning = false;
  const trace: Trace = sqlite3.capi.sqlite3_trace_v2;
  trace(
    database.pointer ?? 0,
    sqlite3.capi.SQLITE_TRACE_STMT,
    () => {
      // What exporting an image runs is no work of ours.
      statements += isRunning ? 1 : 0;
      return 0;
    },
    0,
  );

  const withStatement = <Result>(
    sql: string,
    values: readonly ColumnValue[],
    work: (statement: PreparedStatement) => Result,
  ): Result => {
    let statement = cache.get(sql);
    if (!statement) {
      statement = database.prepare(sql);
      cache.set(sql, statement);
    }
    isRunning = true;
    try {
      if (values.length > 0) {
        statement.bind(values);
      }
      return work(statement);
    } finally {
      isRunning = false;
      // What was bound may be megabytes: don't hold it.
      statement.reset(true);
    }
  };

  const run = (sql: string, values: readonly ColumnValue[] = []): void =>
    withStatement(sql, values, statement => {
      while (statement.step());
    });

  const isInTransaction = (): boolean =>
    database.pointer !== undefined &&
    sqlite3.capi.sqlite3_get_autocommit(database.pointer) === 0;

  return harden({
    run,
    rows: (
      sql: string,
      types: readonly ColumnType[],
      values: readonly ColumnValue[] = [],
    ) =>
      withStatement(sql, values, statement => {
        const rows: ColumnValue[][] = [];
        while (statement.step()) {
          rows.push(
            types.map((type, column) => readColumn(statement, column, type)),
          );
        }
        return rows;
      }),
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
      return statements;
    },
    get database() {
      return database;
    },
    close: () => {
      for (const statement of cache.values()) {
        statement.finalize();
      }
      cache.clear();
      database.close();
    },
  });
};
harden(makeConnection);
