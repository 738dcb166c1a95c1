import harden from '@endo/harden';
import { isPromiseKref, type Kref } from '@cooperage/protocol';
import { insistRow } from '../faults.ts';
import { draftObject, draftPromise } from '../store/drafts.ts';
import type { PromiseRow } from '../store/schema.ts';
import type { State } from '../store/state.ts';

/** What a settled promise holds: what its data names, but not the promise itself, which would then never go. */
export const slotsHeldBy = ({
  kref,
  slots,
}: Pick<PromiseRow, 'kref' | 'slots'>): readonly Kref[] =>
  slots.includes(kref) ? slots.filter(slot => slot !== kref) : slots;
harden(slotsHeldBy);

/**
 * Who counts:
 *
 * - an object is *reachable* by each importing c-list entry whose flag is set,
 *   each queued item that names it, each promise resolved to data that names it,
 *   each name in `home`, its vat's row if it is the root, the parameters of a vat,
 *   each alias that stands for it, each timer that is to tell it, and each call or birth
 *   that needs it;
 *   it is *recognizable* by each of these and by importing entries whose flag is not set;
 * - a promise is held by each c-list entry of whatever sign, each queued item that
 *   names it (the item parked on a promise does not hold that promise), each other promise
 *   resolved to data that names it (itself not counted), each `retiring` row,
 *   the row of a cluster whose bootstrap's answer it is, the parameters of a vat that is there or being made, each timer, call or birth that
 *   is to settle it, and the row of a child whose end it tells.
 *
 * What follows when a count falls is decided at the end of the crank, by
 * `worklist.ts`: until then a count may fall and rise again.
 */
export const makeRefcounts = (state: State) => {
  const { objects, promises } = state;
  const fallen = new Set<Kref>();
  const lessHeld = new Set<Kref>();

  const changeObject = (
    kref: Kref,
    reachable: number,
    recognizable: number,
  ) => {
    const row = insistRow(objects.get(kref), `object ${kref}`);
    const next = draftObject(row);
    next.reachable += reachable;
    next.recognizable += recognizable;
    objects.put(next);
    if (next.reachable === 0) {
      fallen.add(kref);
    }
  };

  const changePromise = (kref: Kref, by: number) => {
    const row = insistRow(promises.get(kref), `promise ${kref}`);
    const next = draftPromise(row);
    next.refs += by;
    promises.put(next);
    if (next.refs === 0) {
      fallen.add(kref);
    } else if (by < 0) {
      lessHeld.add(kref);
    }
  };

  const hold = (kref: Kref): void =>
    isPromiseKref(kref) ? changePromise(kref, 1) : changeObject(kref, 1, 1);
  const release = (kref: Kref): void =>
    isPromiseKref(kref) ? changePromise(kref, -1) : changeObject(kref, -1, -1);

  return {
    hold,
    release,
    /** An importing entry that could only recognize its object goes. */
    releaseWeakly: (kref: Kref): void => changeObject(kref, 0, -1),
    /** The flag of an importing entry changed. */
    becomeReachable: (kref: Kref): void => changeObject(kref, 1, 0),
    becomeUnreachable: (kref: Kref): void => changeObject(kref, -1, 0),
    /** To be looked at although no count changed: its owner is gone, or exports it anew; or it has settled at last. */
    suspect: (kref: Kref): void => {
      fallen.add(kref);
      if (isPromiseKref(kref)) {
        lessHeld.add(kref);
      }
    },

    /**
     * Objects that nobody can reach, or whose owner has changed, and promises that
     * nobody holds. Whoever looks at one takes it out, and believes the tables
     * alone: an undone crank may have left some.
     */
    fallen,
    /** Promises that lost a holder, or had lost one before they settled, and have others, which may be each other. Whoever looks at one takes it out. */
    lessHeld,
  };
};
harden(makeRefcounts);

export type Refcounts = ReturnType<typeof makeRefcounts>;
