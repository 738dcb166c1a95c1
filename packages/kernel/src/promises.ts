import harden from '@endo/harden';
import {
  encodeError,
  type CapData,
  type EndpointId,
  type Kref,
} from '@cooperage/protocol';
import { insistRow } from './faults.ts';
import type { Inbox } from './inbox.ts';
import { slotsHeldBy, type Refcounts } from './refcounts.ts';
import type { PromiseRow } from './store/schema.ts';
import type { State } from './store/state.ts';

type Settlement = {
  readonly kref: Kref;
  readonly isRejected: boolean;
  readonly data: CapData<Kref>;
};

/** Resolution, subscription and rejection of promises; messages parked on them move on when they resolve. */
export const makePromises = (
  state: State,
  { refcounts, inbox }: { refcounts: Refcounts; inbox: Inbox },
) => {
  const { promises } = state;

  const get = (kref: Kref): PromiseRow =>
    insistRow(promises.get(kref), `promise ${kref}`);

  const settle = ({ kref, isRejected, data }: Settlement): void => {
    slotsHeldBy({ kref, slots: data.slots }).forEach(refcounts.hold);
    const row = get(kref);
    if (row.state !== 'unresolved') {
      throw Error(`promise ${kref} is resolved already`);
    }
    promises.put({
      ...row,
      state: isRejected ? 'rejected' : 'fulfilled',
      decider: null,
      subscribers: [],
      body: data.body,
      slots: data.slots,
    });
    inbox.unpark(kref);
    for (const subscriber of row.subscribers) {
      inbox.addNotify(subscriber, kref);
    }
  };

  /** Settlements under way: a chain of messages, each to the answer of the one before, can be as long as a crank. */
  const settlements: Settlement[] = [];

  /**
   * Settles an unresolved promise. Parked messages are routed first, in their
   * order, then each subscriber's notify is queued; then come the promises that
   * this rejects in turn, since what was parked could not be routed.
   */
  const resolve = (
    kref: Kref,
    isRejected: boolean,
    data: CapData<Kref>,
  ): void => {
    settlements.push({ kref, isRejected, data });
    if (settlements.length > 1) {
      return; // the one who settles the first one is at it
    }
    try {
      for (const settlement of settlements) {
        settle(settlement);
      }
    } finally {
      settlements.length = 0;
    }
  };

  const subscribe = (endpoint: EndpointId, kref: Kref): void => {
    const row = get(kref);
    if (row.state !== 'unresolved') {
      inbox.addNotify(endpoint, kref);
    } else if (!row.subscribers.includes(endpoint)) {
      promises.put({ ...row, subscribers: [...row.subscribers, endpoint] });
    }
  };

  const unsubscribe = (endpoint: EndpointId, kref: Kref): void => {
    const row = get(kref);
    if (row.subscribers.includes(endpoint)) {
      promises.put({
        ...row,
        subscribers: row.subscribers.filter(each => each !== endpoint),
      });
    }
  };

  /** Rejects every promise that the endpoint was to decide, once. */
  const rejectDecidedBy = (endpoint: EndpointId, data: CapData<Kref>): void => {
    for (const { kref } of state.promisesByDecider.values(endpoint)) {
      resolve(kref, true, data);
    }
  };

  const setDecider = (kref: Kref, decider: EndpointId | null): void => {
    promises.put({ ...get(kref), decider });
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
   * A settled promise with every settled promise that its data leads to: they
   * are told together, so that one notify leaves no name behind that needs another.
   */
  const closureOf = (kref: Kref): Kref[] => {
    const closure = new Set([kref]);
    for (const each of closure) {
      for (const slot of promises.get(each)?.slots ?? []) {
        const row = promises.get(slot);
        if (row && row.state !== 'unresolved') {
          closure.add(slot);
        }
      }
    }
    return [...closure];
  };

  return {
    get,
    resolve,
    subscribe,
    unsubscribe,
    rejectDecidedBy,
    setDecider,
    rejectResult,
    closureOf,
  };
};
harden(makePromises);

export type Promises = ReturnType<typeof makePromises>;
