import harden from '@endo/harden';
import { type CapData, type EndpointId, type Kref } from '@cooperage/protocol';
import type { Refcounts } from './refcounts.ts';
import type { QueueName, QueueRow } from './store/schema.ts';
import type { State } from './store/state.ts';

/** A message on its way, in the kernel's names. */
export type KernelMessage = {
  readonly target: Kref;
  readonly methargs: CapData<Kref>;
  readonly result: Kref | null;
  readonly sender: EndpointId | null;
};

/** How much of an inbox one sender may take up. */
export type InboxBounds = {
  /** Messages in one inbox, or parked on one promise. One sender may have half of them. */
  readonly inboxMessages: number;
  /** Messages of one sender in one round. Infinity makes the order that of arrival. */
  readonly roundMessages: number;
};

/**
 * The queues: one inbox for each endpoint, and for each unresolved promise the
 * messages parked on it. Whatever is queued holds what it names.
 *
 * An inbox is worked off in rounds. A message joins the round that is under way,
 * unless its sender has so many messages in that one already: then it joins the
 * next in which there is room, and never an earlier one than the sender's last.
 * So a sender's messages keep their order, and a flood delays the message of
 * another by one round at most. A notify joins the round under way: it was
 * asked for by the one who gets it.
 */
export const makeInbox = (
  state: State,
  {
    refcounts,
    route,
    onArrival,
    bounds: { inboxMessages, roundMessages },
  }: {
    bounds: InboxBounds;
    refcounts: Refcounts;
    /** Finds where a message that was parked goes now. */
    route: (message: KernelMessage) => void;
    /** Called when an endpoint's inbox may have got something. */
    onArrival: (endpoint: EndpointId) => void;
  },
) => {
  const { queue } = state;

  const heldBy = (row: QueueRow): readonly Kref[] => {
    const isParked = row.queue === row.target;
    return [
      ...(isParked ? [] : [row.target]),
      ...row.slots,
      ...(row.result === null ? [] : [row.result]),
    ];
  };

  const laneOf = (name: QueueName, sender: EndpointId | null): string =>
    `${name} ${sender}`;

  const placeOf = ({
    queue: name,
    kind,
    target,
    sender,
  }: Pick<QueueRow, 'queue' | 'kind' | 'target' | 'sender'>): Pick<
    QueueRow,
    'round' | 'nth'
  > => {
    if (name === target) {
      return { round: 0, nth: 0 }; // it gets a place when it is routed
    }
    const underWay = state.queueByName.first(name)?.round ?? 0;
    if (kind === 'notify') {
      return { round: underWay, nth: 0 };
    }
    const last = state.lanes.last(laneOf(name, sender));
    if (!last) {
      return { round: underWay, nth: 1 };
    }
    return last.nth < roundMessages
      ? { round: last.round, nth: last.nth + 1 }
      : { round: last.round + 1, nth: 1 };
  };

  const add = (
    row: Omit<QueueRow, 'position' | 'round' | 'nth' | 'tries'>,
  ): void => {
    const position = state.allot('position');
    const item = { ...row, ...placeOf(row), position, tries: 0 };
    queue.put(item);
    heldBy(item).forEach(refcounts.hold);
  };

  const addMessage = (
    name: QueueName,
    { target, methargs, result, sender }: KernelMessage,
  ): void =>
    add({
      queue: name,
      kind: 'message',
      target,
      body: methargs.body,
      slots: methargs.slots,
      result,
      sender,
    });

  /** Takes an item out; what it held is released. */
  const remove = (item: QueueRow): void => {
    queue.delete(item.position);
    heldBy(item).forEach(refcounts.release);
  };

  const hasNotify = (endpoint: EndpointId, promise: Kref): boolean =>
    state.notifies.count(`${endpoint} ${promise}`) > 0;

  return {
    hasNotify,
    /** Why the queue takes no more of that sender's messages, if it takes none. */
    problemOfMore: (
      name: QueueName,
      sender: EndpointId | null,
    ): string | undefined => {
      const waiting = state.messages.count(name);
      if (waiting >= inboxMessages) {
        return `${waiting} messages wait for ${name}, and no more may`;
      }
      const own = state.lanes.count(laneOf(name, sender));
      return own >= inboxMessages / 2
        ? `${own} messages of ${sender} wait for ${name}, and no more may`
        : undefined;
    },
    /** The endpoint has been told of the promise: what would tell it again goes. */
    removeNotifies: (endpoint: EndpointId, promise: Kref): void =>
      state.notifies.values(`${endpoint} ${promise}`).forEach(remove),
    /** The endpoint's next item, which stays where it is. */
    head: (endpoint: EndpointId): QueueRow | undefined =>
      state.queueByName.first(endpoint),
    length: (endpoint: EndpointId): number => state.queueByName.count(endpoint),
    items: (name: QueueName): QueueRow[] => state.queueByName.values(name),
    get: (position: number): QueueRow | undefined => queue.get(position),
    deliverTo: (endpoint: EndpointId, message: KernelMessage): void => {
      addMessage(endpoint, message);
      onArrival(endpoint);
    },
    park: (message: KernelMessage): void => addMessage(message.target, message),
    /** Routes what is parked on a promise that has just been settled, in order. */
    unpark: (promise: Kref): void => {
      for (const item of state.queueByName.values(promise)) {
        remove(item);
        route({
          target: item.target,
          methargs: { body: item.body, slots: item.slots },
          result: item.result,
          sender: item.sender,
        });
      }
    },
    addNotify: (endpoint: EndpointId, promise: Kref): void => {
      if (hasNotify(endpoint, promise)) {
        return;
      }
      add({
        queue: endpoint,
        kind: 'notify',
        target: promise,
        body: '',
        slots: [],
        result: null,
        sender: null,
      });
      onArrival(endpoint);
    },
    remove,
    countTry: (item: QueueRow): QueueRow => {
      const tried = { ...item, tries: item.tries + 1 };
      queue.put(tried);
      return tried;
    },
  };
};
harden(makeInbox);

export type Inbox = ReturnType<typeof makeInbox>;
