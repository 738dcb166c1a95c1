import {
  closeSync,
  cpSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KernelDb, TableSchema } from '@cooperage/kernel';
import {
  runKernelDbTests,
  type KernelDbUnderTest,
} from '@cooperage/kernel/kernel-db-suite';
import {
  runVatStoresTests,
  type VatStoresUnderTest,
} from '@cooperage/kernel/vat-stores-suite';
import {
  openFilesStorage,
  type Migration,
  type Storage,
} from '@cooperage/kernel/sqlite-wasm';
import { makeVatId } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import { openFolderFiles } from './folder-files.ts';
import { openFolderStorage } from './storage.ts';

const makeFolder = (): string => mkdtempSync(join(tmpdir(), 'cooperage-'));

/** What a kill at this moment would leave: the files as they are, with the claim of one who is gone. */
const copyFolder = (folder: string): string => {
  const copy = makeFolder();
  cpSync(folder, copy, {
    recursive: true,
    filter: path => !path.includes('claim-'),
  });
  return copy;
};

const open = async (folder: string) => {
  const { db, stores } = await openFolderStorage(folder);
  return {
    db,
    stores,
    dispose: () => {
      db.close();
      stores.close();
      rmSync(folder, { recursive: true });
    },
  };
};
const openDb = async (folder: string): Promise<KernelDbUnderTest> => ({
  ...(await open(folder)),
  reopen: () => openDb(copyFolder(folder)),
});
const openStores = async (folder: string): Promise<VatStoresUnderTest> => ({
  ...(await open(folder)),
  reopen: () => openStores(copyFolder(folder)),
  damage: vat => {
    const path = join(folder, `vat-${vat}.sqlite`);
    writeFileSync(path, readFileSync(path).fill(7));
  },
});

runKernelDbTests('a folder', () => openDb(makeFolder()));
runVatStoresTests('a folder', () => openStores(makeFolder()));

describe('storage in a folder', () => {
  it('says what the system said when a file can’t be used', async () => {
    const folder = makeFolder();
    const { stores, dispose } = await open(folder);
    mkdirSync(join(folder, 'vat-v1.sqlite'));
    expect(() => stores.read(makeVatId(1))).toThrow(
      expect.objectContaining({
        code: 'STORAGE_FAILED',
        message: expect.stringContaining('EISDIR'),
      }),
    );
    dispose();
  });

  it('merges its log only when asked, and what a killed kernel has left after the first commit', async () => {
    const folder = makeFolder();
    const sizeOf = (name: string): number => statSync(join(folder, name)).size;
    const table: TableSchema = {
      name: 'texts',
      keys: 1,
      columns: [
        { name: 'id', type: 'integer', about: '' },
        { name: 'text', type: 'text', about: '' },
      ],
    };
    let id = 0;
    const put = (db: KernelDb, rows: number): void => {
      const puts = Array.from({ length: rows }, () => {
        id += 1;
        return [id, 'x'.repeat(4_000)];
      });
      db.commit([{ table: 'texts', puts, deletes: [] }]);
    };

    const first = await open(folder);
    first.db.prepare([table]);
    put(first.db, 300);
    expect(first.db.isMergeDue()).toBe(false);
    put(first.db, 1_200);
    expect(first.db.isMergeDue()).toBe(true);
    expect(sizeOf('kernel.sqlite-wal')).toBeGreaterThan(1_500 * 4_000);
    expect(sizeOf('kernel.sqlite')).toBeLessThan(100_000);

    first.db.merge();
    expect(first.db.isMergeDue()).toBe(false);
    expect(sizeOf('kernel.sqlite')).toBeGreaterThan(1_500 * 4_000);
    const size = sizeOf('kernel.sqlite-wal');
    put(first.db, 300);
    expect(sizeOf('kernel.sqlite-wal')).toBe(size); // it begins anew

    const second = await open(copyFolder(folder));
    second.db.prepare([table]);
    expect(second.db.isMergeDue()).toBe(true);
    second.db.merge();
    expect(second.db.isMergeDue()).toBe(false);
    expect(second.db.load('texts')).toHaveLength(1_800);
    second.dispose();
    first.dispose();
  });

  it('refuses a store that is too large to be loaded, and goes on with the others', async () => {
    const folder = makeFolder();
    const first = await openFolderStorage(folder);
    first.stores.fold(makeVatId(1), 1, [['key', 'value']]);
    first.stores.fold(makeVatId(2), 1, [['key', 'value']]);
    first.db.close();
    first.stores.close();
    // SQLite takes the size from the first page when that was written last.
    const path = join(folder, 'vat-v1.sqlite');
    const head = readFileSync(path).subarray(0, 100);
    head.writeUInt32BE(300_000, 28);
    const file = openSync(path, 'r+');
    writeSync(file, head, 0, 100, 0);
    ftruncateSync(file, 300_000 * head.readUInt16BE(16)); // takes no room on the disk
    closeSync(file);
    const { stores, dispose } = await open(folder);
    expect(() => stores.read(makeVatId(1))).toThrow(
      expect.objectContaining({
        code: 'STORE_DAMAGED',
        message: expect.stringMatching(
          /it has \d{10} bytes, and a vat can start over 1073741824 at most/,
        ),
      }),
    );
    expect(stores.read(makeVatId(2)).fold).toBe(1);
    dispose();
  });

  it('has the kernel’s file as it was when a migration of it fails, also on the disk', async () => {
    const folder = makeFolder();
    const openWith = (migrations: readonly Migration[]) =>
      openFilesStorage({
        name: folder,
        makeFiles: sqlite3 => openFolderFiles(sqlite3, folder),
        migrations,
      });
    const columns = [{ name: 'id', type: 'text', about: '' }] as const;
    const schema = [{ name: 'things', keys: 1, columns }];
    const close = ({ db, stores }: Storage): void => {
      db.close();
      stores.close();
    };
    const first = await openWith([]);
    first.db.prepare(schema);
    first.db.commit([{ table: 'things', puts: [['a']], deletes: [] }]);
    close(first);
    const second = await openWith([
      connection => {
        connection.run('DELETE FROM things');
        connection.run('ALTER TABLE things ADD COLUMN mood TEXT');
        throw Error('a migration that fails');
      },
    ]);
    expect(() => second.db.prepare(schema)).toThrow('a migration that fails');
    close(second);
    const third = await openWith([]);
    third.db.prepare(schema);
    expect(third.db.load('things')).toEqual([['a']]);
    close(third);
    rmSync(folder, { recursive: true });
  });

  it('gives the folder free when it can’t be opened', async () => {
    const folder = makeFolder();
    mkdirSync(join(folder, 'kernel.sqlite'));
    for (const _ of [1, 2]) {
      await expect(openFolderStorage(folder)).rejects.toThrow('EISDIR');
    }
    rmSync(folder, { recursive: true });
  });

  it('deletes at the start what a deleted vat’s file has left', async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, 'vat-v9.sqlite-journal'), 'left');
    const { dispose } = await open(folder);
    expect(existsSync(join(folder, 'vat-v9.sqlite-journal'))).toBe(false);
    dispose();
  });
});
