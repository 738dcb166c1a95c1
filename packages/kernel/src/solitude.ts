import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';

/** Of the bound, with each loss. */
const GROWTH = 6;

/**
 * Vats that were in flight when the process of all vats was lost, the suspects,
 * are let in one at a time, and alone, so that the next loss tells which of them
 * it was. While one waits for the others to end, and while it is in flight, no
 * other delivery begins; but neither lasts longer than `milliseconds`, six times
 * as long with each loss that the suspect has met beside others: so one that takes
 * no more than the usual deadline is alone until it ends from the second on. Then a suspect flies
 * beside those that do not end, and others beside a suspect that does not. Suspects
 * wait for one another as long as that takes, each until its deadline at most.
 */
export const makeSolitude = ({
  milliseconds,
  suspects,
  isInFlight,
  inFlight,
  isInWant,
  now,
  after,
  onOver,
}: {
  milliseconds: number;
  /** And how many losses each has met since a delivery to it ended well. */
  suspects: () => ReadonlyMap<VatId, number>;
  isInFlight: (vat: VatId) => boolean;
  /** How many deliveries are in flight. */
  inFlight: () => number;
  /** True when a delivery to the vat could be made now, and there is one to make. */
  isInWant: (vat: VatId) => boolean;
  now: () => number;
  /** Gives what cancels it. */
  after: (milliseconds: number, callback: () => void) => () => void;
  /** There may be leave for one who found none. */
  onOver: () => void;
}) => {
  /** Since when a suspect has waited for others to end, and none has begun. */
  let waiting: number | undefined;
  /** When a suspect was let in the last time. */
  let letIn = -Infinity;
  let due = Infinity;
  let cancel = (): void => {};

  const isUp = (since: number, losses: number): boolean => {
    const end = since + milliseconds * GROWTH ** (losses - 1);
    const isOver = now() >= end;
    if (!isOver && end < due) {
      cancel();
      due = end;
      cancel = after(end - now(), () => {
        due = Infinity;
        onOver();
      });
    }
    return isOver;
  };

  /** Whether those in flight have had time enough to end before a suspect comes. */
  const isWaitOver = (losses: number): boolean => {
    waiting ??= now();
    return isUp(waiting, losses);
  };

  const mayBegin = (vat: VatId, all: ReadonlyMap<VatId, number>): boolean => {
    const losses = all.get(vat);
    const flying = [...all].find(([suspect]) => isInFlight(suspect));
    if (losses !== undefined) {
      return !flying && (inFlight() === 0 || isWaitOver(losses));
    }
    const wanting = [...all].find(([suspect]) => isInWant(suspect));
    if (!flying && wanting) {
      return isWaitOver(wanting[1]);
    }
    const isLet = !flying || isUp(letIn, flying[1]);
    if (isLet) {
      waiting = undefined;
    }
    return isLet;
  };

  return harden({
    /** Whether a delivery to the vat, which could take one, may begin now; if not, `onOver` is called in a while. */
    isLetIn: (vat: VatId): boolean => {
      const all = suspects();
      if (all.size === 0) {
        waiting = undefined;
        return true;
      }
      const isLet = mayBegin(vat, all);
      if (isLet && all.has(vat)) {
        letIn = now();
      }
      return isLet;
    },
  });
};
harden(makeSolitude);
