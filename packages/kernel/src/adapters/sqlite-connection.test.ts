import { CooperageError, decodeRows } from '@cooperage/protocol';
import init from '@sqlite.org/sqlite-wasm';
import { describe, expect, it } from 'vitest';
import { attempt, makeConnection } from './sqlite-connection.ts';

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

  it('rolls back once, though SQLite has done it already, and tells what was thrown', async () => {
    const { connection, ids } = await open();
    const problem = Error('after all');
    expect(() =>
      connection.transaction(() => {
        connection.run('INSERT INTO things VALUES (1, NULL)');
        connection.run('ROLLBACK');
        throw problem;
      }),
    ).toThrow(problem);
    expect(ids()).toEqual([]);
    connection.close();
    expect(() => connection.transaction(() => {})).toThrow();
  });

  it('gives texts, numbers and bytes as they were stored', async () => {
    const { connection } = await open();
    const texts = ['x'.repeat(64), 'x'.repeat(65), 'é', '', '\x7f', '\uFEFFa'];
    const [row] = connection.rows(
      `SELECT ${texts.map(() => '?').join(', ')}, -5, x'00ff', x'', NULL`,
      [
        ...texts.map(() => 'text' as const),
        ...(['integer', 'blob', 'blob', 'integer?'] as const),
      ],
      texts,
    );
    const bytes = [Uint8Array.of(0, 255), new Uint8Array()];
    expect(row).toEqual([...texts, -5, ...bytes, null]);
  });

  it('packs rows of two texts, and fails as the statement does', async () => {
    const { connection } = await open();
    const packed = connection.pack(
      "VALUES ('a', '1'), ('é', ''), ('c', '\uFEFF')",
      0,
    );
    expect(decodeRows(packed)).toEqual([
      ['a', '1'],
      ['é', ''],
      ['c', '\uFEFF'],
    ]);
    expect(() =>
      connection.pack(
        "SELECT 'a', json_extract('{', '$') FROM (VALUES (1), (2))",
        0,
      ),
    ).toThrow('malformed JSON');
  });
});

describe('a problem of the storage', () => {
  it.each<[unknown, string]>([
    [Error('no disk'), 'storage failed to look: no disk'],
    ['odd', 'storage failed to look: odd'],
    [
      Error('SQLITE_CORRUPT: it fell'),
      'storage failed to look: the file is damaged (SQLITE_CORRUPT: it fell). Restore a backup, or erase everything to start afresh',
    ],
    [
      Error('SQLITE_NOTADB: none'),
      'storage failed to look: the file is damaged (SQLITE_NOTADB: none). Restore a backup, or erase everything to start afresh',
    ],
  ])('is told with what was to be done: %s', (problem, message) => {
    const fail = () => {
      throw problem;
    };
    expect(() => attempt('look', fail)).toThrow(
      expect.objectContaining({ code: 'STORAGE_FAILED', message }),
    );
  });

  it('is told once', () => {
    const problem = new CooperageError('STORE_DAMAGED', 'it fell');
    const fail = () => {
      throw problem;
    };
    expect(() => attempt('look', fail)).toThrow(problem);
    expect(attempt('look', () => 7)).toBe(7);
  });
});
