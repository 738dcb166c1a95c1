import harden from '@endo/harden';
import { CooperageError } from '@cooperage/protocol';

/** That vat's file can't be used, while the storage can. */
export const isStoreDamaged = (problem: unknown): problem is CooperageError =>
  problem instanceof CooperageError && problem.code === 'STORE_DAMAGED';
harden(isStoreDamaged);

/** Bytes of a vat's file, or of a part of it, as they are measured; none of one that can't be used. */
export const bytesUnlessDamaged = (measure: () => number): number => {
  try {
    return measure();
  } catch (problem) {
    if (!isStoreDamaged(problem)) {
      throw problem;
    }
    return 0;
  }
};
harden(bytesUnlessDamaged);
