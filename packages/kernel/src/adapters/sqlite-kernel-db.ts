import harden from '@endo/harden';
import type {
  ColumnValue,
  KernelDb,
  TableChange,
  TableSchema,
} from '../ports.ts';
import {
  insistChange,
  insistColumns,
  isNothing,
  ROWS_BEFORE_JSON,
  statementsFor,
  viewCounters,
  weighChange,
} from './columns.ts';
import {
  attempt,
  insistSound,
  sizeOfDatabase,
  type Connection,
} from './sqlite-connection.ts';
import { jsonBatches } from './sqlite-json.ts';
import {
  makeTableSql,
  prepareTables,
  type Migration,
  type TableSql,
} from './sqlite-tables.ts';

/** Pages of the log that one merge takes into the database, about. */
const PAGES_PER_MERGE = 500;

type KernelDbOptions = {
  readonly connection: Connection;
  /** Whether the last kernel has left a log, of whatever length. */
  readonly hasLog: boolean;
  readonly migrations: readonly Migration[];
  /** Called after each transaction. */
  readonly committed: () => void;
  readonly onClose: () => void;
};

/** One statement for each row, or one for many rows as JSON. */
const runAll = (
  connection: Connection,
  rows: readonly (readonly ColumnValue[])[],
  sql: { readonly one: string; readonly many: string | undefined },
): void => {
  if (sql.many === undefined) {
    for (const row of rows) {
      connection.run(sql.one, row);
    }
    return;
  }
  for (const batch of jsonBatches(rows)) {
    connection.run(sql.many, [batch]);
  }
};

const apply = (
  connection: Connection,
  table: TableSql,
  change: TableChange,
): void => {
  const { schema } = table;
  const { puts, deletes } = change;
  insistChange(schema, change);
  runAll(connection, deletes, {
    one: table.delete,
    many: deletes.length > ROWS_BEFORE_JSON ? table.deleteMany : undefined,
  });
  runAll(connection, puts, {
    one: table.put,
    many:
      statementsFor(schema, puts.length) < puts.length
        ? table.putMany
        : undefined,
  });
};

const insistIn = (tables: Map<string, TableSql>, name: string): TableSql => {
  const table = tables.get(name);
  if (!table) {
    throw Error(`there is no table ${name}`);
  }
  return table;
};

/** The kernel's database over one SQLite file; takes ownership of the connection. */
export const makeSqliteKernelDb = ({
  connection,
  hasLog,
  migrations,
  committed,
  onClose,
}: KernelDbOptions): KernelDb => {
  const tables = new Map<string, TableSql>();
  const written = { rows: 0, bytes: 0, commits: 0 };
  let mergeAt = hasLog ? 0 : PAGES_PER_MERGE;

  const insistTable = (name: string) => insistIn(tables, name);

  const count = (changes: readonly TableChange[]): void => {
    for (const { rows, bytes } of changes.map(weighChange)) {
      written.rows += rows;
      written.bytes += bytes;
    }
    written.commits += 1;
  };

  return harden({
    prepare: (wanted: readonly TableSchema[]) =>
      attempt('prepare the kernel database', () => {
        wanted.forEach(schema => tables.set(schema.name, makeTableSql(schema)));
        prepareTables(connection, migrations, tables.values());
        committed();
      }),
    load: (name: string) =>
      attempt(`load table ${name}`, () => {
        const table = insistTable(name);
        return connection.rows(table.load, table.types);
      }),
    read: (name: string, key: readonly ColumnValue[]) =>
      attempt(`read table ${name}`, () => {
        const table = insistTable(name);
        insistColumns(table.schema, key, table.schema.keys);
        return connection.rows(table.read, table.types, key)[0];
      }),
    commit: (changes: readonly TableChange[]) => {
      if (isNothing(changes)) {
        return;
      }
      attempt('commit to the kernel database', () => {
        connection.transaction(() =>
          changes.forEach(change =>
            apply(connection, insistTable(change.table), change),
          ),
        );
        committed();
      });
      count(changes);
    },
    isMergeDue: () =>
      attempt(
        'measure the log of the kernel database',
        () => connection.pagesWritten >= mergeAt,
      ),
    merge: () =>
      attempt('merge the log of the kernel database', () => {
        connection.rows('PRAGMA wal_checkpoint(PASSIVE)', [
          'integer',
          'integer',
          'integer',
        ]);
        mergeAt = connection.pagesWritten + PAGES_PER_MERGE;
      }),
    check: () =>
      attempt('check the kernel database', () =>
        insistSound(connection, 'full'),
      ),
    size: () =>
      attempt('measure the kernel database', () => sizeOfDatabase(connection)),
    counters: viewCounters(() => ({
      ...written,
      statements: connection.statements,
    })),
    close: () =>
      attempt('close the kernel database', () => {
        connection.close();
        onClose();
      }),
  });
};
harden(makeSqliteKernelDb);
