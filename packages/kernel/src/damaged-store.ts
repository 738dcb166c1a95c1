import harden from '@endo/harden';
import { CooperageError, type VatId } from '@cooperage/protocol';
import type { VatStores } from './ports.ts';

/** That vat's file can't be used, while the storage can. */
export const isStoreDamaged = (problem: unknown): problem is CooperageError =>
  problem instanceof CooperageError && problem.code === 'STORE_DAMAGED';
harden(isStoreDamaged);

/** Bytes of a vat's file; none of one that can't be used. */
export const sizeOfStore = (
  stores: Pick<VatStores, 'size'>,
  vat: VatId,
): number => {
  try {
    return stores.size(vat);
  } catch (problem) {
    if (!isStoreDamaged(problem)) {
      throw problem;
    }
    return 0;
  }
};
harden(sizeOfStore);
