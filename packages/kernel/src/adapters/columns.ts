import harden from '@endo/harden';
import { CooperageError, compareKeys } from '@cooperage/protocol';
import type {
  ColumnType,
  ColumnValue,
  DbCounters,
  TableChange,
  TableSchema,
} from '../ports.ts';

/** More rows than this of one table and kind go to SQL as one statement. */
export const ROWS_BEFORE_JSON = 3;
harden(ROWS_BEFORE_JSON);

export const failStorage = (
  operation: string,
  problem: string,
  data?: unknown,
): CooperageError =>
  new CooperageError(
    'STORAGE_FAILED',
    `storage failed to ${operation}: ${problem}`,
    data,
  );
harden(failStorage);

export const isOfType = (
  value: ColumnValue | undefined,
  type: ColumnType,
): boolean => {
  switch (type) {
    case 'text':
      return typeof value === 'string';
    case 'text?':
      return value === null || typeof value === 'string';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'integer?':
      return value === null || Number.isSafeInteger(value);
    case 'blob':
      return value instanceof Uint8Array;
  }
};
harden(isOfType);

/**
 * Throws STORAGE_FAILED unless every column holds what the schema says. SQL
 * can't be left to it: even a STRICT table turns '12' into 12.
 */
export const insistColumns = (
  schema: TableSchema,
  values: readonly ColumnValue[],
  count: number,
): void => {
  const wrong = schema.columns
    .slice(0, count)
    .find((column, index) => !isOfType(values[index], column.type));
  if (wrong || values.length !== count) {
    throw failStorage(
      `write to table ${schema.name}`,
      wrong
        ? `column ${wrong.name} must be ${wrong.type}`
        : `${values.length} columns given, ${count} wanted`,
    );
  }
};
harden(insistColumns);

const utf8Length = (text: string): number => {
  let length = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) {
      // A surrogate pair is four bytes for its two units.
      length += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
    }
  }
  return length;
};

/** What a value weighs: UTF-8 bytes of a text, 8 for an integer. */
export const bytesOf = (value: ColumnValue): number => {
  if (typeof value === 'string') {
    return utf8Length(value);
  }
  return typeof value === 'number' ? 8 : (value?.length ?? 0);
};
harden(bytesOf);

export const weightOf = (values: readonly ColumnValue[]): number =>
  values.reduce<number>((sum, value) => sum + bytesOf(value), 0);
harden(weightOf);

/** Order of two rows by their first `keys` columns, as SQLite has it: text by memcmp of its UTF-8. */
export const compareRows = (
  left: readonly ColumnValue[],
  right: readonly ColumnValue[],
  keys: number,
): number => {
  for (let column = 0; column < keys; column += 1) {
    const a = left[column];
    const b = right[column];
    const order =
      typeof a === 'number' && typeof b === 'number'
        ? a - b
        : compareKeys(String(a), String(b));
    if (order !== 0) {
      return order;
    }
  }
  return 0;
};
harden(compareRows);

/** How many statements rows of one table and kind take: `makeSqlKernelDb` and the memory adapter agree on it. */
export const statementsFor = (schema: TableSchema, rows: number): number =>
  rows > ROWS_BEFORE_JSON &&
  schema.columns.every(column => column.type !== 'blob')
    ? 1
    : rows;
harden(statementsFor);

/** Throws STORAGE_FAILED unless every row and key of the change fits the schema. */
export const insistChange = (
  schema: TableSchema,
  { puts, deletes }: TableChange,
): void => {
  for (const row of puts) {
    insistColumns(schema, row, schema.columns.length);
  }
  for (const key of deletes) {
    insistColumns(schema, key, schema.keys);
  }
};
harden(insistChange);

/** Rows that a change writes, and what their values weigh. */
export const weighChange = ({
  puts,
  deletes,
}: TableChange): { rows: number; bytes: number } => ({
  rows: puts.length + deletes.length,
  bytes: [...puts, ...deletes].reduce((sum, row) => sum + weightOf(row), 0),
});
harden(weighChange);

/** True when the changes hold no row at all: a commit of them is nothing. */
export const isNothing = (changes: readonly TableChange[]): boolean =>
  changes.every(({ puts, deletes }) => puts.length + deletes.length === 0);
harden(isNothing);

/** What is counted, as it is when it is looked at. */
export const viewCounters = (
  read: () => Readonly<DbCounters>,
): Readonly<DbCounters> =>
  harden({
    get statements() {
      return read().statements;
    },
    get rows() {
      return read().rows;
    },
    get bytes() {
      return read().bytes;
    },
    get commits() {
      return read().commits;
    },
  });
harden(viewCounters);
