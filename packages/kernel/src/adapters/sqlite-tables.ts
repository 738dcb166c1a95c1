import harden from '@endo/harden';
import type { ColumnType, TableSchema } from '../ports.ts';
import { failStorage } from './columns.ts';
import type { Connection } from './sqlite-connection.ts';

/**
 * One step of the schema: `migrations[0]` brings version 1 to version 2. Runs
 * inside a transaction, before missing tables are made.
 */
export type Migration = (connection: Connection) => void;

const SQL_TYPES = {
  text: 'TEXT NOT NULL',
  'text?': 'TEXT',
  integer: 'INTEGER NOT NULL',
  'integer?': 'INTEGER',
  blob: 'BLOB NOT NULL',
} as const satisfies Record<ColumnType, string>;

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The statements of one table, and the schema they come from. */
export type TableSql = {
  readonly schema: TableSchema;
  readonly types: readonly ColumnType[];
  readonly create: string;
  readonly load: string;
  readonly read: string;
  readonly put: string;
  readonly putMany: string;
  readonly delete: string;
  readonly deleteMany: string;
};

export const makeTableSql = (schema: TableSchema): TableSql => {
  const table = quote(schema.name);
  const names = schema.columns.map(({ name }) => quote(name));
  const keys = names.slice(0, schema.keys);
  const isKey = keys.map(name => `${name} = ?`).join(' AND ');
  const items = (count: number) =>
    names
      .slice(0, count)
      .map((_, index) => `value ->> ${index}`)
      .join(', ');
  // A rowid table is better for blobs, and for a lone integer key, which is the rowid itself.
  const hasRowid =
    schema.columns.some(({ type }) => type === 'blob') ||
    (schema.keys === 1 && schema.columns[0]?.type === 'integer');
  const columns = schema.columns.map(
    ({ name, type }) => `${quote(name)} ${SQL_TYPES[type]}`,
  );
  return {
    schema,
    types: schema.columns.map(({ type }) => type),
    create: `CREATE TABLE ${table} (${columns.join(', ')}, PRIMARY KEY (${keys.join(', ')})) STRICT${hasRowid ? '' : ', WITHOUT ROWID'}`,
    load: `SELECT ${names.join(', ')} FROM ${table} ORDER BY ${keys.join(', ')}`,
    read: `SELECT ${names.join(', ')} FROM ${table} WHERE ${isKey}`,
    put: `INSERT OR REPLACE INTO ${table} VALUES (${names.map(() => '?').join(', ')})`,
    putMany: `INSERT OR REPLACE INTO ${table} SELECT ${items(names.length)} FROM json_each(?)`,
    delete: `DELETE FROM ${table} WHERE ${isKey}`,
    deleteMany: `DELETE FROM ${table} WHERE (${keys.join(', ')}) IN (SELECT ${items(keys.length)} FROM json_each(?))`,
  };
};

harden(makeTableSql);

/** Every column of every table as SQLite has it, to be compared with what the schema wants. */
const readShapes = (connection: Connection): Map<string, string[]> => {
  const shapes = new Map<string, string[]>();
  const rows = connection.rows(
    `SELECT t.name, c.name, c.type || iif(c."notnull", ' NOT NULL', '') || iif(c.pk, ' ' || c.pk, '')
       FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
      WHERE t.type = 'table' ORDER BY t.name, c.cid`,
    ['text', 'text', 'text'],
  );
  for (const [table, column, shape] of rows) {
    const list = shapes.get(String(table)) ?? [];
    list.push(`${column} ${shape}`);
    shapes.set(String(table), list);
  }
  return shapes;
};

const shapeOf = ({ columns, keys }: TableSchema): string[] =>
  columns.map(({ name, type }, index) => {
    // SQLite tells NOT NULL of a lone integer key's rowid as we declared it.
    return `${name} ${SQL_TYPES[type]}${index < keys ? ` ${index + 1}` : ''}`;
  });

export const prepareTables = (
  connection: Connection,
  migrations: readonly Migration[],
  tables: Iterable<TableSql>,
): void => {
  const known = migrations.length + 1;
  const stored = Number(
    connection.rows('PRAGMA user_version', ['integer'])[0]?.[0],
  );
  if (stored > known) {
    throw failStorage(
      'prepare the kernel database',
      `its schema has version ${stored}, and this Cooperage knows ${known} and older ones. Install the newer Cooperage again, or remove its data to start afresh`,
      { stored, known },
    );
  }
  connection.transaction(() => {
    if (stored > 0) {
      migrations.slice(stored - 1).forEach(migrate => migrate(connection));
    }
    const shapes = readShapes(connection);
    for (const { schema, create } of tables) {
      const shape = shapes.get(schema.name);
      if (!shape) {
        connection.run(create);
      } else if (shape.join() !== shapeOf(schema).join()) {
        throw failStorage(
          'prepare the kernel database',
          `table ${schema.name} has columns (${shape.join(', ')}) and not (${shapeOf(schema).join(', ')}). Its schema changed without a migration: remove its data to start afresh`,
        );
      }
    }
    if (stored !== known) {
      connection.run(`PRAGMA user_version = ${known}`);
    }
  });
};
harden(prepareTables);
