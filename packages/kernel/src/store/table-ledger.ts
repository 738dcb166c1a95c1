import harden from '@endo/harden';
import type { ColumnValue, TableChange, TableSchema } from '../ports.ts';
import { makeKeyMap, type KeyMap, type KeyPart } from './key-map.ts';
import type { IndexKeeper } from './table-index.ts';
import type { RowMap } from './table-rows.ts';

/** What one table has written: in the open crank, to be undone; in the epoch, to be committed. */
export type Ledger<Row> = {
  write(
    first: KeyPart,
    second: KeyPart | undefined,
    before: Row | undefined,
    after: Row | undefined,
  ): void;
  keep(): void;
  undo(): void;
  /** The epoch's net change; undefined when that is nothing. */
  net(): TableChange | undefined;
  /** Forgets the epoch: it is durable. */
  settle(): void;
  readonly touched: boolean;
};

const isSameValue = (
  left: ColumnValue | undefined,
  right: ColumnValue | undefined,
): boolean =>
  left === right ||
  (left instanceof Uint8Array &&
    right instanceof Uint8Array &&
    left.length === right.length &&
    left.every((byte, index) => byte === right[index]));

const isSameRow = (
  left: readonly ColumnValue[],
  right: readonly ColumnValue[],
): boolean => left.every((value, index) => isSameValue(value, right[index]));

type LedgerOptions<Row> = {
  readonly schema: TableSchema;
  readonly rows: RowMap<Row>;
  readonly indexes: readonly IndexKeeper<Row>[];
  readonly toColumns: (row: Row) => readonly ColumnValue[];
  /** Called at the first write of a crank. */
  readonly joined: () => void;
};

/** The net change from the epoch's first rows to those of now. */
const findNet = <Row>(
  { schema, rows, toColumns }: LedgerOptions<Row>,
  epoch: KeyMap<Row | undefined>,
): TableChange | undefined => {
  const puts: (readonly ColumnValue[])[] = [];
  const deletes: (readonly ColumnValue[])[] = [];
  epoch.forEach((before, first, second) => {
    const after = rows.current(first, second);
    if (after === before) {
      return;
    }
    const old = before && toColumns(before);
    const columns = after && toColumns(after);
    if (!columns) {
      deletes.push((old ?? []).slice(0, schema.keys));
    } else if (!old || !isSameRow(old, columns)) {
      puts.push(columns);
    }
  });
  return puts.length + deletes.length > 0
    ? { table: schema.name, puts, deletes }
    : undefined;
};

export const makeLedger = <Row>(options: LedgerOptions<Row>): Ledger<Row> => {
  const { rows, indexes, joined } = options;
  let log: {
    first: KeyPart;
    second: KeyPart | undefined;
    before: Row | undefined;
  }[] = [];
  /** What each touched key held when the epoch began. */
  const epoch = makeKeyMap<Row | undefined>(options.schema);

  const apply = (
    first: KeyPart,
    second: KeyPart | undefined,
    before: Row | undefined,
    after: Row | undefined,
  ): void => {
    rows.set(first, second, after);
    for (const index of indexes) {
      index.replace(before, after);
    }
  };

  return harden({
    write: (
      first: KeyPart,
      second: KeyPart | undefined,
      before: Row | undefined,
      after: Row | undefined,
    ) => {
      if (log.length === 0) {
        joined();
      }
      log.push({ first, second, before });
      apply(first, second, before, after);
    },
    keep: () => {
      for (const { first, second, before } of log) {
        if (!epoch.has(first, second)) {
          epoch.set(first, second, before);
        }
      }
      log = []; // cheaper than an end to the old one
    },
    undo: () => {
      for (let last = log.pop(); last; last = log.pop()) {
        const { first, second, before } = last;
        apply(first, second, rows.current(first, second), before);
      }
    },
    net: () => findNet(options, epoch),
    settle: () => {
      epoch.clear();
      rows.settle();
    },
    get touched() {
      return epoch.size > 0;
    },
  });
};
harden(makeLedger);
