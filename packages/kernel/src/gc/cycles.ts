import harden from '@endo/harden';
import { isPromiseKref, type Kref } from '@cooperage/protocol';
import { isSettled, isSettling } from '../promise-state.ts';
import type { PromiseRow } from '../store/schema.ts';
import type { State } from '../store/state.ts';
import { slotsHeldBy } from './refcounts.ts';

/** What a promise leads to: the promises in its data, and in the messages that wait for it. */
const promisesHeldBy = (state: State, row: PromiseRow): readonly Kref[] => {
  const told = slotsHeldBy(row).filter(isPromiseKref);
  return isSettled(row)
    ? told
    : state.queueByName
        .values(row.kref)
        .flatMap(({ slots, result }) =>
          [...slots, ...(result === null ? [] : [result])].filter(
            isPromiseKref,
          ),
        )
        .concat(told);
};

/** True when the promise holds others, as each one of a cycle must. Cheap. */
const canHold = (state: State, row: PromiseRow): boolean =>
  row.state === 'unresolved'
    ? row.decider === null && state.queueByName.count(row.kref) > 0
    : row.slots.some(isPromiseKref);

/** What a search has found. */
export type Search = {
  /** Promises that only each other hold. */
  readonly cycles: ReadonlySet<Kref>;
  /** All that it has looked at. */
  readonly seen: Iterable<Kref>;
  /** Promises, and references or messages that wait for them, that it has looked at. */
  readonly steps: number;
};

/** How often each promise is held by those that `from` leads to; undefined when it takes more than `most` steps to tell. */
const countInside = (
  state: State,
  from: Iterable<Kref>,
  most: number,
): { inside: Map<Kref, number>; steps: number } | undefined => {
  const inside = new Map<Kref, number>();
  for (const kref of from) {
    inside.set(kref, 0);
  }
  let steps = 0;
  for (const kref of inside.keys()) {
    const row = state.promises.get(kref);
    // Each is a step, and counted before it is looked at: there may be very many.
    const parked =
      row && !isSettled(row) ? state.queueByName.count(row.kref) : 0;
    if (steps + 1 + parked > most) {
      return undefined;
    }
    const held = row ? promisesHeldBy(state, row) : [];
    steps += 1 + Math.max(parked, held.length);
    if (steps > most) {
      return undefined;
    }
    for (const each of held) {
      inside.set(each, (inside.get(each) ?? 0) + 1);
    }
  }
  return { inside, steps };
};

/**
 * Promises that only each other hold, and that the promises of `from` are among
 * or lead to; undefined when it would take more than `most` steps to tell.
 *
 * A count does not find them: settled promises whose data names each other, and
 * promises that nobody but the kernel could decide, each the answer to a message
 * that waits for another. Of all that is held within the part of the tables to
 * which `from` leads, what is held more often than that part explains is held
 * from outside, and keeps what it leads to. The rest is garbage.
 */
export const findCycles = (
  state: State,
  from: Iterable<Kref>,
  most = Infinity,
): Search | undefined => {
  const counted = countInside(state, from, most);
  if (!counted) {
    return undefined;
  }
  const { inside, steps } = counted;
  const alive = new Set<Kref>();
  for (const [kref, held] of inside) {
    const row = state.promises.get(kref);
    if (row && (row.refs > held || isSettling(row))) {
      alive.add(kref);
    }
  }
  for (const kref of alive) {
    const row = state.promises.get(kref);
    for (const each of row ? promisesHeldBy(state, row) : []) {
      alive.add(each);
    }
  }
  const cycles = new Set([...inside.keys()].filter(kref => !alive.has(kref)));
  return { cycles, seen: inside.keys(), steps };
};
harden(findCycles);

/** Those of the promises that may be part of a cycle at all. */
export const suspectsAmong = (
  state: State,
  krefs: Iterable<Kref>,
): Set<Kref> => {
  const suspects = new Set<Kref>();
  for (const kref of krefs) {
    const row = state.promises.get(kref);
    if (row && canHold(state, row)) {
      suspects.add(kref);
    }
  }
  return suspects;
};
harden(suspectsAmong);
