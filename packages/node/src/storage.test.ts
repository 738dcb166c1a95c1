import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  runKernelDbTests,
  type KernelDbUnderTest,
} from '@cooperage/kernel/kernel-db-suite';
import {
  runVatStoresTests,
  type VatStoresUnderTest,
} from '@cooperage/kernel/vat-stores-suite';
import { makeVatId } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
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
