import harden from '@endo/harden';
import {
  encodeError,
  isPromiseKref,
  isServiceId,
  type Kref,
} from '@cooperage/protocol';
import type { Inbox } from '../inbox.ts';
import type { Promises } from '../promises.ts';
import { isSettling } from '../promise-state.ts';
import type { PromiseRow } from '../store/schema.ts';
import type { State } from '../store/state.ts';
import type { Actions } from './actions.ts';
import { findCycles, suspectsAmong } from './cycles.ts';
import { letGo } from '../services/objects.ts';
import { slotsHeldBy, type Refcounts } from './refcounts.ts';

/** Promises and references that one crank looks at in search of cycles; a search that would be longer is left to the next collection. */
const MOST_STEPS = 1_000;
/** One that a collection makes; what leads to more is left to the next start. */
const MOST_SEARCHED = 100_000;
/** After so many a collection lets others have their turn. */
const STEPS_TOGETHER = 20_000;

const NONE: ReadonlySet<Kref> = new Set();

const NEVER = encodeError(
  'Error',
  'the promise that this message waited for can never be settled',
);

/**
 * The end of each crank: what nobody holds goes, and then what it held, until
 * nothing more goes; where that is much, so many rows now and the rest in steps.
 * Nobody can name what is left until then. The cases:
 *
 * 1. An object whose exporter is there and that nobody can reach: the exporter
 *    is to be told (`actions.ts` says of what). A service lets go of it at once:
 *    it is then an orphan.
 * 2. An orphan that nobody can recognize: its row goes.
 * 3. An orphan that some can recognize and nobody can reach: they are to be
 *    told; the row goes with the last of their entries.
 * 4. An orphan that somebody can reach: it stays, and breaks when it is used.
 * 5. A promise that nobody holds: its row goes, and its data lets go of what it named.
 * 6. Settled promises that only each other hold: they go as 5 does.
 * 7. Promises that only messages hold which wait for one another: the messages
 *    go, and with them the promises; further answers to the messages reject.
 */
export const makeWorklist = (
  state: State,
  {
    refcounts,
    actions,
    promises,
    inbox,
    most,
  }: {
    refcounts: Refcounts;
    actions: Actions;
    promises: Promises;
    inbox: Inbox;
    /** Rows that one crank makes go, at most; the others go in steps. */
    most: number;
  },
) => {
  /** Promises that lost a holder in a crank that did not come to an end of its search. */
  const unsearched = new Set<Kref>();
  /** Promises of cycles that are to be broken up still. Some may have gone; a new run finds them again. */
  const doomed = new Set<Kref>();
  /** Of what this crank may make go. */
  let left = most;

  const lookAtObject = (kref: Kref): void => {
    const row = state.objects.get(kref);
    if (!row || row.reachable > 0) {
      return; // gone, or held again (4)
    }
    const isLetGo = letGo(state, refcounts, kref);
    if (row.owner !== null && !isLetGo) {
      actions.note(row.owner, kref); // (1)
    } else if (row.recognizable === 0) {
      state.objects.delete(kref); // (2)
    } else {
      for (const { endpoint } of state.recognizers.values(kref)) {
        actions.note(endpoint, kref); // (3)
      }
    }
  };

  /** Lets go of what the promise holds: what its data names, or the messages that wait for it, which never come to anything (7). */
  const letGoOf = (row: PromiseRow): void => {
    if (row.state === 'unresolved') {
      for (const item of inbox.items(row.kref)) {
        left -= 1;
        inbox.remove(item);
        if (item.result !== null && !doomed.has(item.result)) {
          promises.resolve(item.result, true, NEVER);
        }
      }
    } else {
      const held = slotsHeldBy(row);
      left -= held.length;
      held.forEach(refcounts.release);
    }
  };

  const lookAtPromise = (kref: Kref): void => {
    const row = state.promises.get(kref);
    if (row?.refs === 0 && !isSettling(row)) {
      letGoOf(row);
      state.promises.delete(kref); // (5)
    }
  };

  const drain = (): void => {
    for (const kref of refcounts.fallen) {
      if (left <= 0) {
        return;
      }
      left -= 1;
      refcounts.fallen.delete(kref);
      if (isPromiseKref(kref)) {
        lookAtPromise(kref);
      } else {
        lookAtObject(kref);
      }
    }
  };

  /** Makes the promises of cycles let go of each other, or some of them; the counts do the rest. */
  const breakOn = (): void => {
    for (const kref of doomed) {
      if (left <= 0) {
        return;
      }
      const row = state.promises.get(kref);
      if (row) {
        left -= 1;
        letGoOf(row);
        if (row.state !== 'unresolved') {
          state.promises.put({ ...promises.get(kref), slots: [] }); // (6)
        }
      }
      doomed.delete(kref);
    }
  };

  const breakUp = (cycles: ReadonlySet<Kref>): void => {
    cycles.forEach(kref => doomed.add(kref));
    breakOn();
  };

  const settle = (): void => {
    drain();
    while (refcounts.lessHeld.size > 0) {
      const suspects = suspectsAmong(state, refcounts.lessHeld);
      refcounts.lessHeld.clear();
      if (suspects.size > 0) {
        const found = findCycles(state, suspects, MOST_STEPS);
        if (!found) {
          suspects.forEach(kref => unsearched.add(kref));
        }
        breakUp(found?.cycles ?? NONE);
        drain();
      }
    }
    left = most;
  };

  return harden({
    /** To be called at the end of a crank that is to be kept. */
    settle,
    isSearchDue: () => unsearched.size > 0,
    /** Promises that searches are due to begin at, in their order. */
    memory: (): readonly Kref[] => [...unsearched],
    /**
     * Cycles among what cranks have left to be searched, of a part of it: to be
     * asked for until no search is due. Of a cycle that is garbage some promise
     * was the last to lose a holder outside of it, and is looked at here or is
     * led to from what is; what a search has seen needs none of its own.
     */
    searchOn: (): ReadonlySet<Kref> => {
      const cycles = new Set<Kref>();
      let steps = 0;
      for (const kref of unsearched) {
        if (steps >= STEPS_TOGETHER) {
          break;
        }
        unsearched.delete(kref);
        const suspects = suspectsAmong(state, [kref]);
        const found = findCycles(state, suspects, MOST_SEARCHED);
        steps += found?.steps ?? MOST_SEARCHED;
        for (const each of found?.seen ?? []) {
          unsearched.delete(each);
        }
        found?.cycles.forEach(each => cycles.add(each));
      }
      return cycles;
    },
    /** All cycles that there are: to be asked for at the start of a kernel. */
    searchAll: (): ReadonlySet<Kref> => {
      const all = [...state.promises.values()].map(({ kref }) => kref);
      return findCycles(state, suspectsAmong(state, all))?.cycles ?? NONE;
    },
    /** Begins to; to be used inside a crank. */
    breakUp,
    /** Nothing that nobody holds is left to go. What cranks have not searched is left to collections. */
    isDone: (): boolean => refcounts.fallen.size === 0 && doomed.size === 0,
    /** A bounded part of what is left; in a crank of its own, at whose end more goes. */
    step: breakOn,
    /** What an earlier run may have left. */
    restore: (): void => {
      for (const { kref, refs } of state.promises.values()) {
        if (refs === 0) {
          refcounts.fallen.add(kref);
        }
      }
      for (const { kref, owner, reachable } of state.objects.values()) {
        if (reachable === 0 && (owner === null || isServiceId(owner))) {
          refcounts.fallen.add(kref);
        }
      }
    },
  });
};
harden(makeWorklist);

export type Worklist = ReturnType<typeof makeWorklist>;
