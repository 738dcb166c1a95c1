import harden from '@endo/harden';
import type {
  ColumnValue,
  KernelDb,
  TableChange,
  TableSchema,
} from '../ports.ts';
import {
  makeKeyMap,
  makeKeyReader,
  makePairMap,
  type KeyReader,
} from './key-map.ts';
import { makeCrank, type AnyLedger } from './table-crank.ts';
import {
  makeFirstGroups,
  makeGroupIndex,
  type GroupIndex,
} from './table-groups.ts';
import {
  makePairIndex,
  makeUniqueIndex,
  type IndexKey,
  type IndexKeeper,
  type PairIndex,
  type UniqueIndex,
} from './table-index.ts';
import { makeLedger, type Ledger } from './table-ledger.ts';
import { makeResidentRows, makeStagedRows, type RowMap } from './table-rows.ts';
import { makeSumIndex, type SumIndex } from './table-sum.ts';

export type { GroupIndex } from './table-groups.ts';
export type { IndexKey, PairIndex, UniqueIndex } from './table-index.ts';
export type { SumIndex } from './table-sum.ts';

/**
 * State in memory with a durable copy.
 *
 * A crank writes straight into the tables' maps and notes what each key held
 * before. `undo` puts that back; `keep` adds the touched keys to the epoch.
 * `commit` compares each touched key's row at the epoch's start with what it
 * is now and hands the database the net change alone: what came and went
 * within the epoch never reaches it.
 */
export type Journal = {
  /** Opens a crank; throws when one is open: a defect. */
  begin(): void;
  /** Ends the crank; its writes belong to the epoch. */
  keep(): void;
  /** Ends the crank; every row and index is as it was at `begin`. */
  undo(): void;
  readonly open: boolean;
};

/**
 * Rows are records that nobody changes; `put` freezes them. A write outside
 * `begin` and `keep` throws, and so does a row that breaks a unique index,
 * before anything has changed: both are defects.
 */
export type Table<Key extends readonly ColumnValue[], Row extends object> = {
  get(...key: Key): Row | undefined;
  has(...key: Key): boolean;
  put(row: Row): void;
  /** True when there was such a row. */
  delete(...key: Key): boolean;
  /** In no promised order. Throws for a table that is not resident, as `size` does. */
  values(): IterableIterator<Row>;
  readonly size: number;
  /** At most one row for a key; rows for which `keyOf` gives undefined are left out. */
  index(keyOf: (row: Row) => IndexKey): UniqueIndex<Row>;
  /** The same among the rows that share their key's first column. */
  pairIndex(keyOf: (row: Row) => IndexKey): PairIndex<Row>;
  /** Rows by their key's first column, which costs no index. Throws for keys of one column, and for a table that is not resident. */
  firstGroups(): GroupIndex<Row>;
  /** Many rows for a group, sorted by the number `orderOf` gives, then by key. */
  indexGroup(
    groupOf: (row: Row) => IndexKey,
    orderOf?: (row: Row) => number,
  ): GroupIndex<Row>;
  /** What the rows of each group weigh together. */
  indexSum(
    groupOf: (row: Row) => IndexKey,
    weightOf: (row: Row) => number,
  ): SumIndex;
};

export type TableOptions<Row extends object> = {
  /** The key's columns are fields of the row. */
  readonly schema: TableSchema;
  /** Every column, in the schema's order. */
  readonly toColumns: (row: Row) => readonly ColumnValue[];
  readonly fromColumns: (columns: readonly ColumnValue[]) => Row;
  /** False for big rows: they stay in the database, only changes are held until the commit. */
  readonly resident?: boolean;
};

export type Tables = Journal & {
  /** To be called before `load`. */
  table<Key extends readonly ColumnValue[], Row extends object>(
    options: TableOptions<Row>,
  ): Table<Key, Row>;
  /** Prepares the database and fills the resident tables and their indexes. To be called once. */
  load(): void;
  /** The net change of the epoch, which ends with it: the caller must make it durable. */
  takeChanges(): TableChange[];
  /**
   * Commits the epoch; false when its net change is nothing, and the database
   * is not called then. When the database throws, the epoch is as it was.
   * Throws when a crank is open.
   */
  commit(): boolean;
  /** True when the epoch has touched a key, even if it may have changed it back. */
  readonly dirty: boolean;
};

/** What the kit needs from each table. */
type Keeper = {
  readonly schema: TableSchema;
  readonly ledger: AnyLedger;
  readonly load: () => void;
};

type Shared = {
  readonly db: KernelDb;
  insistOpen(table: string): void;
  /** A table tells of its first write in a crank. */
  joined(ledger: AnyLedger): void;
};

type WriterParts<Row extends object> = {
  readonly shared: Shared;
  readonly schema: TableSchema;
  readonly rows: RowMap<Row>;
  readonly indexes: readonly IndexKeeper<Row>[];
  readonly ledger: Ledger<Row>;
  readonly key: KeyReader<Row>;
};

