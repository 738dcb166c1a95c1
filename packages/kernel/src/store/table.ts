import harden from '@endo/harden';
import type {
  ColumnValue,
  KernelDb,
  TableChange,
  TableSchema,
} from '../ports.ts';
import {
  makeGroupIndex,
  makeUniqueIndex,
  type GroupIndex,
  type IndexKey,
  type IndexKeeper,
  type RowId,
  type UniqueIndex,
} from './table-index.ts';

export type { GroupIndex, IndexKey, UniqueIndex } from './table-index.ts';

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
  /** Many rows for a group, sorted by the number `orderOf` gives, then by key. */
  indexGroup(
    groupOf: (row: Row) => IndexKey,
    orderOf?: (row: Row) => number,
  ): GroupIndex<Row>;
};

export type TableOptions<
  Key extends readonly ColumnValue[],
  Row extends object,
> = {
  readonly schema: TableSchema;
  /** Every column, in the schema's order. */
  readonly toColumns: (row: Row) => readonly ColumnValue[];
  readonly fromColumns: (columns: readonly ColumnValue[]) => Row;
  /** The key's columns; saves calling `toColumns` at every put. */
  readonly keyOf?: (row: Row) => Key;
  /** False for big rows: they stay in the database, only changes are held until the commit. */
  readonly resident?: boolean;
};

export type Tables = Journal & {
  /** To be called before `load`. */
  table<Key extends readonly ColumnValue[], Row extends object>(
    options: TableOptions<Key, Row>,
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
  keep(): void;
  undo(): void;
  load(): void;
  net(): TableChange | undefined;
  /** Forgets the epoch's touched keys: they are durable. */
  settle(): void;
  readonly touched: boolean;
};

type Shared = {
  readonly db: KernelDb;
  insistOpen(table: string): void;
  /** A table tells of its first write in a crank. */
  joined(keeper: Keeper): void;
};

/** Text is preceded by its length, so that no two keys of several columns meet. */
const makeIdOf = (schema: TableSchema) => {
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

/** Where the rows are: all in memory, or in the database with the epoch's changes above it. */
type RowMap<Row> = {
  get(id: RowId, key: readonly ColumnValue[]): Row | undefined;
  /** The row as it is now, for an id that has been set in this epoch. */
  current(id: RowId): Row | undefined;
  set(id: RowId, row: Row | undefined): void;
  load(
    rows: (set: (row: Row) => void) => void,
    idOf: (row: Row) => RowId,
  ): void;
  settle(): void;
  all(): Map<RowId, Row>;
};

const makeResidentRows = <Row>(): RowMap<Row> => {
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
    load: (each, idOf) => each(row => rows.set(idOf(row), row)),
    settle: () => {},
    all: () => rows,
  };
};

const makeStagedRows = <Row>(
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
    load: () => {},
    settle: () => staged.clear(),
    all: () => {
      throw Error(`table ${name} is not resident: read its rows by key`);
    },
  };
};

