import harden from '@endo/harden';
import type { TableSchema } from '../ports.ts';
import { makeKeyMap, type KeyMap, type KeyPart } from './key-map.ts';

/** Where the rows are: all in memory, or in the database with the epoch's changes above it. */
export type RowMap<Row> = {
  get(first: KeyPart, second?: KeyPart): Row | undefined;
  /** The row as it is now, for a key that has been set in this epoch. */
  current(first: KeyPart, second?: KeyPart): Row | undefined;
  set(first: KeyPart, second: KeyPart | undefined, row: Row | undefined): void;
  /** Called when the epoch is durable. */
  settle(): void;
  all(): Pick<KeyMap<Row>, 'values' | 'size'>;
};

export const makeResidentRows = <Row>(rows: KeyMap<Row>): RowMap<Row> => ({
  get: rows.get,
  current: rows.get,
  set: (first, second, row) => {
    if (row === undefined) {
      rows.delete(first, second);
    } else {
      rows.set(first, second, row);
    }
  },
  settle: () => {},
  all: () => rows,
});
harden(makeResidentRows);

export const makeStagedRows = <Row>(
  schema: TableSchema,
  read: (key: readonly KeyPart[]) => Row | undefined,
): RowMap<Row> => {
  const staged = makeKeyMap<Row | undefined>(schema);
  return {
    get: (first, second) =>
      staged.has(first, second)
        ? staged.get(first, second)
        : read(second === undefined ? [first] : [first, second]),
    current: staged.get,
    set: staged.set,
    settle: staged.clear,
    all: () => {
      throw Error(`table ${schema.name} is not resident: read its rows by key`);
    },
  };
};
harden(makeStagedRows);
