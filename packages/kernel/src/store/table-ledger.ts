import harden from '@endo/harden';
import type { ColumnValue, TableChange, TableSchema } from '../ports.ts';
import type { IndexKeeper, RowId } from './table-index.ts';
import type { RowMap } from './table-rows.ts';

/** What one table has written: in the open crank, to be undone; in the epoch, to be committed. */
export type Ledger<Row> = {
  write(id: RowId, before: Row | undefined, after: Row | undefined): void;
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
  epoch: Map<RowId, Row | undefined>,
): TableChange | undefined => {
  const puts: (readonly ColumnValue[])[] = [];
  const deletes: (readonly ColumnValue[])[] = [];
  for (const [id, before] of epoch) {
    const after = rows.current(id);
    if (after === before) {
      continue;
    }
    const old = before && toColumns(before);
    const columns = after && toColumns(after);
    if (!columns) {
      deletes.push((old ?? []).slice(0, schema.keys));
    } else if (!old || !isSameRow(old, columns)) {
      puts.push(columns);
    }
  }
  return puts.length + deletes.length > 0
    ? { table: schema.name, puts, deletes }
    : undefined;
};

export const makeLedger = <Row>(options: LedgerOptions<Row>): Ledger<Row> => {
  const { rows, indexes, joined } = options;
  const log: { id: RowId; before: Row | undefined }[] = [];
  /** What each touched key held when the epoch began. */
  const epoch = new Map<RowId, Row | undefined>();

  const apply = (
    id: RowId,
    before: Row | undefined,
    after: Row | undefined,
  ): void => {
    rows.set(id, after);
    for (const index of indexes) {
      index.replace(id, before, after);
    }
  };

  return harden({
    write: (id: RowId, before: Row | undefined, after: Row | undefined) => {
      if (log.length === 0) {
        joined();
      }
      log.push({ id, before });
      apply(id, before, after);
    },
    keep: () => {
      for (const { id, before } of log) {
        if (!epoch.has(id)) {
          epoch.set(id, before);
        }
      }
      log.length = 0;
    },
    undo: () => {
      for (let last = log.pop(); last; last = log.pop()) {
        apply(last.id, rows.current(last.id), last.before);
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
