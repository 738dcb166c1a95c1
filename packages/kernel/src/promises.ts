import harden from '@endo/harden';
import {
  encodeError,
  isPromiseKref,
  type CapData,
  type EndpointId,
  type Kref,
} from '@cooperage/protocol';
import type { Bootstraps } from './bootstraps.ts';
import { insistRow } from './faults.ts';
import type { Inbox } from './inbox.ts';
import { slotsHeldBy, type Refcounts } from './gc/refcounts.ts';
import { isSettled, isSettling } from './promise-state.ts';
import { draftPromise } from './store/drafts.ts';
import type { PromiseRow } from './store/schema.ts';
import type { State } from './store/state.ts';
import { weighAnswer } from './store/weights.ts';
import type { Usage } from './usage.ts';

/** What one notify tells. */
export type Closure = {
  readonly together: ReadonlySet<Kref>;
  /** To be told after it. */
  readonly later: ReadonlySet<Kref>;
  /** Told as rejected, because it is too much. */
  readonly refused: ReadonlySet<Kref>;
};

type Settlement = {
  readonly kref: Kref;
  readonly isRejected: boolean;
  readonly data: CapData<Kref>;
};

/** References that a notify has for one promise: its own, and those of its answer. */
const namesOf = ({ slots }: PromiseRow): number => 1 + slots.length;

