import harden from '@endo/harden';
import type { ColumnValue, TableSchema } from '../ports.ts';
import type { RowId } from './table-index.ts';
import { makeWideMap, type WideMap } from './wide-map.ts';

/** Text is preceded by its length, so that no two keys of several columns meet. */
const part = (value: ColumnValue | undefined): string =>
  typeof value === 'string' ? `${value.length}:${value}` : `${value};`;

/** What a table's maps know a row by, from its key's columns or from the row, whose fields are its columns. */
export const makeIdsOf = <Row extends object>({
  keys,
  name,
  columns,
}: TableSchema) => {
  const [first = '', ...others] = columns
    .slice(0, keys)
    .map(column => column.name);
  const insistId = (value: ColumnValue | undefined): RowId => {
    if (typeof value === 'string' || typeof value === 'number') {
      return value;
    }
    throw Error(`table ${name}: a key is a text or an integer`);
  };
  return {
    ofKey: (key: readonly ColumnValue[]): RowId => {
      if (keys === 1) {
        return insistId(key[0]);
      }
      let id = part(key[0]);
      for (let column = 1; column < keys; column += 1) {
        id += part(key[column]);
      }
      return id;
    },
    ofRow: (row: Row): RowId => {
      const fields = row as Record<string, ColumnValue>;
      if (keys === 1) {
        return insistId(fields[first]);
      }
      let id = part(fields[first]);
      for (const other of others) {
        id += part(fields[other]);
      }
      return id;
    },
  };
};
harden(makeIdsOf);

/** Where the rows are: all in memory, or in the database with the epoch's changes above it. */
export type RowMap<Row> = {
  get(id: RowId, key: readonly ColumnValue[]): Row | undefined;
  /** The row as it is now, for an id that has been set in this epoch. */
  current(id: RowId): Row | undefined;
  set(id: RowId, row: Row | undefined): void;
  /** Called when the epoch is durable. */
  settle(): void;
  all(): Pick<WideMap<Row>, 'entries' | 'values' | 'size'>;
};

export const makeResidentRows = <Row>(): RowMap<Row> => {
  const rows = makeWideMap<Row>();
  return {
    get: id => rows.get(id),
    current: id => rows.get(id),
    set: (id, row) => {
      if (row === undefined) {
        rows.delete(id);
      } else {
        rows.set(id, row);
      }
    },
    settle: () => {},
    all: () => rows,
  };
};
harden(makeResidentRows);

export const makeStagedRows = <Row>(
  name: string,
  read: (key: readonly ColumnValue[]) => Row | undefined,
): RowMap<Row> => {
  const staged = new Map<RowId, Row | undefined>();
  return {
    get: (id, key) => (staged.has(id) ? staged.get(id) : read(key)),
    current: id => staged.get(id),
    set: (id, row) => {
      staged.set(id, row);
    },
    settle: () => staged.clear(),
    all: () => {
      throw Error(`table ${name} is not resident: read its rows by key`);
    },
  };
};
harden(makeStagedRows);
