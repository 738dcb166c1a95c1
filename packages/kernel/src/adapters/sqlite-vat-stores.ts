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

const readAll = (connection: Connection) => ({
  rows: connection
    .rows('SELECT key, value FROM entries ORDER BY key', ['text', 'text'])
    .map(([key, value]) => [String(key), String(value)] as const),
  fold: readFold(connection),
});

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

/** The vats' files that are open, in the order of their last use. */
const makeOpenFiles = (files: SqliteFiles) => {
  const open = new Map<VatId, Connection>();

  const close = (vat: VatId): void => {
    const connection = open.get(vat);
    open.delete(vat);
    connection?.close();
  };

  const openFile = (vat: VatId): Connection => {
    const [oldest] = open.keys();
    if (oldest !== undefined && open.size >= OPEN_AT_MOST) {
      close(oldest);
    }
    const connection = files.open(fileOf(vat), 'rollback');
    try {
      makeEntries(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  };

  return {
    close,
    closeAll: () => [...open.keys()].forEach(close),
    /** Opens, or makes, the vat's file. */
    provide: (vat: VatId): Connection => {
      const connection = open.get(vat) ?? openFile(vat);
      open.delete(vat);
      open.set(vat, connection);
      return connection;
    },
  };
};

/** Room for files: vats that were promised one and have none yet. */
const makeReservations = (files: SqliteFiles, existing: () => number) => {
  let promised = 0;
  let growing = Promise.resolve();
  const release = (count: number): void => {
    promised = Math.max(0, promised - count);
  };
  return {
    release,
    add: (count: number): Promise<void> => {
      promised += count;
      const grown = growing.then(() => files.reserve(existing() + promised));
      // A failed growth fails the one who asked, not those who ask later.
      growing = grown.catch(() => {});
      return grown.catch((error: unknown) => {
        release(count);
        throw asStorageError(`reserve ${count} files`, error);
      });
    },
  };
};

/** The vats' stores over SQLite files, the most lately used of them open. */
export const makeSqliteVatStores = (
  files: SqliteFiles,
  onClose: () => void = () => {},
): VatStores => {
  const open = makeOpenFiles(files);
  let closed = false;
  const hasFile = (vat: VatId): boolean => files.has(fileOf(vat));
  const list = (): VatId[] =>
    files
      .list()
      .map(name => FILE.exec(name)?.[1])
      .filter(isVatId)
      .sort(compareKeys);
  const reservations = makeReservations(files, () => list().length);

  const use = <Result>(operation: string, work: () => Result): Result =>
    attempt(operation, () => {
      if (closed) {
        throw Error('the stores are closed');
      }
      return work();
    });

  return harden({
    reserve: reservations.add,
    read: (vat: VatId) =>
      use(`read the store of ${vat}`, () =>
        hasFile(vat) ? readAll(open.provide(vat)) : { rows: [], fold: 0 },
      ),
    fold: (vat: VatId, fold: number, changes: readonly StoreChange[]) =>
      use(`fold into the store of ${vat}`, () => {
        reservations.release(hasFile(vat) ? 0 : 1);
        const connection = open.provide(vat);
        if (fold > readFold(connection)) {
          connection.transaction(() => writeFold(connection, fold, changes));
          files.committed(fileOf(vat), connection);
        }
      }),
    delete: (vat: VatId) =>
      use(`delete the store of ${vat}`, () => {
        open.close(vat);
        reservations.release(hasFile(vat) ? 0 : 1);
        files.delete(fileOf(vat));
      }),
    list: () => use('list the stores', list),
    size: (vat: VatId) =>
      use(`measure the store of ${vat}`, () =>
        hasFile(vat) ? readSize(open.provide(vat)) : 0,
      ),
    close: () =>
      attempt('close the stores', () => {
        closed = true;
        open.closeAll();
        onClose();
      }),
  });
};
harden(makeSqliteVatStores);
