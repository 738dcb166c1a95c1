import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
  type MemoryImage,
} from '../adapters/memory.ts';
import type { CrashStorage } from './crash-driver.ts';

/** Storage in memory: a commit, a fold and a deletion are each one indivisible change. */
export const memoryStorage: CrashStorage<MemoryImage> = {
  open: disk => {
    const image = makeMemoryImage(disk);
    const db = openMemoryKernelDb(image);
    const stores = openMemoryVatStores(image);
    let copy = makeMemoryImage(image);
    let isChanged = false;
    const changing =
      <Args extends unknown[]>(work: (...args: Args) => void) =>
      (...args: Args): void => {
        isChanged = true;
        work(...args);
      };
    return Promise.resolve({
      db: {
        ...db,
        get counters() {
          return db.counters;
        },
        commit: changing(db.commit),
      },
      stores: {
        ...stores,
        fold: changing(stores.fold),
        delete: changing(stores.delete),
      },
      snapshot: () => {
        if (isChanged) {
          isChanged = false;
          copy = makeMemoryImage(image);
        }
        return copy;
      },
      abandon: () => {},
    });
  },
};
