import harden from '@endo/harden';
import { compareKeys, type StoreChange, type VatId } from '@cooperage/protocol';
import type {
  ColumnValue,
  DbCounters,
  KernelDb,
  TableChange,
  TableSchema,
  VatStores,
} from '../ports.ts';
import {
  bytesOf,
  compareRows,
  failStorage,
  insistColumns,
  statementsFor,
} from './columns.ts';

/** What a disk would hold. Whoever has it can open it again after a "crash". */
export type MemoryImage = {
  tables: Map<string, Map<string, readonly ColumnValue[]>>;
  vats: Map<VatId, { fold: number; rows: Map<string, string> }>;
};

/** An empty image, or an independent copy of one. */
export const makeMemoryImage = (source?: MemoryImage): MemoryImage => ({
  tables: new Map(
    [...(source?.tables ?? [])].map(([name, rows]) => [name, new Map(rows)]),
  ),
  vats: new Map(
    [...(source?.vats ?? [])].map(([vat, { fold, rows }]) => [
      vat,
      { fold, rows: new Map(rows) },
    ]),
  ),
});
harden(makeMemoryImage);

const copyOf = (values: readonly ColumnValue[]): ColumnValue[] =>
  values.map(value => (value instanceof Uint8Array ? value.slice() : value));

const weightOf = (values: readonly ColumnValue[]): number =>
  values.reduce<number>((sum, value) => sum + bytesOf(value), 0);

/** A kernel database without SQL: for tests that want speed. It counts the statements that SQL would take. */
export const openMemoryKernelDb = (
  image: MemoryImage = makeMemoryImage(),
): KernelDb => {
  const schemas = new Map<string, TableSchema>();
  const counters: DbCounters = { statements: 0, rows: 0, bytes: 0, commits: 0 };
  let closed = false;

  const provideRows = (
    name: string,
    operation: string,
  ): {
    schema: TableSchema;
    rows: Map<string, readonly ColumnValue[]>;
  } => {
    const schema = schemas.get(name);
    const rows = image.tables.get(name);
    if (closed || !schema || !rows) {
      throw failStorage(
        operation,
        closed ? 'the database is closed' : `there is no table ${name}`,
      );
    }
    return { schema, rows };
  };

  const insistChange = (change: TableChange): void => {
    const { schema } = provideRows(change.table, 'commit');
    for (const row of change.puts) {
      insistColumns(schema, row, schema.columns.length);
    }
    for (const key of change.deletes) {
      insistColumns(schema, key, schema.keys);
    }
  };

  const applyChange = (change: TableChange): void => {
    const { schema, rows } = provideRows(change.table, 'commit');
    for (const key of change.deletes) {
      rows.delete(JSON.stringify(key));
      counters.bytes += weightOf(key);
    }
    for (const row of change.puts) {
      rows.set(JSON.stringify(row.slice(0, schema.keys)), copyOf(row));
      counters.bytes += weightOf(row);
    }
    counters.rows += change.puts.length + change.deletes.length;
    counters.statements +=
      statementsFor(schema, change.puts.length) +
      (change.deletes.length > 3 ? 1 : change.deletes.length);
  };

  return harden({
    prepare: (wanted: readonly TableSchema[]) => {
      for (const schema of wanted) {
        schemas.set(schema.name, schema);
        if (!image.tables.has(schema.name)) {
          image.tables.set(schema.name, new Map());
        }
      }
    },
    load: (table: string) => {
      const { schema, rows } = provideRows(table, `load table ${table}`);
      counters.statements += 1;
      return [...rows.values()]
        .map(copyOf)
        .sort((left, right) => compareRows(left, right, schema.keys));
    },
    read: (table: string, key: readonly ColumnValue[]) => {
      const { schema, rows } = provideRows(table, `read table ${table}`);
      insistColumns(schema, key, schema.keys);
      counters.statements += 1;
      const row = rows.get(JSON.stringify(key));
      return row && copyOf(row);
    },
    commit: (changes: readonly TableChange[]) => {
      if (
        changes.every(({ puts, deletes }) => !puts.length && !deletes.length)
      ) {
        return;
      }
      changes.forEach(insistChange);
      changes.forEach(applyChange);
      counters.statements += 2;
      counters.commits += 1;
    },
    // A view: hardening it must not freeze what is counted.
    counters: {
      get statements() {
        return counters.statements;
      },
      get rows() {
        return counters.rows;
      },
      get bytes() {
        return counters.bytes;
      },
      get commits() {
        return counters.commits;
      },
    },
    close: () => {
      closed = true;
    },
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
  return harden({
    reserve: async () => insistUsable('reserve files'),
    read: (vat: VatId) => {
      insistUsable(`read the store of ${vat}`);
      const store = image.vats.get(vat);
      return {
        fold: store?.fold ?? 0,
        rows: [...(store?.rows ?? [])].sort(([left], [right]) =>
          compareKeys(left, right),
        ),
      };
    },
    fold: (vat: VatId, fold: number, changes: readonly StoreChange[]) => {
      insistUsable(`fold into the store of ${vat}`);
      const old = image.vats.get(vat);
      if (fold <= (old?.fold ?? 0)) {
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
    size: (vat: VatId) =>
      [...(image.vats.get(vat)?.rows ?? [])].reduce(
        (sum, row) => sum + weightOf(row),
        0,
      ),
    close: () => {
      closed = true;
    },
  });
};
harden(openMemoryVatStores);
