import harden from '@endo/harden';
import {
  compareKeys,
  CooperageError,
  encodeRows,
  isVatId,
  type StoreChange,
  type VatId,
} from '@cooperage/protocol';
import type { VatStores } from '../ports.ts';
import {
  attempt,
  asStorageError,
  insistSound,
  isDamage,
  sizeOfDatabase,
  type Connection,
} from './sqlite-connection.ts';
import type { SqliteFiles } from './sqlite-files.ts';
import { jsonBatches } from './sqlite-json.ts';

const OPEN_AT_MOST = 8;
/** A store is in memory as a whole, several times while its vat starts. */
const LARGEST_BYTES = 2 ** 30;
const FILE = /^vat-(v\d+)\.sqlite$/;
const fileOf = (vat: VatId): string => `vat-${vat}.sqlite`;

/** The file can't be used, though nothing is wrong with the storage. */
class Unusable extends Error {}

const isUnusable = (error: unknown): error is Error =>
  isDamage(error) ||
  error instanceof Unusable ||
  error instanceof RangeError || // more than an ArrayBuffer takes
  (error instanceof Error &&
    /SQLITE_NOMEM|no such (?:table|column)/.test(error.message));

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
    throw new Unusable(
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

const readNumber = (
  connection: Connection,
  sql: string,
  values: readonly string[] = [],
): number => Number(connection.rows(sql, ['integer'], values)[0]?.[0]);

const SELECT_SIZE =
  'SELECT ifnull(sum(octet_length(key) + octet_length(value)), 0) FROM entries';

/** Of all rows, or of those with the keys. */
const readSize = (
  connection: Connection,
  keys: readonly string[] | undefined,
): number =>
  keys === undefined
    ? readNumber(connection, SELECT_SIZE)
    : jsonBatches([...new Set(keys)].map(key => [key])).reduce(
        (bytes, batch) =>
          bytes +
          readNumber(
            connection,
            `${SELECT_SIZE} WHERE key IN (SELECT value ->> 0 FROM json_each(?))`,
            [batch],
          ),
        0,
      );

const readFold = (connection: Connection): number =>
  readNumber(connection, 'SELECT number FROM fold');

const readAll = (connection: Connection) => {
  const size = sizeOfDatabase(connection);
  if (size > LARGEST_BYTES) {
    throw new Unusable(
      `it has ${size} bytes, and a vat can start over ${LARGEST_BYTES} at most`,
    );
  }
  return {
    image: connection.pack('SELECT key, value FROM entries ORDER BY key', size),
    fold: readFold(connection),
  };
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

/**
 * The vats' files that are open, in the order of their last use. After a stop
 * that was not clean each is looked through when it is opened for the first time.
 */
const makeOpenFiles = (files: SqliteFiles, isSuspect: boolean) => {
  const open = new Map<VatId, Connection>();
  const seen = new Set<VatId>();

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
      if (isSuspect && !seen.has(vat)) {
        insistSound(connection, 'quick');
        seen.add(vat);
      }
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
  {
    isSuspect,
    onClose,
  }: {
    /** Whether the last kernel has not stopped cleanly. */
    readonly isSuspect: boolean;
    readonly onClose: () => void;
  },
): VatStores => {
  const open = makeOpenFiles(files, isSuspect);
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

  /** The same of one vat's file, which may be of no use while the others are. */
  const useOf = <Result>(
    vat: VatId,
    operation: string,
    work: () => Result,
  ): Result =>
    use(`${operation} the store of ${vat}`, () => {
      try {
        return work();
      } catch (error) {
        if (!isUnusable(error)) {
          throw error;
        }
        open.close(vat);
        throw new CooperageError(
          'STORE_DAMAGED',
          `can't ${operation} the store of ${vat}: its file ${fileOf(vat)} ${isDamage(error) ? 'is damaged' : "can't be used"} (${error.message}). Restore a backup, or terminate the vat`,
        );
      }
    });

  return harden({
    reserve: reservations.add,
    read: (vat: VatId) =>
      useOf(vat, 'read', () =>
        hasFile(vat)
          ? readAll(open.provide(vat))
          : { image: encodeRows([]), fold: 0 },
      ),
    fold: (vat: VatId, fold: number, changes: readonly StoreChange[]) =>
      useOf(vat, 'fold into', () => {
        reservations.release(hasFile(vat) ? 0 : 1);
        const connection = open.provide(vat);
        const before = readFold(connection);
        if (fold > before + 1) {
          throw new Unusable(
            `it is another than the kernel has written: fold ${fold - 1} is not in it`,
          );
        }
        if (fold >= before) {
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
    size: (vat: VatId, keys?: readonly string[]) =>
      useOf(vat, 'measure', () =>
        hasFile(vat) ? readSize(open.provide(vat), keys) : 0,
      ),
    check: (vat: VatId) =>
      useOf(vat, 'check', () => {
        if (hasFile(vat)) {
          insistSound(open.provide(vat), 'full');
        }
      }),
    close: () =>
      attempt('close the stores', () => {
        closed = true;
        open.closeAll();
        onClose();
      }),
  });
};
harden(makeSqliteVatStores);
