import harden from '@endo/harden';
import type { CapData, Kref, VatId } from '@cooperage/protocol';
import type { CLists } from './clist.ts';
import { survivesHeap } from './heap-survival.ts';
import type { Promises } from './promises.ts';
import type { Refusals } from './refusals.ts';
import type { CListRow } from './store/schema.ts';
import type { State } from './store/state.ts';

/** Entries that a step looks at for each row that it may clear away. */
const LOOKS = 10;

/** What is left to be looked at of a heap that is gone. */
type Loss = {
  /** The vat's that follows: the loss of a crank that was undone is none. */
  readonly incarnation: number;
  readonly data: CapData<Kref>;
  /** Promises that the heap was to decide. */
  readonly decided: readonly Kref[];
  readonly entries: readonly CListRow[];
  /** How far it has come in both, one after the other. */
  done: number;
};

/**
 * Heaps that are gone, and what they leave in the tables: promises that the heap
 * was to decide reject, and entries that only the heap knew go (see
 * `heap-survival.ts`), by which its exports are orphans.
 *
 * All this is done in steps of so many rows. The vat's row says at once that it
 * has no heap, or an upgrade's, which knows nothing of these rows; and nothing is
 * delivered to it before the last step, so it can't tell. If that heap is lost
 * meanwhile, what is left of the one before goes with it. What a crash leaves is
 * found by what is there and should not be.
 */
export const makeLosses = (
  state: State,
  {
    clists,
    promises,
    refusals,
    most,
  }: {
    clists: CLists;
    promises: Promises;
    refusals: Refusals;
    /** Rows that one step clears away. */
    most: number;
  },
) => {
  /** A crank that was undone may have left one; the tables are believed. */
  const losses = new Map<VatId, Loss>();

  const rejectDecided = (vat: VatId, kref: Kref, data: CapData<Kref>): void => {
    if (state.promises.get(kref)?.decider === vat) {
      promises.resolve(kref, true, data);
    }
  };

  /** Gives whether the entry had to go. */
  const removeEntry = ({ endpoint, kref, vref }: CListRow): boolean => {
    const row = state.clists.get(endpoint, kref);
    if (row?.vref !== vref || survivesHeap(state, row)) {
      return false;
    }
    clists.remove(row);
    return true;
  };

  /** Works on; gives how many rows that took, and so many looks are one. */
  const goOn = (vat: VatId, loss: Loss, limit: number): number => {
    const { decided, entries, data } = loss;
    const before = loss.done;
    let left = limit;
    for (; left > 0 && loss.done < before + limit * LOOKS; loss.done += 1) {
      const kref = decided[loss.done];
      const entry = entries[loss.done - decided.length];
      if (kref !== undefined) {
        rejectDecided(vat, kref, data);
        left -= 1;
      } else if (entry !== undefined) {
        left -= removeEntry(entry) ? 1 : 0;
      } else {
        losses.delete(vat);
        refusals.sift(vat);
        break;
      }
    }
    return Math.max(limit - left, Math.ceil((loss.done - before) / LOOKS));
  };

  const isReal = (vat: VatId, { incarnation }: Loss): boolean =>
    state.vats.get(vat)?.incarnation === incarnation;

  return harden({
    /**
     * The vat, whose row is that of its next incarnation, has lost its heap: a part
     * of what follows, the rest in steps. Entries of what is renamed, to which the
     * next heap will give other names in this crank, go at once.
     */
    begin: (
      vat: VatId,
      {
        incarnation,
        data,
        renamed,
      }: Pick<Loss, 'incarnation' | 'data'> & { renamed: Iterable<Kref> },
    ): void => {
      for (const kref of renamed) {
        const row = state.clists.get(vat, kref);
        if (row) {
          clists.remove(row);
        }
      }
      const loss = {
        incarnation,
        data,
        decided: state.promisesByDecider.values(vat).map(({ kref }) => kref),
        entries: state.clistByEndpoint.values(vat),
        done: 0,
      };
      losses.set(vat, loss);
      goOn(vat, loss, most);
    },
    /** Until this is over nothing is delivered to the vat, and it gets no heap. */
    isUnderWay: (vat: VatId): boolean => losses.has(vat),
    isDone: (): boolean => losses.size === 0,
    /** A bounded part of what is left; in a crank of its own, which is not undone. */
    step: (): void => {
      let left = most;
      for (const [vat, loss] of losses) {
        if (!isReal(vat, loss)) {
          losses.delete(vat);
          continue;
        }
        left -= goOn(vat, loss, left);
        if (losses.delete(vat)) {
          losses.set(vat, loss); // the others come before the rest of it
          return;
        }
        if (left <= 0) {
          return;
        }
      }
    },
    /** Vats without a heap for which a run that was cut off has left something to do. */
    unfinished: (): VatId[] =>
      [...state.vats.values()]
        .filter(
          ({ id, asleep }) =>
            asleep === 1 &&
            !losses.has(id) &&
            (state.promisesByDecider.count(id) > 0 ||
              !state.clistByEndpoint
                .values(id)
                .every(row => survivesHeap(state, row))),
        )
        .map(({ id }) => id),
  });
};
harden(makeLosses);

export type Losses = ReturnType<typeof makeLosses>;
