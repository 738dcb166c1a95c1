import harden from '@endo/harden';
import {
  compareKeys,
  isVatId,
  type StoreChange,
  type VatId,
} from '@cooperage/protocol';
import type { VatStores } from '../ports.ts';
import {
  attempt,
  asStorageError,
  type Connection,
} from './sqlite-connection.ts';
import type { SqliteFiles } from './sqlite-files.ts';
import { jsonBatches } from './sqlite-json.ts';

const OPEN_AT_MOST = 8;
const FILE = /^vat-(v\d+)\.sqlite$/;
const fileOf = (vat: VatId): string => `vat-${vat}.sqlite`;

/**
 * A vat's file. Schema version 1:
 *
 * | table   | a row is                                                     |
 * |---------|--------------------------------------------------------------|
 * | entries | a key of the vat's store and its value                       |
 * | fold    | the one row: the number of the last fold applied to the file |
 */
const makeEntries = (connection: Connection): void => {
  const version = connection.rows('PRAGMA user_version', ['integer'])[0]?.[0];
  if (version === 1) {
    return;
  }
  if (version !== 0) {
    throw Error(
      `its schema has version ${version}, and this Cooperage knows 1. Install the newer Cooperage again`,
    );
  }
  connection.transaction(() => {
    connection.run(
      'CREATE TABLE entries (key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (key)) STRICT, WITHOUT ROWID',
    );
    connection.run(
      'CREATE TABLE fold (id INTEGER PRIMARY KEY CHECK (id = 0), number INTEGER NOT NULL) STRICT',
    );
    connection.run('INSERT INTO fold VALUES (0, 0)');
    connection.run('PRAGMA user_version = 1');
  });
};

const readFold = (connection: Connection): number =>
  Number(connection.rows('SELECT number FROM fold', ['integer'])[0]?.[0]);

const readSize = (connection: Connection): number => {
  const [size] = connection.rows(
    'SELECT page_count * page_size FROM pragma_page_count, pragma_page_size',
    ['integer'],
  );
  return Number(size?.[0]);
};

const writeFold = (
  connection: Connection,
  fold: number,
  changes: readonly StoreChange[],
): void => {
  const last = new Map(changes);
  const puts = [...last].filter(([, value]) => value !== null);
  const deletes = [...last].filter(([, value]) => value === null);
  for (const batch of jsonBatches(deletes)) {
    connection.run(
      'DELETE FROM entries WHERE key IN (SELECT value ->> 0 FROM json_each(?))',
      [batch],
    );
  }
  for (const batch of jsonBatches(puts)) {
    connection.run(
      'INSERT OR REPLACE INTO entries SELECT value ->> 0, value ->> 1 FROM json_each(?)',
      [batch],
    );
  }
  connection.run('UPDATE fold SET number = ?', [fold]);
};

/** The vats' stores over SQLite files, the most lately used of them open. */
export const makeSqliteVatStores = (
  files: SqliteFiles,
  onClose: () => void = () => {},
): VatStores => {
  /** In the order of their last use. */
  const open = new Map<VatId, Connection>();
  /** Vats that were promised a file and have none yet. */
  let promised = 0;
  let growing = Promise.resolve();
  let closed = false;

  const vatsWithFiles = (): VatId[] =>
    files
      .list()
      .map(name => FILE.exec(name)?.[1])
      .filter(isVatId)
      .sort(compareKeys);

  const closeOne = (vat: VatId): void => {
    const connection = open.get(vat);
    open.delete(vat);
    connection?.close();
  };

  const provide = (vat: VatId): Connection => {
    if (closed) {
      throw Error('the stores are closed');
    }
    let connection = open.get(vat);
    if (connection) {
      open.delete(vat);
    } else {
      const [oldest] = open.keys();
      if (oldest !== undefined && open.size >= OPEN_AT_MOST) {
        closeOne(oldest);
      }
      connection = files.open(fileOf(vat), 'rollback');
      try {
        makeEntries(connection);
      } catch (error) {
        connection.close();
        throw error;
      }
    }
    open.set(vat, connection);
    return connection;
  };

  return harden({
    reserve: (count: number) => {
      promised += count;
      const grown = growing.then(() =>
        files.reserve(vatsWithFiles().length + promised),
      );
      // A failed growth fails the one who asked, not those who ask later.
      growing = grown.catch(() => {});
      return grown.catch((error: unknown) => {
        promised = Math.max(0, promised - count);
        throw asStorageError(`reserve ${count} files`, error);
      });
    },
    read: (vat: VatId) =>
      attempt(`read the store of ${vat}`, () => {
        if (!files.has(fileOf(vat))) {
          return { rows: [], fold: 0 };
        }
        const connection = provide(vat);
        const rows = connection
          .rows('SELECT key, value FROM entries ORDER BY key', ['text', 'text'])
          .map(([key, value]) => [String(key), String(value)] as const);
        return { rows, fold: readFold(connection) };
      }),
    fold: (vat: VatId, fold: number, changes: readonly StoreChange[]) =>
      attempt(`fold into the store of ${vat}`, () => {
        const isNew = !files.has(fileOf(vat));
        const connection = provide(vat);
        if (isNew) {
          promised = Math.max(0, promised - 1);
        }
        if (fold <= readFold(connection)) {
          return;
        }
        connection.transaction(() => writeFold(connection, fold, changes));
        files.committed(fileOf(vat), connection);
      }),
    delete: (vat: VatId) =>
      attempt(`delete the store of ${vat}`, () => {
        closeOne(vat);
        if (!files.has(fileOf(vat))) {
          promised = Math.max(0, promised - 1);
        }
        files.delete(fileOf(vat));
      }),
    list: () => attempt('list the stores', vatsWithFiles),
    size: (vat: VatId) =>
      attempt(`measure the store of ${vat}`, () =>
        files.has(fileOf(vat)) ? readSize(provide(vat)) : 0,
      ),
    close: () =>
      attempt('close the stores', () => {
        closed = true;
        for (const vat of [...open.keys()]) {
          closeOne(vat);
        }
        onClose();
      }),
  });
};
harden(makeSqliteVatStores);
