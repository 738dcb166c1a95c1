import init from '@sqlite.org/sqlite-wasm';
import { describe, expect, it } from 'vitest';
import { makeConnection } from './sqlite-connection.ts';

const open = async () => {
  const sqlite3 = await init();
  const connection = makeConnection(sqlite3, new sqlite3.oo1.DB(':memory:'));
  connection.run('CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT)');
  const ids = () =>
    connection.rows('SELECT id FROM things', ['integer']).flat();
  return { connection, ids };
};

describe('a connection', () => {
  it('rolls back what a transaction did when its work throws, and works on', async () => {
    const { connection, ids } = await open();
    expect(() =>
      connection.transaction(() => {
        connection.run('INSERT INTO things VALUES (1, ?)', ['one']);
        throw Error('changed my mind');
      }),
    ).toThrow('changed my mind');
    expect(ids()).toEqual([]);
    connection.transaction(() =>
      connection.run('INSERT INTO things VALUES (2, ?)', ['two']),
    );
    expect(ids()).toEqual([2]);
  });

  it('rolls back when the disk is full, and works on', async () => {
    const { connection, ids } = await open();
    connection.run('INSERT INTO things VALUES (1, ?)', ['one']);
    connection.run('PRAGMA max_page_count = 10');
    const before = ids();
    expect(() =>
      connection.transaction(() => {
        connection.run('DELETE FROM things');
        for (let id = 2; id < 100; id += 1) {
          connection.run('INSERT INTO things VALUES (?, ?)', [
            id,
            'x'.repeat(5000),
          ]);
        }
      }),
    ).toThrow('SQLITE_FULL');
    expect(ids()).toEqual(before);
    connection.transaction(() =>
      connection.run('INSERT INTO things VALUES (2, ?)', ['two']),
    );
    expect(ids()).toEqual([1, 2]);
  });

  it('refuses a column that holds another type than the one asked for', async () => {
    const { connection } = await open();
    connection.run('INSERT INTO things VALUES (1, NULL)');
    expect(() => connection.rows('SELECT text FROM things', ['text'])).toThrow(
      'holds no text',
    );
    expect(connection.rows('SELECT text FROM things', ['text?'])).toEqual([
      [null],
    ]);
    expect(() => connection.rows('SELECT 1.5', ['integer'])).toThrow(
      'holds no integer',
    );
  });

  it('counts every statement that SQLite starts', async () => {
    const { connection } = await open();
    const before = connection.statements;
    connection.transaction(() => {
      connection.run('INSERT INTO things VALUES (1, NULL)');
      connection.run('INSERT INTO things VALUES (2, NULL)');
    });
    expect(connection.statements - before).toBe(4);
  });
});
