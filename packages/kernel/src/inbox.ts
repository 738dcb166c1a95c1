import harden from '@endo/harden';
import { type CapData, type EndpointId, type Kref } from '@cooperage/protocol';
import type { Refcounts } from './gc/refcounts.ts';
import { draftItem } from './store/drafts.ts';
import type { PromiseRow, QueueName, QueueRow } from './store/schema.ts';
import { laneOf, type State } from './store/state.ts';
import { weighAnswer } from './store/weights.ts';

/** A message on its way, in the kernel's names. */
export type KernelMessage = {
  readonly target: Kref;
  readonly methargs: CapData<Kref>;
  readonly result: Kref | null;
  readonly sender: EndpointId | null;
};

/** In what portions an inbox is worked off. */
export type InboxBounds = {
  /** Messages of one sender, or notifies, in one round. Infinity makes the order that of arrival. */
  readonly roundMessages: number;
  /** Promises that an endpoint is told of at once when they wait one behind the other. */
  readonly notifiesTogether: number;
};

/** What answers may count that notifies carry together, in UTF-16 units; one alone may count more. */
const UNITS_TOGETHER = 100_000;

/**
 * The queues: one inbox for each endpoint, and for each unresolved promise the
 * messages parked on it. Whatever is queued holds what it names.
 *
 * An inbox is worked off in rounds. A message joins the round that is under way,
 * unless its sender has so many messages in that one already: then it joins the
 * next in which there is room, and never an earlier one than the sender's last.
 * So a sender's messages keep their order, and a flood delays the message of
 * another by one round at most. Notifies count to no sender: all that wait for
 * one endpoint have a place in each round as if they were one more sender's, for
 * whoever resolves promises can make as many of them as messages.
 */
export const makeInbox = (
  state: State,
  {
    refcounts,
    route,
    passOn,
    onArrival,
    bounds: { roundMessages, notifiesTogether },
  }: {
    bounds: InboxBounds;
    refcounts: Refcounts;
    /** Finds where a message goes now. */
    route: (message: KernelMessage) => void;
    /** Finds where one that was parked on a promise goes by its answer. */
    passOn: (message: KernelMessage, promise: PromiseRow) => void;
    /** Called when an endpoint's inbox may have got something. */
    onArrival: (endpoint: EndpointId) => void;
  },
) => {
  const { queue } = state;

  const forEachHeld = (row: QueueRow, visit: (kref: Kref) => void): void => {
    if (row.queue !== row.target) {
      visit(row.target); // or it is parked on that
    }
    row.slots.forEach(visit);
    if (row.result !== null) {
      visit(row.result);
    }
  };

  const messageOf = (item: QueueRow): KernelMessage => ({
    target: item.target,
    methargs: { body: item.body, slots: item.slots },
    result: item.result,
    sender: item.sender,
  });

  const placeOf = (
    item: Pick<QueueRow, 'queue' | 'kind' | 'target' | 'sender'>,
  ): Pick<QueueRow, 'round' | 'nth'> => {
    if (item.queue === item.target) {
      return { round: 0, nth: 0 }; // it gets a place when it is routed
    }
    const last = state.lanes.last(laneOf(item));
    if (!last) {
      return { round: state.queueByName.first(item.queue)?.round ?? 0, nth: 1 };
    }
    return last.nth < roundMessages
      ? { round: last.round, nth: last.nth + 1 }
      : { round: last.round + 1, nth: 1 };
  };

  const add = (
    name: QueueName,
    kind: QueueRow['kind'],
    { target, methargs: { body, slots }, result, sender }: KernelMessage,
  ): void => {
    const { round, nth } = placeOf({ queue: name, kind, target, sender });
    const item: QueueRow = {
      position: state.allot('position'),
      queue: name,
      kind,
      target,
      body,
      slots,
      result,
      sender,
      round,
      nth,
      tries: 0,
    };
    queue.put(item);
    forEachHeld(item, refcounts.hold);
  };

  /** Takes an item out; what it held is released. */
  const remove = (item: QueueRow): void => {
    queue.delete(item.position);
    forEachHeld(item, refcounts.release);
  };

  const hasNotify = (endpoint: EndpointId, promise: Kref): boolean =>
    state.notifies.count(`${endpoint} ${promise}`) > 0;

  return {
    hasNotify,
    /** The endpoint has been told of the promise: what would tell it again goes. */
    removeNotifies: (endpoint: EndpointId, promise: Kref): void =>
      state.notifies.values(`${endpoint} ${promise}`).forEach(remove),
    /** The endpoint's next item, which stays where it is. */
    head: (endpoint: EndpointId): QueueRow | undefined =>
      state.queueByName.first(endpoint),
    /**
     * The promises of the notify at the head and of those right behind it: to
     * tell them together keeps their order and saves deliveries.
     */
    notifiesAtHead: (endpoint: EndpointId): Kref[] => {
      const krefs: Kref[] = [];
      let units = 0;
      for (const item of state.queueByName.firsts(endpoint, notifiesTogether)) {
        const promise = state.promises.get(item.target);
        units += promise ? weighAnswer(promise) : 0;
        if (
          item.kind !== 'notify' ||
          (krefs.length > 0 && units > UNITS_TOGETHER)
        ) {
          break;
        }
        krefs.push(item.target);
      }
      return krefs;
    },
    length: (name: QueueName): number => state.queueByName.count(name),
    items: (name: QueueName): QueueRow[] => state.queueByName.values(name),
    get: (position: number): QueueRow | undefined => queue.get(position),
    deliverTo: (endpoint: EndpointId, message: KernelMessage): void => {
      add(endpoint, 'message', message);
      onArrival(endpoint);
    },
    park: (message: KernelMessage): void =>
      add(message.target, 'message', message),
    /** Passes on the first messages parked on a promise whose answer is known, in order; gives how many. */
    unpark: (promise: PromiseRow, most: number): number => {
      const items = state.queueByName.firsts(promise.kref, most);
      for (const item of items) {
        remove(item);
        passOn(messageOf(item), promise);
      }
      return items.length;
    },
    /** What its target is has changed: the message goes where it would go now. */
    reroute: (item: QueueRow): void => {
      remove(item); // it must not count twice
      route(messageOf(item));
    },
    addNotify: (endpoint: EndpointId, promise: Kref): void => {
      if (state.endings.has(endpoint) || hasNotify(endpoint, promise)) {
        return;
      }
      add(endpoint, 'notify', {
        target: promise,
        methargs: { body: '', slots: [] },
        result: null,
        sender: null,
      });
      onArrival(endpoint);
    },
    remove,
    countTry: (item: QueueRow): QueueRow => {
      const tried = draftItem(item);
      tried.tries += 1;
      queue.put(tried);
      return tried;
    },
    /** It counts as tried so often. */
    giveUp: (item: QueueRow, tries: number): void => {
      const tried = draftItem(item);
      tried.tries = tries;
      queue.put(tried);
    },
  };
};
harden(makeInbox);

export type Inbox = ReturnType<typeof makeInbox>;
