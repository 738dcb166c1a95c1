import { createHash } from 'node:crypto';
import { makeVatId } from '@cooperage/protocol';
import init from '@sqlite.org/sqlite-wasm';
import { describe, expect, it } from 'vitest';
import type { Hash } from '../ports.ts';
import { SCHEMA } from '../store/schema.ts';
import { VATS } from '../store/vat-schema.ts';
import { makeMemoryTarget, sourceOf } from '../testing/backup-bytes.ts';
import type { SqliteFiles } from './sqlite-files.ts';
import {
  insistUsable,
  makeFileImages,
  openFilesStorage,
  openNodeStorage,
  readBackup,
  type Connection,
  type FileImages,
} from './sqlite-wasm.ts';
import { makeImageFiles } from './sqlite-image-files.ts';

const VAT = makeVatId(1);
const hash: Hash = async bytes =>
  createHash('sha512').update(bytes).digest('hex');

/** Files in memory that note what is done with them; `also` takes the place of some of it. */
const openWith = async (
  also: (files: SqliteFiles) => Partial<SqliteFiles> = () => ({}),
  images: FileImages = makeFileImages(),
) => {
  const done: string[] = [];
  const opening = openFilesStorage({
    name: 'here',
    makeFiles: sqlite3 => {
      const files = makeImageFiles(sqlite3, images);
      return {
        ...files,
        open: (name, journal) => {
          done.push(`open ${name} ${journal}`);
          return files.open(name, journal);
        },
        reserve: async count => void done.push(`reserve ${count}`),
        close: () => void done.push('close'),
        ...also(files),
      };
    },
  });
  return { done, opening };
};

/** What the connection runs, in order. */
const watch = (
  connection: Connection,
  told: string[],
  answers: Readonly<Record<string, string>> = {},
): Connection => ({
  ...connection,
  rows: (sql, types, values) => {
    told.push(sql);
    const answer = answers[sql];
    return answer === undefined
      ? connection.rows(sql, types, values)
      : [[answer]];
  },
  close: () => {
    told.push('close');
    connection.close();
  },
});

/** The rows of vats, with nothing in them but a name. */
const vatRow = (id: string) =>
  VATS.columns.map(({ name, type }) => {
    const usual = type.startsWith('integer') ? 0 : '';
    return name === 'id' ? id : usual;
  });

describe('the storage of a kernel', () => {
  it('leaves its files when both of its parts are closed', async () => {
    const { done, opening } = await openWith();
    const { db, stores } = await opening;
    db.close();
    expect(done).toEqual(['open kernel.sqlite wal']);
    stores.close();
    expect(done).toEqual(['open kernel.sqlite wal', 'close']);
  });

  it('leaves its files when the kernel’s can’t be opened', async () => {
    const { done, opening } = await openWith(() => ({
      open: () => {
        throw Error('no disk');
      },
    }));
    await expect(opening).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: 'storage failed to open here: no disk',
    });
    expect(done).toEqual(['close']);
  });

  it.each([
    [['kernel.sqlite-wal'], true],
    [['kernel.sqlite', 'vat-v1.sqlite-wal'], false],
  ])(
    'looks through the kernel’s file after a stop that was not clean: %j',
    async (names, isSuspect) => {
      const told: string[] = [];
      const { done, opening } = await openWith(files => ({
        names: () => names,
        open: (name, journal) =>
          watch(files.open(name, journal), told, {
            'PRAGMA quick_check(3)': 'a page is lost',
          }),
      }));
      if (isSuspect) {
        await expect(opening).rejects.toThrow(
          'storage failed to open here: the file is damaged (SQLITE_CORRUPT: a page is lost)',
        );
        expect([told, done]).toEqual([
          ['PRAGMA quick_check(3)', 'close'],
          ['close'],
        ]);
      } else {
        await opening;
        expect(told).not.toContain('PRAGMA quick_check(3)');
      }
    },
  );

  it('has room for those vats of its tables that have no file', async () => {
    const images = makeFileImages();
    const first = await openNodeStorage(images);
    first.db.prepare(SCHEMA);
    first.stores.fold(VAT, 1, [['key', 'value']]);
    const puts = ['v1', 'v2', 'v3'].map(vatRow);
    first.db.commit([{ table: 'vats', puts, deletes: [] }]);
    const { done, opening } = await openWith(undefined, makeFileImages(images));
    await opening;
    expect(done).toEqual(['open kernel.sqlite wal', 'reserve 3']);
    first.db.commit([{ table: 'vats', puts: [], deletes: [['v2'], ['v3']] }]);
    const second = await openWith(undefined, makeFileImages(images));
    await second.opening;
    expect(second.done).toEqual(['open kernel.sqlite wal']);
    // A room that can't be made leaves nothing open.
    first.db.commit([{ table: 'vats', puts, deletes: [] }]);
    const third = await openWith(
      () => ({ reserve: () => Promise.reject(Error('no room')) }),
      makeFileImages(images),
    );
    await expect(third.opening).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringMatching(/reserve 2 files: no room$/),
    });
    expect(third.done).toEqual(['open kernel.sqlite wal', 'close']);
  });

  it('looks through each file in a turn of its own, and copies all that are not empty', async () => {
    const told: string[] = [];
    const images = makeFileImages();
    const { opening } = await openWith(
      files => ({
        names: () => ['kernel.sqlite-wal', ...files.names()],
        bytes: name =>
          name.endsWith('-wal') ? new Uint8Array() : files.bytes(name),
        open: (name, journal) => {
          told.push(name);
          return watch(files.open(name, journal), told);
        },
      }),
      images,
    );
    const storage = await opening;
    storage.db.prepare(SCHEMA);
    storage.stores.fold(VAT, 1, [['key', 'value']]);
    storage.stores.fold(makeVatId(2), 1, []);
    told.length = 0;
    const { target, bytes } = makeMemoryTarget();
    const report = await storage.backup(target, {
      hash,
      soon: callback => {
        told.push('soon');
        callback();
      },
    });
    expect(told).toEqual([
      'PRAGMA integrity_check(3)',
      ...['soon', 'PRAGMA integrity_check(3)'],
      ...['soon', 'PRAGMA integrity_check(3)'],
      'PRAGMA wal_checkpoint(TRUNCATE)',
    ]);
    expect(report.files).toBe(3);
    const files = await readBackup(sourceOf(bytes()), hash);
    expect([...files.keys()]).toEqual([...images.keys()]);
    await insistUsable(files);
  });
});

