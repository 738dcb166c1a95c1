import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';

/** Vats that get nothing for now, and who is to hear when that comes to nothing. */
export const makeHolds = () => {
  const holds = new Map<VatId, () => void>();
  return harden({
    isHeld: (vat: VatId): boolean => holds.has(vat),
    /**
     * From now on nothing is delivered to the vat of what waits for it, until
     * `release`. `onVoid` is called when its heap is made to go meanwhile.
     */
    hold: (vat: VatId, onVoid: () => void): void => {
      holds.set(vat, onVoid);
    },
    release: (vat: VatId): void => {
      holds.delete(vat);
    },
    /** The vat's heap is made to go: whoever holds the vat still lets it go. */
    void: (vat: VatId): void => holds.get(vat)?.(),
  });
};
harden(makeHolds);

export type Holds = ReturnType<typeof makeHolds>;
