import harden from '@endo/harden';
import { referencesOf, type Delivery, type Vref } from '@cooperage/protocol';

/** References that one crank lets go of: the kernel, which hears nobody meanwhile, takes some ten milliseconds for them. */
const MOST_LET_GO = 3_000;

/**
 * Imports that the vat has let go of and of which the kernel has not heard yet:
 * it hears of so many in a crank. Until then it takes them for held; so one that
 * it names meanwhile is the vat's again as it was, and there is nothing to tell.
 * With the heap all of this is lost, and found again by the sweep.
 */
export const makeLettingGo = (most = MOST_LET_GO) => {
  const drops = new Set<Vref>();
  const retirements = new Set<Vref>();
  const take = (from: Set<Vref>, count: number): Vref[] => {
    const taken: Vref[] = [];
    for (const vref of from) {
      if (taken.length === count) {
        break;
      }
      taken.push(vref);
    }
    taken.forEach(vref => from.delete(vref));
    return taken;
  };
  return Object.freeze({
    dropImports: (vrefs: readonly Vref[]) =>
      vrefs.forEach(vref => drops.add(vref)),
    retireImports: (vrefs: readonly Vref[]) =>
      vrefs.forEach(vref => retirements.add(vref)),
    /** What the kernel names in this delivery is not let go of. */
    deliver: (delivery: Delivery): void => {
      if (drops.size + retirements.size > 0) {
        for (const vref of referencesOf(delivery)) {
          drops.delete(vref);
          retirements.delete(vref);
        }
      }
    },
    hasMore: (): boolean => drops.size + retirements.size > 0,
    /** What to tell of now: what is retired has been dropped. */
    next: () => {
      const dropped = take(drops, most);
      return { dropped, retired: take(retirements, most - dropped.length) };
    },
  });
};
harden(makeLettingGo);