const makeTableKit = <Key extends readonly ColumnValue[], Row extends object>(
  options: TableOptions<Key, Row>,
  shared: Shared,
): { table: Table<Key, Row>; keeper: Keeper } => {
  const { schema, toColumns, fromColumns, keyOf = toColumns } = options;
  const { name, keys } = schema;
  const idOf = makeIdOf(schema);
  const indexes: IndexKeeper<Row>[] = [];
  const log: { id: RowId; before: Row | undefined }[] = [];
  const epoch = new Map<RowId, Row | undefined>();
  const rows =
    options.resident === false
      ? makeStagedRows<Row>(name, key => {
          const columns = shared.db.read(name, key);
          return columns && Object.freeze(fromColumns(columns));
        })
      : makeResidentRows<Row>();

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

  const write = (
    id: RowId,
    before: Row | undefined,
    after: Row | undefined,
  ): void => {
    if (log.length === 0) {
      shared.joined(keeper);
    }
    log.push({ id, before });
    apply(id, before, after);
  };

  const addIndex = <Index>(made: {
    index: Index;
    keeper: IndexKeeper<Row>;
  }): Index => {
    for (const [id, row] of rows.all()) {
      made.keeper.insist(id, row);
      made.keeper.replace(id, undefined, row);
    }
    indexes.push(made.keeper);
    return made.index;
  };

  const keeper: Keeper = harden({
    schema,
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
    load: () => {
      if (options.resident === false) {
        return;
      }
      rows.load(
        set => {
          for (const columns of shared.db.load(name)) {
            set(Object.freeze(fromColumns(columns)));
          }
        },
        row => idOf(keyOf(row)),
      );
      for (const [id, row] of rows.all()) {
        for (const index of indexes) {
          index.insist(id, row);
          index.replace(id, undefined, row);
        }
      }
    },
    net: () => {
      const puts: (readonly ColumnValue[])[] = [];
      const deletes: (readonly ColumnValue[])[] = [];
      for (const [id, before] of epoch) {
        const after = rows.current(id);
        if (after === before) {
          continue;
        }
        const old = before && toColumns(before);
        if (after === undefined) {
          deletes.push((old ?? []).slice(0, keys));
          continue;
        }
        const columns = toColumns(after);
        if (!old || !isSameRow(old, columns)) {
          puts.push(columns);
        }
      }
      return puts.length + deletes.length > 0
        ? { table: name, puts, deletes }
        : undefined;
    },
    settle: () => {
      epoch.clear();
      rows.settle();
    },
    get touched() {
      return epoch.size > 0;
    },
  });

  const table: Table<Key, Row> = harden({
    get: (...key: Key) => rows.get(idOf(key), key),
    has: (...key: Key) => rows.get(idOf(key), key) !== undefined,
    put: (row: Row) => {
      shared.insistOpen(name);
      const key = keyOf(row);
      const id = idOf(key);
      for (const index of indexes) {
        index.insist(id, row);
      }
      write(id, rows.get(id, key.slice(0, keys)), Object.freeze(row));
    },
    delete: (...key: Key) => {
      shared.insistOpen(name);
      const id = idOf(key);
      const before = rows.get(id, key);
      if (before === undefined) {
        return false;
      }
      write(id, before, undefined);
      return true;
    },
    values: () => rows.all().values(),
    get size() {
      return rows.all().size;
    },
    index: (of: (row: Row) => IndexKey) => addIndex(makeUniqueIndex(of, name)),
    indexGroup: (of: (row: Row) => IndexKey, orderOf?: (row: Row) => number) =>
      addIndex(makeGroupIndex(of, orderOf)),
  });
  return { table, keeper };
};

export const makeTables = (db: KernelDb): Tables => {
  const keepers: Keeper[] = [];
  const inCrank = new Set<Keeper>();
  let open = false;
  let loaded = false;

  const insist = (wanted: boolean, doing: string): void => {
    if (open !== wanted) {
      throw Error(
        wanted ? `${doing}: no crank is open` : `${doing}: a crank is open`,
      );
    }
  };

  const shared: Shared = {
    db,
    insistOpen: table => insist(true, `write to table ${table}`),
    joined: keeper => {
      inCrank.add(keeper);
    },
  };

  const endCrank = (doing: 'keep' | 'undo'): void => {
    insist(true, doing);
    for (const keeper of inCrank) {
      keeper[doing]();
    }
    inCrank.clear();
    open = false;
  };

  const netChanges = (): TableChange[] => {
    insist(false, 'commit');
    return keepers.flatMap(keeper => {
      const change = keeper.touched ? keeper.net() : undefined;
      return change ? [change] : [];
    });
  };

  const settle = (): void => {
    for (const keeper of keepers) {
      keeper.settle();
    }
  };

  return harden({
    table: <Key extends readonly ColumnValue[], Row extends object>(
      options: TableOptions<Key, Row>,
    ) => {
      if (loaded) {
        throw Error(`table ${options.schema.name} is made after load`);
      }
      const { table, keeper } = makeTableKit(options, shared);
      keepers.push(keeper);
      return table;
    },
    load: () => {
      if (loaded) {
        throw Error('the tables are loaded already');
      }
      loaded = true;
      db.prepare(keepers.map(keeper => keeper.schema));
      for (const keeper of keepers) {
        keeper.load();
      }
    },
    begin: () => {
      insist(false, 'begin');
      open = true;
    },
    keep: () => endCrank('keep'),
    undo: () => endCrank('undo'),
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
      return open;
    },
    get dirty() {
      return keepers.some(keeper => keeper.touched);
    },
  });
};
harden(makeTables);
