import { makeVatId } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import type { TableChange, TableSchema } from '../ports.ts';
import { runKernelDbTests, type KernelDbUnderTest } from './kernel-db-suite.ts';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
} from './memory.ts';
import {
  runVatStoresTests,
  type VatStoresUnderTest,
} from './vat-stores-suite.ts';

const openDb = async (
  image = makeMemoryImage(),
): Promise<KernelDbUnderTest> => ({
  db: openMemoryKernelDb(image),
  reopen: () => openDb(image),
  dispose: () => {},
});
const openStores = async (
  image = makeMemoryImage(),
): Promise<VatStoresUnderTest> => ({
  stores: openMemoryVatStores(image),
  reopen: () => openStores(image),
  dispose: () => {},
  damage: vat => {
    const store = image.vats.get(vat);
    if (store) {
      store.damage = 'a test has spoilt it';
    }
  },
});

runKernelDbTests('memory', () => openDb());
runVatStoresTests('memory', () => openStores());

describe('an image in memory', () => {
  const VAT = makeVatId(1);
  const schema: TableSchema = {
    name: 'things',
    keys: 1,
    columns: [
      { name: 'id', type: 'text', about: '' },
      { name: 'bytes', type: 'blob', about: '' },
    ],
  };
  const put = (id: string, bytes: Uint8Array): TableChange[] => [
    { table: 'things', puts: [[id, bytes]], deletes: [] },
  ];
  const failure = (message: string) =>
    expect.objectContaining({ code: 'STORAGE_FAILED', message });

  it('is another than its copy from then on', () => {
    const image = makeMemoryImage();
    const db = openMemoryKernelDb(image);
    const stores = openMemoryVatStores(image);
    db.prepare([schema]);
    db.commit(put('a', Uint8Array.of(1)));
    stores.fold(VAT, 1, [['key', 'value']]);
    const copy = makeMemoryImage(image);
    const before = JSON.stringify([
      ...[...copy.tables].map(([name, rows]) => [name, [...rows]]),
      ...[...copy.vats].map(([vat, { fold, rows }]) => [vat, fold, [...rows]]),
    ]);
    expect(before).toContain('value');
    expect(before).toContain('things');
    expect(copy.tables.get('things')?.size).toBe(1);
    db.commit(put('b', Uint8Array.of(2)));
    image.vats.get(VAT)?.rows.set('another', 'value');
    stores.fold(makeVatId(2), 1, []);
    expect(
      JSON.stringify([
        ...[...copy.tables].map(([name, rows]) => [name, [...rows]]),
        ...[...copy.vats].map(([vat, { fold, rows }]) => [
          vat,
          fold,
          [...rows],
        ]),
      ]),
    ).toBe(before);
  });

  it('weighs what its rows do, and nobody changes a row of it', () => {
    const db = openMemoryKernelDb();
    expect(db.size()).toBe(0);
    db.prepare([schema]);
    const bytes = Uint8Array.of(1, 2);
    db.commit(put('ab', bytes));
    bytes.fill(9);
    for (const read of [
      () => db.load('things')[0],
      () => db.read('things', ['ab']),
    ]) {
      const row = read();
      expect(row).toEqual(['ab', Uint8Array.of(1, 2)]);
      (row?.[1] as Uint8Array).fill(9);
      expect(read()).toEqual(['ab', Uint8Array.of(1, 2)]);
    }
    expect(db.size()).toBe(4);
    db.check();
  });

  it('counts a statement for what is looked at, and says which table it does not know', () => {
    const db = openMemoryKernelDb();
    db.prepare([schema]);
    db.load('things');
    db.read('things', ['a']);
    expect({ ...db.counters }).toEqual({
      statements: 2,
      rows: 0,
      bytes: 0,
      commits: 0,
    });
    expect(() => db.load('words')).toThrow(
      failure('storage failed to load table words: there is no table words'),
    );
    expect(() => db.read('words', [])).toThrow(
      failure('storage failed to read table words: there is no table words'),
    );
    expect(() => db.read('things', [])).toThrow(
      failure(
        'storage failed to write to table things: column id must be text',
      ),
    );
    const change = { table: 'words', puts: [], deletes: [['a']] };
    expect(() => db.commit([...put('a', Uint8Array.of(1)), change])).toThrow(
      failure('storage failed to commit: there is no table words'),
    );
    expect(db.load('things')).toEqual([]);
  });

  it('lists vats by the bytes of their names', () => {
    const stores = openMemoryVatStores();
    [2, 10, 1].forEach(number => stores.fold(makeVatId(number), 1, []));
    expect(stores.list()).toEqual(['v1', 'v10', 'v2']);
  });

  it('counts the statements that SQL takes for few and for many keys that go', () => {
    const db = openMemoryKernelDb();
    db.prepare([schema]);
    const statementsOf = (count: number): number => {
      const before = db.counters.statements;
      const deletes = ['a', 'b', 'c', 'd'].slice(0, count).map(key => [key]);
      db.commit([{ table: 'things', puts: [], deletes }]);
      return db.counters.statements - before - 2;
    };
    expect([3, 4].map(statementsOf)).toEqual([3, 1]);
  });

  it('says which store is damaged or closed, and what was to be done', async () => {
    const image = makeMemoryImage();
    const stores = openMemoryVatStores(image);
    stores.fold(VAT, 1, [['key', 'value']]);
    expect(() => stores.fold(VAT, 3, [])).toThrow(
      expect.objectContaining({
        code: 'STORE_DAMAGED',
        message: "can't fold into the store of v1: fold 2 is not in it",
      }),
    );
    const damaged = image.vats.get(VAT);
    if (damaged) {
      damaged.damage = 'it fell';
    }
    const deeds: [string, () => unknown][] = [
      ['read', () => stores.read(VAT)],
      ['fold into', () => stores.fold(VAT, 2, [])],
      ['measure', () => stores.size(VAT)],
      ['check', () => stores.check(VAT)],
    ];
    for (const [what, work] of deeds) {
      expect(work).toThrow(
        expect.objectContaining({
          code: 'STORE_DAMAGED',
          message: `can't ${what} the store of v1: it fell`,
        }),
      );
    }
    stores.close();
    for (const [what, work] of deeds) {
      expect(work).toThrow(
        failure(
          `storage failed to ${what} the store of v1: the stores are closed`,
        ),
      );
    }
    expect(() => stores.delete(VAT)).toThrow(
      failure(
        'storage failed to delete the store of v1: the stores are closed',
      ),
    );
    expect(() => stores.list()).toThrow(
      failure('storage failed to list the stores: the stores are closed'),
    );
    await expect(stores.reserve(1)).rejects.toThrow(
      failure('storage failed to reserve files: the stores are closed'),
    );
  });
});
