import harden from '@endo/harden';
import type { ColumnValue, TableSchema } from '../ports.ts';
import type { RowId } from './table-index.ts';

/** Text is preceded by its length, so that no two keys of several columns meet. */
export const makeIdOf = (schema: TableSchema) => {
  const { keys, name } = schema;
  const part = (value: ColumnValue | undefined): string =>
    typeof value === 'string' ? `${value.length}:${value}` : `${value};`;
  return (columns: readonly ColumnValue[]): RowId => {
    const first = columns[0];
    if (keys === 1) {
      if (typeof first === 'string' || typeof first === 'number') {
        return first;
      }
      throw Error(`table ${name}: a key is a text or an integer`);
    }
    let id = part(first);
    for (let column = 1; column < keys; column += 1) {
      id += part(columns[column]);
    }
    return id;
  };
};
harden(makeIdOf);

/** Where the rows are: all in memory, or in the database with the epoch's changes above it. */
export type RowMap<Row> = {
  get(id: RowId, key: readonly ColumnValue[]): Row | undefined;
  /** The row as it is now, for an id that has been set in this epoch. */
  current(id: RowId): Row | undefined;
  set(id: RowId, row: Row | undefined): void;
  /** Called when the epoch is durable. */
  settle(): void;
  all(): Map<RowId, Row>;
};

export const makeResidentRows = <Row>(): RowMap<Row> => {
  const rows = new Map<RowId, Row>();
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