describe('the files of a backup', () => {
  const fill = async (): Promise<FileImages> => {
    const images = makeFileImages();
    const { db, stores } = await openNodeStorage(images);
    db.prepare(SCHEMA);
    stores.fold(VAT, 1, [['key', 'x'.repeat(9_000)]]);
    return images;
  };
  const failure = (message: string) => ({ code: 'BACKUP_FAILED', message });

  it('are of use when a kernel could run over them, and stay as they are', async () => {
    const files = await fill();
    const before = new Map(files);
    await insistUsable(files);
    expect(files).toEqual(before);
  });

  it('are refused in words when it could not', async () => {
    const files = await fill();
    await expect(
      insistUsable(
        new Map([...files, ['kernel.sqlite-wal', Uint8Array.of(1)]]),
      ),
    ).rejects.toMatchObject(
      failure(
        "The backup can't be used: kernel.sqlite-wal could not be merged when it was made",
      ),
    );
    const store = files.get('vat-v1.sqlite') ?? Uint8Array.of();
    const damaged = store.slice().fill(0, 4096);
    await expect(
      insistUsable(new Map([...files, ['vat-v1.sqlite', damaged]])),
    ).rejects.toMatchObject(
      failure(
        expect.stringMatching(
          /^The backup can't be used: can't check the store of v1: its file vat-v1.sqlite is damaged/,
        ),
      ),
    );
    await expect(
      insistUsable(new Map([...files, ['kernel.sqlite', damaged]])),
    ).rejects.toMatchObject(
      failure(
        expect.stringMatching(/^The backup can't be used: storage failed/),
      ),
    );
  });

  it('are refused when a row holds what it can’t', async () => {
    const images = await fill();
    const { db } = await openNodeStorage(images);
    db.prepare(SCHEMA);
    db.commit([{ table: 'vats', puts: [vatRow('v1')], deletes: [] }]);
    const files = makeImageFiles(await init(), images);
    const connection = files.open('kernel.sqlite', 'wal');
    connection.run('UPDATE vats SET incarnation = 9007199254740993');
    files.committed('kernel.sqlite', connection);
    await expect(insistUsable(images)).rejects.toMatchObject(
      failure(expect.stringMatching(/holds no integer: the file is damaged/)),
    );
  });

  it('are read also when they were written by way of a log', async () => {
    const files = await fill();
    const [[name, bytes] = ['', new Uint8Array()]] = files;
    const logged = bytes.slice();
    logged.fill(2, 18, 20);
    await insistUsable(new Map([...files, [name, logged]]));
  });
});
