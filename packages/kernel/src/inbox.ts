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

/**
 * The queues: one inbox for each endpoint, and for each unresolved promise the
 * messages parked on it. Whatever is queued holds what it names.
 */
export const makeInbox = (
  state: State,
  {
    refcounts,
    route,
    onArrival,
  }: {
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

  const add = (row: Omit<QueueRow, 'position' | 'tries'>): void => {
    const item = { ...row, position: state.allot('position'), tries: 0 };
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
