import init from '@sqlite.org/sqlite-wasm';
import { describe, expect, it } from 'vitest';
import type { ColumnType, TableSchema } from '../ports.ts';
import { makeConnection } from './sqlite-connection.ts';
import { makeSqliteKernelDb } from './sqlite-kernel-db.ts';
import { makeTableSql } from './sqlite-tables.ts';

const schemaOf = (
  keys: number,
  ...columns: readonly [string, ColumnType][]
): TableSchema => ({
  name: 'things',
  keys,
  columns: columns.map(([name, type]) => ({ name, type, about: '' })),
});

const THINGS = schemaOf(1, ['id', 'text'], ['count', 'integer?']);

describe('a table in SQL', () => {
  it('has its key, its columns and its rows by number', () => {
    const schema = {
      ...schemaOf(2, ['a', 'text'], ['b"c', 'integer'], ['d', 'text?']),
      name: 'the "things"',
    };
    expect(makeTableSql(schema)).toEqual({
      schema,
      types: ['text', 'integer', 'text?'],
      create:
        'CREATE TABLE "the ""things""" ("a" TEXT NOT NULL, "b""c" INTEGER NOT NULL, "d" TEXT, PRIMARY KEY ("a", "b""c")) STRICT, WITHOUT ROWID',
      load: 'SELECT "a", "b""c", "d" FROM "the ""things""" ORDER BY "a", "b""c"',
      read: 'SELECT "a", "b""c", "d" FROM "the ""things""" WHERE "a" = ? AND "b""c" = ?',
      put: 'INSERT OR REPLACE INTO "the ""things""" VALUES (?, ?, ?)',
      putMany:
        'INSERT OR REPLACE INTO "the ""things""" SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)',
      delete: 'DELETE FROM "the ""things""" WHERE "a" = ? AND "b""c" = ?',
      deleteMany:
        'DELETE FROM "the ""things""" WHERE ("a", "b""c") IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))',
    });
  });

  it.each<[string, TableSchema, boolean]>([
    ['blobs', schemaOf(1, ['a', 'text'], ['b', 'blob']), true],
    [
      'a lone number for a key',
      schemaOf(1, ['a', 'integer'], ['b', 'text']),
      true,
    ],
    [
      'a lone text for a key',
      schemaOf(1, ['a', 'text'], ['b', 'integer']),
      false,
    ],
    [
      'two numbers for a key',
      schemaOf(2, ['a', 'integer'], ['b', 'integer']),
      false,
    ],
  ])('has the rowid of SQLite when it has %s', (_what, schema, hasRowid) => {
    expect(makeTableSql(schema).create.endsWith(') STRICT')).toBe(hasRowid);
    expect(makeTableSql(schema).create.endsWith('WITHOUT ROWID')).toBe(
      !hasRowid,
    );
  });
});

const loading = init();

/** A database over a connection of its own. */
const openDb = async () => {
  const sqlite3 = await loading;
  const connection = makeConnection(sqlite3, new sqlite3.oo1.DB(':memory:'));
  const done: string[] = [];
  const dbWith = (...migrations: (() => void)[]) =>
    makeSqliteKernelDb({
      connection,
      hasLog: false,
      migrations,
      committed: () => void done.push('committed'),
      onClose: () => void done.push('closed'),
    });
  return { connection, done, dbWith, db: dbWith() };
};

const failed = (message: string) =>
  expect.objectContaining({ code: 'STORAGE_FAILED', message });

describe('the kernel’s database in SQL', () => {
  it('tells when something is committed, and when it is closed', async () => {
    const { db, done } = await openDb();
    db.prepare([THINGS]);
    expect(done.splice(0)).toEqual(['committed']);
    db.commit([]);
    db.commit([{ table: 'things', puts: [], deletes: [] }]);
    expect(done.splice(0)).toEqual([]);
    db.commit([{ table: 'things', puts: [['a', 1]], deletes: [] }]);
    expect(done.splice(0)).toEqual(['committed']);
    db.check();
    expect(db.size()).toBeGreaterThan(4_000);
    db.close();
    expect(done).toEqual(['closed']);
  });

  it('says what it was to do with which table', async () => {
    const { db } = await openDb();
    db.prepare([THINGS]);
    const none = 'there is no table words';
    expect(() => db.load('words')).toThrow(
      failed(`storage failed to load table words: ${none}`),
    );
    expect(() => db.read('words', [])).toThrow(
      failed(`storage failed to read table words: ${none}`),
    );
    expect(() =>
      db.commit([{ table: 'words', puts: [['a']], deletes: [] }]),
    ).toThrow(
      failed(`storage failed to commit to the kernel database: ${none}`),
    );
    expect(() => db.read('things', [7])).toThrow(
      failed('storage failed to write to table things: column id must be text'),
    );
    db.close();
    expect(() => db.check()).toThrow(
      /^storage failed to check the kernel database/,
    );
    expect(() => db.size()).toThrow(
      /^storage failed to measure the kernel database/,
    );
    expect(() => db.prepare([THINGS])).toThrow(
      /^storage failed to prepare the kernel database/,
    );
  });

  it('takes one statement for more than three rows, and one for each of fewer', async () => {
    const { db } = await openDb();
    db.prepare([THINGS]);
    const keys = ['a', 'b', 'c', 'd'].map(key => [key]);
    const puts = keys.map(([key = '']) => [key, 1]);
    const statementsOf = (rows: number, kind: 'puts' | 'deletes'): number => {
      const before = db.counters.statements;
      const change = { table: 'things', puts: [], deletes: [] };
      const all = kind === 'puts' ? puts : keys;
      db.commit([{ ...change, [kind]: all.slice(0, rows) }]);
      return db.counters.statements - before - 2;
    };
    expect([3, 4].map(rows => statementsOf(rows, 'puts'))).toEqual([3, 1]);
    expect([3, 4].map(rows => statementsOf(rows, 'deletes'))).toEqual([3, 1]);
    expect(db.load('things')).toEqual([]);
  });

  it('is of a version, which only grows', async () => {
    const { db, dbWith, connection } = await openDb();
    const version = () => connection.rows('PRAGMA user_version', ['integer']);
    let runs = '';
    const steps = ['a', 'b', 'c'].map(name => () => {
      runs += name;
    });
    db.prepare([THINGS]);
    expect(version()).toEqual([[1]]);
    dbWith(...steps.slice(0, 1)).prepare([THINGS]);
    dbWith(...steps).prepare([THINGS]);
    dbWith(...steps).prepare([THINGS]);
    expect([runs, version()]).toEqual(['abc', [[4]]]);
    expect(() => dbWith(...steps.slice(1)).prepare([THINGS])).toThrow(
      expect.objectContaining({
        code: 'STORAGE_FAILED',
        message:
          'storage failed to prepare the kernel database: its schema has version 4, and this Cooperage knows 3 and older ones. Install the newer Cooperage again, or remove its data to start afresh',
        data: { stored: 4, known: 3 },
      }),
    );
  });

  it('refuses a table whose columns are others, in words', async () => {
    const { db, dbWith } = await openDb();
    db.prepare([THINGS]);
    expect(() =>
      dbWith().prepare([schemaOf(1, ['id', 'text'], ['count', 'integer'])]),
    ).toThrow(
      failed(
        'storage failed to prepare the kernel database: table things has columns (id TEXT NOT NULL 1, count INTEGER) and not (id TEXT NOT NULL 1, count INTEGER NOT NULL). Its schema changed without a migration: remove its data to start afresh',
      ),
    );
  });
});
