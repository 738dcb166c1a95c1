import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';

/** A loss is held against a vat for so long. */
const HOUR = 3_600_000;

/**
 * Vats that have asked for starts of others which were in flight when the process
 * of all vats was lost. What was to start has no life that could be suspended, so
 * whoever asked answers for it: what it asks for next is a suspect, which is alone
 * as it starts, and if that is lost alone, it was the cause. A start that ends
 * well clears nobody of this, or one before each loss would do; an hour does.
 */
export const makeAskers = (now: () => number) => {
  const known = new Map<VatId, { count: number; last: number }>();

  /** A clock that was set back ends it too. */
  const isOver = ({ last }: { last: number }): boolean =>
    now() < last || now() >= last + HOUR;

  const lossesOf = (asker: VatId): number => {
    const losses = known.get(asker);
    return losses && !isOver(losses) ? losses.count : 0;
  };

  return harden({
    lossesOf,
    /** A start that it asked for was in flight at a loss, alone or beside others; true when that start must have been the cause. */
    note: (asker: VatId, isAlone: boolean): boolean => {
      const count = lossesOf(asker);
      for (const [each, losses] of known) {
        if (isOver(losses)) {
          known.delete(each);
        }
      }
      if (isAlone && count > 0) {
        known.delete(asker);
        return true;
      }
      known.set(asker, { count: count + 1, last: now() });
      return false;
    },
  });
};
harden(makeAskers);
