import harden from '@endo/harden';
import { referencesOf, type Delivery, type Vref } from '@cooperage/protocol';

/** Exports of one object, all facets of a kit, whose ends the kernel and the store are told of in one crank. */
export type Ended = { readonly base: string; readonly vrefs: readonly Vref[] };

const baseOf = (vref: Vref): string => vref.replace(/:.*/, '');

/** References that one crank lets go of: the kernel, which hears nobody meanwhile, takes some ten milliseconds for them. */
export const MOST_LET_GO = 3_000;

/**
 * Imports that the vat has let go of, and dead exports that others can still
 * recognize, of which the kernel has not heard yet: it hears of so many in a
 * crank. Until then it takes imports for held; so one that it names meanwhile is
 * the vat's again as it was, and there is nothing to tell. A dead export it names
 * only to say that nobody recognizes it any more: then the rest of its object
 * ends in that crank. With the heap all of this is lost, and found again by the
 * sweep.
 */
export const makeLettingGo = (most: number) => {
  const drops = new Set<Vref>();
  const retirements = new Set<Vref>();
  const ends = new Map<string, Vref[]>();
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
  const takeEnds = (count: number): Ended[] => {
    const taken: Ended[] = [];
    let left = count;
    for (const [base, vrefs] of ends) {
      if (left <= 0) {
        break;
      }
      taken.push({ base, vrefs });
      left -= vrefs.length;
    }
    taken.forEach(({ base }) => ends.delete(base));
    return taken;
  };
  const endRestOf = (vrefs: readonly Vref[]): Ended[] => {
    const begun = new Map<string, Ended>();
    for (const vref of vrefs) {
      const base = baseOf(vref);
      const others = begun.get(base)?.vrefs ?? ends.get(base);
      if (others) {
        ends.delete(base);
        begun.set(base, { base, vrefs: others.filter(each => each !== vref) });
      }
    }
    return [...begun.values()];
  };
  return Object.freeze({
    dropImports: (vrefs: readonly Vref[]) =>
      vrefs.forEach(vref => drops.add(vref)),
    retireImports: (vrefs: readonly Vref[]) =>
      vrefs.forEach(vref => retirements.add(vref)),
    retireExports: (vrefs: readonly Vref[]): void => {
      for (const vref of vrefs) {
        const base = baseOf(vref);
        const known = ends.get(base);
        if (known) {
          known.push(vref);
        } else {
          ends.set(base, [vref]);
        }
      }
    },
    /** Whether the kernel has not heard yet of the end of the object's exports. */
    isEnding: (base: string): boolean => ends.has(base),
    /** What the kernel names in this delivery is not let go of; gives what it has to hear of the end of in this crank. */
    deliver: (delivery: Delivery): readonly Ended[] => {
      if (drops.size + retirements.size > 0) {
        for (const vref of referencesOf(delivery)) {
          drops.delete(vref);
          retirements.delete(vref);
        }
      }
      return ends.size > 0 && delivery[0] === 'retireExports'
        ? endRestOf(delivery[1])
        : [];
    },
    hasMore: (): boolean => drops.size + retirements.size + ends.size > 0,
    /** What to tell of now: what is retired has been dropped. */
    next: () => {
      const dropped = take(drops, most);
      const retired = take(retirements, most - dropped.length);
      const left = most - dropped.length - retired.length;
      return { dropped, retired, ended: takeEnds(left) };
    },
  });
};
harden(makeLettingGo);