const makeWriter = <Key extends readonly ColumnValue[], Row extends object>({
  shared,
  schema: { name },
  rows,
  indexes,
  ledger,
  key,
}: WriterParts<Row>): Pick<Table<Key, Row>, 'put' | 'delete'> => ({
  put: row => {
    shared.insistOpen(name);
    const first = key.firstOf(row);
    const second = key.secondOf(row);
    const before = rows.get(first, second);
    for (const index of indexes) {
      index.insist?.(before, row);
    }
    ledger.write(first, second, before, Object.freeze(row));
  },
  delete: (...columns) => {
    shared.insistOpen(name);
    const first = key.firstIn(columns[0]);
    const second = key.secondIn(columns[1]);
    const before = rows.get(first, second);
    if (before === undefined) {
      return false;
    }
    ledger.write(first, second, before, undefined);
    return true;
  },
});

const fillIndex = <Row>(
  keeper: IndexKeeper<Row>,
  rows: Iterable<Row>,
): void => {
  for (const row of rows) {
    keeper.insist?.(undefined, row);
    keeper.replace(undefined, row);
  }
};

const makeTableKit = <Key extends readonly ColumnValue[], Row extends object>(
  options: TableOptions<Row>,
  shared: Shared,
): { table: Table<Key, Row>; keeper: Keeper } => {
  const { schema, toColumns, fromColumns } = options;
  const { name } = schema;
  const { db } = shared;
  const key = makeKeyReader<Row>(schema);
  const indexes: IndexKeeper<Row>[] = [];
  const toRow = (columns: readonly ColumnValue[]): Row =>
    Object.freeze(fromColumns(columns));
  const isResident = options.resident !== false;
  const pairs =
    isResident && schema.keys === 2 ? makePairMap<Row>() : undefined;
  const rows = isResident
    ? makeResidentRows<Row>(pairs ?? makeKeyMap(schema))
    : makeStagedRows<Row>(schema, columnsOfKey => {
        const columns = db.read(name, columnsOfKey);
        return columns && toRow(columns);
      });
  const ledger: Ledger<Row> = makeLedger<Row>({
    schema,
    rows,
    indexes,
    toColumns,
    joined: () => shared.joined(ledger),
  });

  const get = (...columns: Key): Row | undefined =>
    rows.get(key.firstIn(columns[0]), key.secondIn(columns[1]));

  const addIndex = <Index>(made: {
    index: Index;
    keeper: IndexKeeper<Row>;
  }): Index => {
    fillIndex(made.keeper, rows.all().values());
    indexes.push(made.keeper);
    return made.index;
  };

  const load = (): void => {
    if (isResident) {
      for (const columns of db.load(name)) {
        const row = toRow(columns);
        rows.set(key.firstOf(row), key.secondOf(row), row);
      }
      indexes.forEach(keeper => fillIndex(keeper, rows.all().values()));
    }
  };

  return {
    keeper: { schema, ledger, load },
    table: harden({
      ...makeWriter<Key, Row>({ shared, schema, rows, indexes, ledger, key }),
      get,
      has: (...columns: Key) => get(...columns) !== undefined,
      values: () => rows.all().values(),
      get size() {
        return rows.all().size;
      },
      index: (keyOf: (row: Row) => IndexKey) =>
        addIndex(makeUniqueIndex({ keyOf, key, tableName: name })),
      pairIndex: (keyOf: (row: Row) => IndexKey) =>
        addIndex(makePairIndex({ keyOf, key, tableName: name })),
      firstGroups: () => {
        if (!pairs) {
          throw Error(`table ${name} has no rows in memory by two columns`);
        }
        return makeFirstGroups(pairs);
      },
      indexGroup: (
        groupOf: (row: Row) => IndexKey,
        orderOf?: (row: Row) => number,
      ) => addIndex(makeGroupIndex({ groupOf, orderOf, key })),
      indexSum: (of: (row: Row) => IndexKey, weightOf: (row: Row) => number) =>
        addIndex(makeSumIndex(of, weightOf)),
    }),
  };
};

export const makeTables = (db: KernelDb): Tables => {
  const keepers: Keeper[] = [];
  const crank = makeCrank();
  let loaded = false;

  const shared: Shared = {
    db,
    insistOpen: table => crank.insist(true, `write to table ${table}`),
    joined: crank.join,
  };

  const netChanges = (): TableChange[] => {
    crank.insist(false, 'commit');
    return keepers.flatMap(({ ledger }) => {
      const change = ledger.touched ? ledger.net() : undefined;
      return change ? [change] : [];
    });
  };

  const settle = (): void => keepers.forEach(({ ledger }) => ledger.settle());

  return harden({
    ...crank.journal,
    table: <Key extends readonly ColumnValue[], Row extends object>(
      options: TableOptions<Row>,
    ) => {
      if (loaded) {
        throw Error(`table ${options.schema.name} is made after load`);
      }
      const { table, keeper } = makeTableKit<Key, Row>(options, shared);
      keepers.push(keeper);
      return table;
    },
    load: () => {
      if (loaded) {
        throw Error('the tables are loaded already');
      }
      loaded = true;
      db.prepare(keepers.map(({ schema }) => schema));
      keepers.forEach(({ load }) => load());
    },
    takeChanges: () => {
      const changes = netChanges();
      settle();
      return changes;
    },
    commit: () => {
      const changes = netChanges();
      if (changes.length > 0) {
        db.commit(changes);
      }
      settle();
      return changes.length > 0;
    },
    get open() {
      return crank.isOpen();
    },
    get dirty() {
      return keepers.some(({ ledger }) => ledger.touched);
    },
  });
};
harden(makeTables);
