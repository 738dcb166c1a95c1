import harden from '@endo/harden';
import {
  compareKeys,
  CooperageError,
  encodeRows,
  type StoreChange,
  type VatId,
} from '@cooperage/protocol';
import type {
  ColumnValue,
  KernelDb,
  TableChange,
  TableSchema,
  VatStores,
} from '../ports.ts';
import {
  compareRows,
  failStorage,
  insistChange,
  insistColumns,
  isNothing,
  ROWS_BEFORE_JSON,
  statementsFor,
  viewCounters,
  weighChange,
  weightOf,
} from './columns.ts';

/** What a disk would hold. Whoever has it can open it again after a "crash". */
export type MemoryImage = {
  tables: Map<string, Map<string, readonly ColumnValue[]>>;
  vats: Map<
    VatId,
    {
      fold: number;
      rows: Map<string, string>;
      /** Why it can't be used any more. */
      damage?: string;
    }
  >;
};

/** An empty image, or an independent copy of one. */
export const makeMemoryImage = (source?: MemoryImage): MemoryImage => ({
  tables: new Map(
    [...(source?.tables ?? [])].map(([name, rows]) => [name, new Map(rows)]),
  ),
  vats: new Map(
    [...(source?.vats ?? [])].map(([vat, store]) => [
      vat,
      { ...store, rows: new Map(store.rows) },
    ]),
  ),
});
harden(makeMemoryImage);

const copyOf = (values: readonly ColumnValue[]): ColumnValue[] =>
  values.map(value => (value instanceof Uint8Array ? value.slice() : value));

/** The tables of an image, as far as they have been prepared. */
const makeMemoryTables = (image: MemoryImage) => {
  const schemas = new Map<string, TableSchema>();
  return {
    prepare: (schema: TableSchema): void => {
      schemas.set(schema.name, schema);
      if (!image.tables.has(schema.name)) {
        image.tables.set(schema.name, new Map());
      }
    },
    provide: (name: string, operation: string) => {
      const schema = schemas.get(name);
      const rows = image.tables.get(name);
      if (!schema || !rows) {
        throw failStorage(operation, `there is no table ${name}`);
      }
      return { schema, rows };
    },
    close: () => schemas.clear(),
  };
};

/** A kernel database without SQL: for tests that want speed. It counts the statements that SQL would take. */
export const openMemoryKernelDb = (
  image: MemoryImage = makeMemoryImage(),
): KernelDb => {
  const tables = makeMemoryTables(image);
  const done = { statements: 0, rows: 0, bytes: 0, commits: 0 };

  const apply = (change: TableChange): void => {
    const { schema, rows } = tables.provide(change.table, 'commit');
    for (const key of change.deletes) {
      rows.delete(JSON.stringify(key));
    }
    for (const row of change.puts) {
      rows.set(JSON.stringify(row.slice(0, schema.keys)), copyOf(row));
    }
    const weight = weighChange(change);
    const deletes = change.deletes.length;
    done.rows += weight.rows;
    done.bytes += weight.bytes;
    done.statements +=
      statementsFor(schema, change.puts.length) +
      (deletes > ROWS_BEFORE_JSON ? 1 : deletes);
  };

  return harden({
    prepare: (wanted: readonly TableSchema[]) => wanted.forEach(tables.prepare),
    load: (table: string) => {
      const { schema, rows } = tables.provide(table, `load table ${table}`);
      done.statements += 1;
      return [...rows.values()]
        .map(copyOf)
        .sort((left, right) => compareRows(left, right, schema.keys));
    },
    read: (table: string, key: readonly ColumnValue[]) => {
      const { schema, rows } = tables.provide(table, `read table ${table}`);
      insistColumns(schema, key, schema.keys);
      done.statements += 1;
      const row = rows.get(JSON.stringify(key));
      return row && copyOf(row);
    },
    commit: (changes: readonly TableChange[]) => {
      if (isNothing(changes)) {
        return;
      }
      for (const change of changes) {
        const { schema } = tables.provide(change.table, 'commit');
        insistChange(schema, change);
      }
      changes.forEach(apply);
      done.statements += 2;
      done.commits += 1;
    },
    isMergeDue: () => false,
    merge: () => {},
    // A view: hardening it must not freeze what is counted.
    counters: viewCounters(() => done),
    check: () => {},
    size: () =>
      [...image.tables.values()]
        .flatMap(rows => [...rows.values()])
        .reduce((sum, row) => sum + weightOf(row), 0),
    close: tables.close,
  });
};
harden(openMemoryKernelDb);

/** Vats' stores without files, over the same kind of image. */
export const openMemoryVatStores = (
  image: MemoryImage = makeMemoryImage(),
): VatStores => {
  let closed = false;
  const insistUsable = (operation: string): void => {
    if (closed) {
      throw failStorage(operation, 'the stores are closed');
    }
  };
  const refuse = (vat: VatId, operation: string, damage: string) =>
    new CooperageError(
      'STORE_DAMAGED',
      `can't ${operation} the store of ${vat}: ${damage}`,
    );
  const storeOf = (vat: VatId, operation: string) => {
    insistUsable(`${operation} the store of ${vat}`);
    const store = image.vats.get(vat);
    if (store?.damage !== undefined) {
      throw refuse(vat, operation, store.damage);
    }
    return store;
  };
  return harden({
    reserve: async () => insistUsable('reserve files'),
    read: (vat: VatId) => {
      const store = storeOf(vat, 'read');
      return {
        fold: store?.fold ?? 0,
        image: encodeRows(
          [...(store?.rows ?? [])].sort(([left], [right]) =>
            compareKeys(left, right),
          ),
        ),
      };
    },
    fold: (vat: VatId, fold: number, changes: readonly StoreChange[]) => {
      const old = storeOf(vat, 'fold into');
      const before = old?.fold ?? 0;
      if (fold > before + 1) {
        throw refuse(vat, 'fold into', `fold ${fold - 1} is not in it`);
      }
      if (fold < before) {
        return;
      }
      const rows = new Map(old?.rows);
      for (const [key, value] of changes) {
        if (value === null) {
          rows.delete(key);
        } else {
          rows.set(key, value);
        }
      }
      image.vats.set(vat, { fold, rows });
    },
    delete: (vat: VatId) => {
      insistUsable(`delete the store of ${vat}`);
      image.vats.delete(vat);
    },
    list: () => {
      insistUsable('list the stores');
      return [...image.vats.keys()].sort(compareKeys);
    },
    size: (vat: VatId, keys?: readonly string[]) => {
      const rows = storeOf(vat, 'measure')?.rows ?? new Map<string, string>();
      let bytes = 0;
      for (const key of new Set(keys ?? rows.keys())) {
        const value = rows.get(key);
        bytes += value === undefined ? 0 : weightOf([key, value]);
      }
      return bytes;
    },
    check: (vat: VatId) => void storeOf(vat, 'check'),
    close: () => {
      closed = true;
    },
  });
};
harden(openMemoryVatStores);
