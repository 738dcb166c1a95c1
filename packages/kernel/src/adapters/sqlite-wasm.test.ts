import { describe, expect, it } from 'vitest';
import type { TableSchema } from '../ports.ts';
import { runKernelDbTests, type KernelDbUnderTest } from './kernel-db-suite.ts';
import { makeFileImages, openNodeStorage } from './sqlite-wasm.ts';
import {
  runVatStoresTests,
  type VatStoresUnderTest,
} from './vat-stores-suite.ts';

const openDb = async (image = makeFileImages()): Promise<KernelDbUnderTest> => {
  const { db } = await openNodeStorage(image);
  return { db, reopen: () => openDb(image), dispose: () => {} };
};
const openStores = async (
  image = makeFileImages(),
): Promise<VatStoresUnderTest> => {
  const { stores } = await openNodeStorage(image);
  return {
    stores,
    reopen: () => openStores(image),
    dispose: () => {},
    damage: vat => {
      const name = `vat-${vat}.sqlite`;
      image.set(name, new Uint8Array(image.get(name) ?? []).fill(7));
    },
  };
};

runKernelDbTests('SQLite', () => openDb());
runVatStoresTests('SQLite', () => openStores());

const schemaOf = (...names: string[]): TableSchema => ({
  name: 'things',
  keys: 1,
  columns: names.map(name => ({ name, type: 'text', about: '' })),
});

describe('the kernel database’s schema version', () => {
  it('is raised by migrations, each run once', async () => {
    const image = makeFileImages();
    const first = await openNodeStorage(image, []);
    first.db.prepare([schemaOf('id')]);
    first.db.commit([{ table: 'things', puts: [['a']], deletes: [] }]);
    let runs = 0;
    const migrations = [
      (connection: { run(sql: string): void }) => {
        runs += 1;
        connection.run(
          `ALTER TABLE things ADD COLUMN label TEXT NOT NULL DEFAULT 'none'`,
        );
      },
    ];
    for (const _ of [1, 2]) {
      const { db } = await openNodeStorage(image, migrations);
      db.prepare([schemaOf('id', 'label')]);
      expect(db.load('things')).toEqual([['a', 'none']]);
    }
    expect(runs).toBe(1);
    const old = await openNodeStorage(image, []);
    expect(() => old.db.prepare([schemaOf('id')])).toThrow(
      expect.objectContaining({
        code: 'STORAGE_FAILED',
        message: expect.stringContaining('version 2'),
      }),
    );
  });

  it('does not run migrations on a new database', async () => {
    const { db } = await openNodeStorage(makeFileImages(), [
      () => {
        throw Error('not to be run');
      },
    ]);
    db.prepare([schemaOf('id')]);
    expect(db.load('things')).toEqual([]);
  });

  it('leaves all as it was when a migration fails', async () => {
    const image = makeFileImages();
    const first = await openNodeStorage(image, []);
    first.db.prepare([schemaOf('id')]);
    const { db } = await openNodeStorage(image, [
      connection => {
        connection.run('DROP TABLE things');
        throw Error('broken migration');
      },
    ]);
    expect(() => db.prepare([schemaOf('id')])).toThrow('broken migration');
    const again = await openNodeStorage(image, []);
    again.db.prepare([schemaOf('id')]);
    expect(again.db.load('things')).toEqual([]);
  });

  it('refuses a table whose columns changed without a migration', async () => {
    const image = makeFileImages();
    const first = await openNodeStorage(image);
    first.db.prepare([schemaOf('id')]);
    const { db } = await openNodeStorage(image);
    expect(() => db.prepare([schemaOf('id', 'label')])).toThrow(
      'changed without a migration',
    );
  });
});
