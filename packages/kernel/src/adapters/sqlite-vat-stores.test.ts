import { decodeRows, makeVatId } from '@cooperage/protocol';
import init from '@sqlite.org/sqlite-wasm';
import { describe, expect, it } from 'vitest';
import type { Connection } from './sqlite-connection.ts';
import type { SqliteFiles } from './sqlite-files.ts';
import { makeFileImages, makeImageFiles } from './sqlite-image-files.ts';
import { makeSqliteVatStores } from './sqlite-vat-stores.ts';

const loading = init();

const ONE = makeVatId(1);
const TWO = makeVatId(2);

/** Stores over files in memory that note what is done with them; a test may spoil each connection. */
const makeStores = async ({
  isSuspect = false,
  names,
  reserve = () => {},
  spoil = connection => connection,
}: {
  isSuspect?: boolean;
  names?: readonly string[];
  reserve?: (files: number) => void;
  spoil?: (connection: Connection) => Partial<Connection>;
} = {}) => {
  const images = makeFileImages();
  const files = makeImageFiles(await loading, images);
  const done: string[] = [];
  const note = (what: string): void => {
    done.push(what);
  };
  const noting: SqliteFiles = {
    ...files,
    open: (name, journal) => {
      note(`open ${name} ${journal}`);
      const connection = files.open(name, journal);
      return {
        ...connection,
        ...spoil(connection),
        close: () => {
          note(`close ${name}`);
          connection.close();
        },
      };
    },
    committed: (name, connection) => {
      note(`committed ${name}`);
      files.committed(name, connection);
    },
    list: () => names ?? files.list(),
    reserve: async count => {
      note(`reserve ${count}`);
      reserve(count);
    },
  };
  const onClose = () => note('closed');
  return {
    stores: makeSqliteVatStores(noting, { isSuspect, onClose }),
    images,
    /** What was done since the last time. */
    done: () => done.splice(0),
    files,
  };
};

const damaged = (message: string) =>
  expect.objectContaining({ code: 'STORE_DAMAGED', message });
const failed = (message: string) =>
  expect.objectContaining({ code: 'STORAGE_FAILED', message });

describe('the files of vats', () => {
  it('are open for the eight vats of which the last use is latest', async () => {
    const { stores, done } = await makeStores();
    const vats = Array.from({ length: 8 }, (_, index) => makeVatId(index + 1));
    vats.forEach(vat => stores.fold(vat, 1, [['key', vat]]));
    expect(done().filter(each => each.startsWith('close'))).toEqual([]);
    stores.size(ONE);
    stores.fold(makeVatId(9), 1, []);
    expect(done()).toEqual([
      'close vat-v2.sqlite',
      'open vat-v9.sqlite rollback',
      'committed vat-v9.sqlite',
    ]);
    expect(decodeRows(stores.read(TWO).image)).toEqual([['key', 'v2']]);
    expect(done()).toEqual([
      'close vat-v3.sqlite',
      'open vat-v2.sqlite rollback',
    ]);
    stores.delete(TWO);
    expect(done()).toEqual(['close vat-v2.sqlite']);
    stores.close();
    expect(done()).toEqual([
      ...[4, 5, 6, 7, 8, 1, 9].map(each => `close vat-v${each}.sqlite`),
      'closed',
    ]);
  });

  it('are those of vats by their names, in order', async () => {
    const { stores } = await makeStores({
      names: [
        'vat-v2.sqlite',
        'kernel.sqlite',
        'vat-v10.sqlite',
        'vat-x.sqlite',
        'vat-v3.sqlite-wal',
        'a-vat-v4.sqlite',
      ],
    });
    expect(stores.list()).toEqual(['v10', 'v2']);
  });

  it('have room for each that was promised one and has none yet', async () => {
    const { stores, done } = await makeStores();
    await stores.reserve(2);
    await stores.reserve(1);
    stores.fold(ONE, 1, []);
    stores.fold(ONE, 2, []);
    await stores.reserve(0);
    stores.delete(TWO);
    await stores.reserve(0);
    stores.delete(ONE); // it had its file
    await stores.reserve(0);
    ['v7', 'v8', 'v9'].forEach(() => stores.delete(TWO));
    await stores.reserve(4);
    expect(done().filter(each => each.startsWith('reserve'))).toEqual([
      'reserve 2',
      'reserve 3',
      'reserve 3',
      'reserve 2',
      'reserve 1',
      'reserve 4',
    ]);
  });

  it('are promised to nobody when there is no room for them, and to those who ask later', async () => {
    const { stores, done } = await makeStores({
      reserve: count => {
        if (count > 2) {
          throw Error('no room');
        }
      },
    });
    await stores.reserve(1);
    const second = stores.reserve(2);
    await expect(second).rejects.toThrow(
      failed('storage failed to reserve 2 files: no room'),
    );
    await stores.reserve(1);
    expect(done().at(-1)).toBe('reserve 2');
  });

  it('are looked through once each, when the last kernel has not stopped cleanly', async () => {
    for (const isSuspect of [true, false]) {
      const told: string[] = [];
      const { stores } = await makeStores({
        isSuspect,
        spoil: connection => ({
          rows: (sql, types, values) => {
            told.push(sql);
            return connection.rows(sql, types, values);
          },
        }),
      });
      for (let round = 1; round <= 2; round += 1) {
        for (let nth = 1; nth <= 9; nth += 1) {
          stores.fold(makeVatId(nth), round, []);
        }
      }
      expect(told.filter(sql => sql.includes('quick_check'))).toHaveLength(
        isSuspect ? 9 : 0,
      );
    }
  });
});

