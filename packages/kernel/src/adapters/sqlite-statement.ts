import harden from '@endo/harden';
import type {
  Database,
  PreparedStatement,
  Sqlite3Static,
} from '@sqlite.org/sqlite-wasm';
import { makeRowPacker, type TextBytes } from '@cooperage/protocol';
import type { ColumnType, ColumnValue } from '../ports.ts';
import { isOfType } from './columns.ts';

/** SQLite's functions without the package's wrappers, which take four times longer a column. */
type RawColumns = {
  sqlite3_step(statement: number): number;
  sqlite3_column_type(statement: number, column: number): number;
  sqlite3_column_text(statement: number, column: number): number;
  sqlite3_column_blob(statement: number, column: number): number;
  sqlite3_column_bytes(statement: number, column: number): number;
  sqlite3_column_double(statement: number, column: number): number;
};

/** A text up to here is read faster byte by byte than by a decoder. */
const SHORT = 64;

/** ASCII, or undefined when there is another byte. */
const readAscii = (
  heap: Uint8Array,
  start: number,
  length: number,
): string | undefined => {
  let text = '';
  for (let offset = start; offset < start + length; offset += 1) {
    const byte = heap[offset] ?? 0;
    if (byte > 0x7f) {
      return undefined;
    }
    text += String.fromCharCode(byte);
  }
  return text;
};

export type RowReader = (
  statement: PreparedStatement,
  types: readonly ColumnType[],
) => ColumnValue[];

/** Reads the row that a statement has stepped to; throws when a column is not of its type. */
export const makeRowReader = ({ capi, wasm }: Sqlite3Static): RowReader => {
  const raw: RawColumns = wasm.exports;
  // A leading U+FEFF is a part of the text.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  const readText = (statement: number, column: number): string => {
    const start = raw.sqlite3_column_text(statement, column);
    const length = raw.sqlite3_column_bytes(statement, column);
    const heap = wasm.heap8u();
    return (
      (length <= SHORT ? readAscii(heap, start, length) : undefined) ??
      decoder.decode(heap.subarray(start, start + length))
    );
  };

  const readValue = (
    statement: number,
    column: number,
  ): ColumnValue | undefined => {
    switch (raw.sqlite3_column_type(statement, column)) {
      case capi.SQLITE_TEXT:
        return readText(statement, column);
      case capi.SQLITE_INTEGER:
        return raw.sqlite3_column_double(statement, column);
      case capi.SQLITE_BLOB: {
        const start = raw.sqlite3_column_blob(statement, column);
        const length = raw.sqlite3_column_bytes(statement, column);
        return wasm.heap8u().slice(start, start + length);
      }
      case capi.SQLITE_NULL:
        return null;
      default:
        return undefined;
    }
  };

  return (statement, types) => {
    const pointer = statement.pointer ?? 0;
    return types.map((type, column) => {
      const value = readValue(pointer, column);
      if (value === undefined || !isOfType(value, type)) {
        throw Error(
          `column ${column} holds no ${type}: the file is damaged. Remove its data to start afresh`,
        );
      }
      return value;
    });
  };
};
harden(makeRowReader);

/** Packs the rows of a statement, key and value, from SQLite's memory: no text is made of them. */
export const makeRowPacking = (
  { capi, wasm }: Sqlite3Static,
  database: Database,
) => {
  const raw: RawColumns = wasm.exports;
  const { SQLITE_ROW, SQLITE_DONE } = capi;
  return (statement: PreparedStatement, expectedBytes: number): ArrayBuffer => {
    const packer = makeRowPacker(expectedBytes);
    const pointer = statement.pointer ?? 0;
    let memory = wasm.heap8u();
    const readText = (column: number): TextBytes => {
      const start = raw.sqlite3_column_text(pointer, column);
      const length = raw.sqlite3_column_bytes(pointer, column);
      // SQLite's memory has grown, and is another one now.
      if (memory.length === 0) {
        memory = wasm.heap8u();
      }
      return { memory, start, length };
    };
    let code = raw.sqlite3_step(pointer);
    for (; code === SQLITE_ROW; code = raw.sqlite3_step(pointer)) {
      packer.addKey(readText(0));
      packer.addValue(readText(1));
    }
    if (code !== SQLITE_DONE) {
      database.checkRc(code);
    }
    return packer.pack();
  };
};
harden(makeRowPacking);

/** Prepared statements by their text, which must not hold data. */
export type StatementCache = {
  /** Binds, works, and lets go of what was bound. */
  use<Result>(
    sql: string,
    values: readonly ColumnValue[],
    work: (statement: PreparedStatement) => Result,
  ): Result;
  /** Statements that SQLite has started in `use`. */
  readonly started: number;
  finalize(): void;
};

type Trace = (
  db: number,
  mask: number,
  callback: () => number,
  context: number,
) => number;

export const makeStatementCache = (
  { capi }: Sqlite3Static,
  database: Database,
): StatementCache => {
  const cache = new Map<string, PreparedStatement>();
  let started = 0;
  let isInUse = false;
  const trace: Trace = capi.sqlite3_trace_v2;
  trace(
    database.pointer ?? 0,
    capi.SQLITE_TRACE_STMT,
    () => {
      // What exporting an image runs is no work of ours.
      started += isInUse ? 1 : 0;
      return 0;
    },
    0,
  );

  const provide = (sql: string): PreparedStatement => {
    let statement = cache.get(sql);
    if (!statement) {
      statement = database.prepare(sql);
      cache.set(sql, statement);
    }
    return statement;
  };

  return harden({
    use: <Result>(
      sql: string,
      values: readonly ColumnValue[],
      work: (statement: PreparedStatement) => Result,
    ) => {
      const statement = provide(sql);
      isInUse = true;
      try {
        if (values.length > 0) {
          statement.bind(values);
        }
        return work(statement);
      } finally {
        isInUse = false;
        // What was bound may be megabytes: don't hold it.
        statement.reset(true);
      }
    },
    get started() {
      return started;
    },
    finalize: () => {
      for (const statement of cache.values()) {
        statement.finalize();
      }
      cache.clear();
    },
  });
};
harden(makeStatementCache);
