import { cpSync, mkdtempSync, rmSync } from 'node:fs';
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