describe('a vat’s file', () => {
  const HELP = 'Restore a backup, or terminate the vat';

  it.each<[string, string, string]>([
    [
      'of a newer schema',
      'PRAGMA user_version = 2',
      'its schema has version 2, and this Cooperage knows 1. Install the newer Cooperage again',
    ],
    ['without its table', 'DROP TABLE fold', 'no such table: fold'],
    [
      'without a column',
      'ALTER TABLE entries RENAME COLUMN value TO worth',
      'no such column: value',
    ],
  ])('%s can’t be used, and others can', async (_what, spoil, problem) => {
    const { stores, images, files, done } = await makeStores();
    stores.fold(ONE, 1, [['key', 'value']]);
    stores.fold(TWO, 1, []);
    const connection = files.open('vat-v1.sqlite', 'rollback');
    connection.run(spoil);
    files.committed('vat-v1.sqlite', connection);
    stores.close();
    const again = await makeStores();
    images.forEach((bytes, name) => again.images.set(name, bytes));
    done();
    expect(() => again.stores.read(ONE)).toThrow(
      expect.objectContaining({
        code: 'STORE_DAMAGED',
        message: expect.stringMatching(
          /^can't read the store of v1: its file vat-v1\.sqlite can't be used \(/,
        ),
      }),
    );
    expect(() => again.stores.read(ONE)).toThrow(problem);
    expect(() => again.stores.read(ONE)).toThrow(HELP);
    expect(again.done()).toEqual(
      [1, 2, 3].flatMap(() => [
        'open vat-v1.sqlite rollback',
        'close vat-v1.sqlite',
      ]),
    );
    expect(again.stores.read(TWO).fold).toBe(1);
  });

  it.each<[string, Error, unknown]>([
    [
      'is damaged',
      Error('SQLITE_CORRUPT: a page is lost'),
      damaged(
        `can't read the store of v1: its file vat-v1.sqlite is damaged (SQLITE_CORRUPT: a page is lost). ${HELP}`,
      ),
    ],
    [
      'is more than an ArrayBuffer takes',
      RangeError('Array buffer allocation failed'),
      damaged(
        `can't read the store of v1: its file vat-v1.sqlite can't be used (Array buffer allocation failed). ${HELP}`,
      ),
    ],
    [
      'is more than the memory of SQLite',
      Error('SQLITE_NOMEM: out of memory'),
      damaged(
        `can't read the store of v1: its file vat-v1.sqlite can't be used (SQLITE_NOMEM: out of memory). ${HELP}`,
      ),
    ],
    [
      'can’t be read by the system',
      Error('no disk'),
      failed('storage failed to read the store of v1: no disk'),
    ],
  ])('that %s is told so', async (_what, problem, wanted) => {
    const { stores, done } = await makeStores({
      spoil: () => ({
        pack: () => {
          throw problem;
        },
      }),
    });
    stores.fold(ONE, 1, []);
    done();
    expect(() => stores.read(ONE)).toThrow(wanted);
    expect(done()).toEqual(
      problem.message === 'no disk' ? [] : ['close vat-v1.sqlite'],
    );
  });

  it.each([
    [2 ** 30, false],
    [2 ** 30 + 1, true],
  ])('of %i bytes is too large: %s', async (size, isTooLarge) => {
    const { stores } = await makeStores({
      spoil: connection => ({
        pack: sql => connection.pack(sql, 0),
        rows: (sql, types, values) =>
          sql.includes('page_count')
            ? [[size]]
            : connection.rows(sql, types, values),
      }),
    });
    stores.fold(ONE, 1, []);
    if (isTooLarge) {
      expect(() => stores.read(ONE)).toThrow(
        `it has ${size} bytes, and a vat can start over 1073741824 at most`,
      );
    } else {
      expect(stores.read(ONE).fold).toBe(1);
    }
  });

  it('is refused a fold when another than the kernel’s last is in it', async () => {
    const { stores } = await makeStores();
    stores.fold(ONE, 1, []);
    expect(() => stores.fold(ONE, 3, [])).toThrow(
      damaged(
        `can't fold into the store of v1: its file vat-v1.sqlite can't be used (it is another than the kernel has written: fold 2 is not in it). ${HELP}`,
      ),
    );
  });

  it('is nobody’s once the stores are closed', async () => {
    const { stores } = await makeStores();
    stores.close();
    const why = 'the stores are closed';
    const problems: [() => unknown, string][] = [
      [() => stores.read(ONE), 'read the store of v1'],
      [() => stores.fold(ONE, 1, []), 'fold into the store of v1'],
      [() => stores.size(ONE), 'measure the store of v1'],
      [() => stores.check(ONE), 'check the store of v1'],
      [() => stores.delete(ONE), 'delete the store of v1'],
      [() => stores.list(), 'list the stores'],
    ];
    for (const [work, what] of problems) {
      expect(work).toThrow(failed(`storage failed to ${what}: ${why}`));
    }
  });
});

describe('a file that is read whole', () => {
  const FILE = 'vat-v1.sqlite';
  const write = async (rows: [string, string][]) => {
    const { stores, images } = await makeStores();
    stores.fold(ONE, 1, rows);
    return images.get(FILE) ?? new Uint8Array();
  };
  const read = async (bytes: Uint8Array) => {
    const files = makeImageFiles(await init(), new Map([[FILE, bytes]]));
    const stores = makeSqliteVatStores(files, {
      isSuspect: false,
      onClose: () => {},
    });
    return decodeRows(stores.read(ONE).image);
  };

  it('may be too large for the memory that SQLite has until then', async () => {
    const large = 'x'.repeat(30_000_000);
    const bytes = await write([
      ['a', 'small'],
      ['b', large],
      ['c', 'last'],
    ]);
    const [first, second, third] = await read(bytes);
    expect([first, third]).toEqual([
      ['a', 'small'],
      ['c', 'last'],
    ]);
    expect(second?.[1] === large).toBe(true);
  });

  it('is refused when it is damaged behind its first rows', async () => {
    const rows = Array.from({ length: 1_000 }, (_, index): [string, string] => [
      `key ${String(index).padStart(4, '0')}`,
      'x'.repeat(200),
    ]);
    const bytes = await write(rows);
    expect(await read(bytes)).toEqual(rows);
    const page = 256 * (bytes[16] ?? 0) + (bytes[17] ?? 0);
    const last = bytes.slice();
    last.fill(0, bytes.length - 2 * page, bytes.length - page);
    await expect(read(last)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
  });
});