/** Resolution, subscription and rejection of promises; messages parked on them move on when they resolve. */
export const makePromises = (
  state: State,
  {
    refcounts,
    inbox,
    bootstraps,
    usage,
    onRefused,
    most,
  }: {
    refcounts: Refcounts;
    inbox: Inbox;
    bootstraps: Pick<Bootstraps, 'settled'>;
    usage: Usage;
    /** The endpoint's answer was refused: the promise rejects. */
    onRefused: (endpoint: EndpointId, problem: string) => void;
    /** Messages that one crank passes on from the promises where they are parked. */
    most: number;
  },
) => {
  const { promises } = state;
  /** How many this crank may still pass on. */
  let left = most;
  /** Promises whose answer is known while messages are still parked on them. A crank that was undone may have left one; the tables are believed. */
  const settling = new Set<Kref>();

  const get = (kref: Kref): PromiseRow =>
    insistRow(promises.get(kref), `promise ${kref}`);

  /** The settlement itself, or a rejection when there is no room for it. */
  const fit = (wanted: Settlement): Settlement => {
    const { kref, data } = wanted;
    const row = get(kref);
    const problem = usage.problemOfAnswer(row, data);
    if (problem === undefined) {
      return wanted;
    }
    const { decider } = row;
    if (decider !== null) {
      onRefused(decider, problem);
    }
    return { kref, isRejected: true, data: encodeError('Error', problem) };
  };

  const tell = (
    { kref, body }: PromiseRow,
    isRejected: boolean,
    subscribers: readonly EndpointId[],
  ): void => {
    for (const subscriber of subscribers) {
      inbox.addNotify(subscriber, kref);
    }
    bootstraps.settled(kref, isRejected, body ?? '');
  };

  const settle = (wanted: Settlement): void => {
    const { kref, isRejected, data } = fit(wanted);
    slotsHeldBy({ kref, slots: data.slots }).forEach(refcounts.hold);
    const row = get(kref);
    if (row.state !== 'unresolved') {
      throw Error(`promise ${kref} is resolved already`);
    }
    const settled = draftPromise(row);
    settled.decider = null;
    settled.settler = row.decider;
    settled.body = data.body;
    settled.slots = data.slots;
    const parked = inbox.length(kref);
    if (parked > left) {
      settled.state = isRejected ? 'rejecting' : 'fulfilling';
      promises.put(settled);
      settling.add(kref);
      return;
    }
    settled.state = isRejected ? 'rejected' : 'fulfilled';
    settled.subscribers = [];
    promises.put(settled);
    if (parked > 0) {
      left -= inbox.unpark(settled, parked);
    }
    tell(settled, isRejected, row.subscribers);
  };

  /** Passes on some of what is parked on a promise whose answer is known. Nobody is told before the last of it has gone. */
  const goOn = (kref: Kref): void => {
    const row = promises.get(kref);
    if (!row || !isSettling(row)) {
      settling.delete(kref);
      return;
    }
    left -= inbox.unpark(row, left);
    if (inbox.length(kref) === 0) {
      settling.delete(kref);
      const isRejected = row.state === 'rejecting';
      const now = get(kref);
      const settled = draftPromise(now);
      settled.state = isRejected ? 'rejected' : 'fulfilled';
      settled.subscribers = [];
      promises.put(settled);
      tell(now, isRejected, now.subscribers);
      refcounts.suspect(kref);
    }
  };

  /** Settlements under way, new ones and those to go on with: a chain of messages, each to the answer of the one before, can be as long as a crank. */
  const settlements: (Settlement | Kref)[] = [];

  const settleInTurn = (first: Settlement | Kref): void => {
    settlements.push(first);
    if (settlements.length > 1) {
      return; // the one who settles the first one is at it
    }
    try {
      for (const settlement of settlements) {
        if (typeof settlement === 'string') {
          goOn(settlement);
        } else {
          settle(settlement);
        }
      }
    } finally {
      settlements.length = 0;
    }
  };

  /**
   * Settles an unresolved promise. Parked messages are routed first, in their
   * order, then each subscriber's notify is queued; then come the promises that
   * this rejects in turn, since what was parked could not be routed.
   * When more is parked than one crank may pass on, the answer is kept and the
   * rest of this is done in steps: until then messages are parked behind those,
   * and for everybody but its decider the promise is as it was.
   */
  const resolve = (
    kref: Kref,
    isRejected: boolean,
    data: CapData<Kref>,
  ): void => settleInTurn({ kref, isRejected, data });

  const setSubscribers = (
    row: PromiseRow,
    subscribers: readonly EndpointId[],
  ): void => {
    const next = draftPromise(row);
    next.subscribers = subscribers;
    promises.put(next);
  };

  const subscribe = (endpoint: EndpointId, kref: Kref): void => {
    const row = get(kref);
    if (isSettled(row)) {
      inbox.addNotify(endpoint, kref);
    } else if (!row.subscribers.includes(endpoint)) {
      // The first one, mostly; what spreads a list that grows, V8 makes anew again and again.
      setSubscribers(
        row,
        row.subscribers.length === 0
          ? [endpoint]
          : row.subscribers.concat(endpoint),
      );
    }
  };

  const unsubscribe = (endpoint: EndpointId, kref: Kref): void => {
    const row = get(kref);
    if (row.subscribers.includes(endpoint)) {
      setSubscribers(
        row,
        row.subscribers.filter(each => each !== endpoint),
      );
    }
  };

  const setDecider = (kref: Kref, decider: EndpointId | null): void => {
    const next = draftPromise(get(kref));
    next.decider = decider;
    promises.put(next);
  };

  /** Rejects the result that a message waits for, if it waits for one. */
  const rejectResult = (
    result: Kref | null,
    name: string,
    message: string,
  ): void => {
    if (result !== null) {
      resolve(result, true, encodeError(name, message));
    }
  };

  /**
   * Settled promises with every settled promise that their data leads to: they
   * are told together, so that one notify leaves no name behind that needs another.
   * What is too much for one notify, in text or in references, is told in one of its own, if it names no
   * promise, or if the one who is told has a name for it already: whoever names a
   * promise of others can't change what it comes to. Else, what names promises may
   * lead back to what named it: told apart, the two would come again and again,
   * each with a new name. So it is told as a rejection; only who settles promises
   * with each other and millions of units, or thousands of promises, meets that.
   */
  const closureOf = (
    krefs: readonly Kref[],
    isKnown: (kref: Kref) => boolean,
  ): Closure => {
    const together = new Set(krefs);
    const later = new Set<Kref>();
    const refused = new Set<Kref>();
    let { units, names } = usage.mostTogether;
    const count = (row: PromiseRow): void => {
      units -= weighAnswer(row);
      names -= namesOf(row);
    };
    const take = (kref: Kref, row: PromiseRow): void => {
      if (weighAnswer(row) <= units && namesOf(row) <= names) {
        count(row);
        together.add(kref);
      } else if (row.slots.some(isPromiseKref) && !isKnown(kref)) {
        refused.add(kref);
      } else {
        later.add(kref);
      }
    };
    krefs.forEach(kref => count(get(kref)));
    for (const each of together) {
      for (const slot of promises.get(each)?.slots ?? []) {
        const row = together.has(slot) ? undefined : promises.get(slot);
        if (row && isSettled(row)) {
          take(slot, row);
        }
      }
    }
    return { together, later, refused };
  };

  return {
    /** To be called when a crank begins. */
    beginCrank: (): void => {
      left = most;
    },
    /** No promise is being settled. */
    isDone: (): boolean => settling.size === 0,
    /** A bounded part of what is left to be passed on; in a crank of its own, which is not undone. */
    step: (): void => {
      for (const kref of settling) {
        if (left <= 0) {
          break;
        }
        settleInTurn(kref);
        if (settling.delete(kref)) {
          settling.add(kref); // the others come before the rest of it
          return;
        }
      }
    },
    /** What an earlier run may have left. */
    restore: (): void => {
      for (const row of promises.values()) {
        if (isSettling(row)) {
          settling.add(row.kref);
        }
      }
    },
    get,
    resolve,
    subscribe,
    unsubscribe,
    setDecider,
    rejectResult,
    closureOf,
  };
};
harden(makePromises);

export type Promises = ReturnType<typeof makePromises>;
