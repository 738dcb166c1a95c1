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
