import harden from '@endo/harden';
import { isPromiseKref, type Kref } from '@cooperage/protocol';
import { insistRow } from './faults.ts';
import type { PromiseRow } from './store/schema.ts';
import type { State } from './store/state.ts';

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
 *   each name in `home`, its vat's row if it is the root, and the parameters of a vat;
 *   it is *recognizable* by each of these and by importing entries whose flag is not set;
 * - a promise is held by each c-list entry of whatever sign, each queued item that
 *   names it (the item parked on a promise does not hold that promise), each other promise
 *   resolved to data that names it (itself not counted), each `retiring` row, and
 *   the parameters of a vat.
 *
 * A promise that nobody holds goes at the end of the crank (`settle`), with what
 * its data holds. An object that nobody can recognize and nobody exports goes too.
 */
export const makeRefcounts = (state: State) => {
  const { objects, promises } = state;
  const unheld = new Set<Kref>();

  const changeObject = (
    kref: Kref,
    reachable: number,
    recognizable: number,
  ) => {
    const row = insistRow(objects.get(kref), `object ${kref}`);
    objects.put({
      ...row,
      reachable: row.reachable + reachable,
      recognizable: row.recognizable + recognizable,
    });
    if (row.recognizable + recognizable === 0) {
      unheld.add(kref);
    }
  };

  const changePromise = (kref: Kref, by: number) => {
    const row = insistRow(promises.get(kref), `promise ${kref}`);
    promises.put({ ...row, refs: row.refs + by });
    if (row.refs + by === 0) {
      unheld.add(kref);
    }
  };

  const hold = (kref: Kref): void =>
    isPromiseKref(kref) ? changePromise(kref, 1) : changeObject(kref, 1, 1);
  const release = (kref: Kref): void =>
    isPromiseKref(kref) ? changePromise(kref, -1) : changeObject(kref, -1, -1);

  return {
    hold,
    release,
    /** An importing c-list entry that can only recognize its object. */
    holdWeakly: (kref: Kref): void => changeObject(kref, 0, 1),
    releaseWeakly: (kref: Kref): void => changeObject(kref, 0, -1),
    /** The flag of an importing entry changed. */
    becomeReachable: (kref: Kref): void => changeObject(kref, 1, 0),
    becomeUnreachable: (kref: Kref): void => changeObject(kref, -1, 0),
    /** To be looked at by `settle` although no count changed: its owner is gone. */
    suspect: (kref: Kref): void => {
      unheld.add(kref);
    },

    /** Deletes what nobody holds, and what that alone held, to the fixpoint. To be called at the end of a crank. */
    settle: (): void => {
      for (const kref of unheld) {
        unheld.delete(kref);
        if (isPromiseKref(kref)) {
          const row = promises.get(kref);
          if (row?.refs === 0) {
            promises.delete(kref);
            slotsHeldBy(row).forEach(release);
          }
        } else {
          const row = objects.get(kref);
          if (row?.recognizable === 0 && row.owner === null) {
            objects.delete(kref);
          }
        }
      }
    },
    /** Forgets what the crank touched; to be called when it is undone. */
    forget: (): void => unheld.clear(),
  };
};
harden(makeRefcounts);

export type Refcounts = ReturnType<typeof makeRefcounts>;
