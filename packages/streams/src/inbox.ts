import { QueueFullError, StreamError } from './errors.ts';
import { soon } from './outbox.ts';
import { makeBoundedQueue } from './queue.ts';

/** Who takes the messages of a stream. */
export type Receiver<In> = {
  readonly onMessage: (message: In) => void;
  readonly onClose: (reason?: Error) => void;
  /**
   * `'automatic'`: a message counts as taken when `onMessage` returns. `'manual'`: the receiver calls `acknowledge`
   * itself. It matters only if the other side has a window.
   */
  readonly acknowledge: 'automatic' | 'manual';
};

/** The receiving half of a stream. */
export type Inbox<In> = {
  arrive(batch: readonly In[]): void;
  /** Sets the receiver; the function returned takes it away again. Throws if there is one. */
  receive(receiver: Receiver<In>): () => void;
  acknowledge(count: number): void;
  /** The other side keeps at most `size` messages unacknowledged. */
  announce(size: number): void;
  /** Nothing more will come. What waits is still delivered unless `drop`; then `onClose` is called. */
  end(reason: Error | undefined, drop: boolean): void;
};

/** Counts what was taken and says so when half of the other side's window is used up. */
const makeAcknowledger = (label: string, sendAck: (count: number) => void) => {
  let window = 0;
  let outstanding = 0;
  let taken = 0;
  return {
    announce: (size: number) => {
      window = size;
    },
    arrive: (count: number) => {
      if (window === 0) return;
      outstanding += count;
      if (outstanding <= window) return;
      throw new QueueFullError(
        `${label}: the other side sent beyond its own window of ${window}`,
      );
    },
    take: (count: number) => {
      if (window === 0) return;
      taken = Math.min(outstanding, taken + count);
      if (taken * 2 < window) return;
      const ack = taken;
      outstanding -= ack;
      taken = 0;
      if (ack > 0) sendAck(ack);
    },
  };
};

/**
 * Hands arriving messages to one receiver, and keeps them in a bounded queue while there is none. `onFault` gets what
 * must close the stream: the QueueFullError of a full queue or a broken window, or what the receiver threw.
 */
export const makeInbox = <In>(options: {
  limit: number;
  label: string;
  sendAck(count: number): void;
  onFault(thrown: unknown): void;
}): Inbox<In> => {
  const { limit, label, onFault } = options;
  const acknowledger = makeAcknowledger(label, options.sendAck);
  const waiting = makeBoundedQueue<{ message: In }>(
    limit,
    `${label}: ${limit} messages wait for a receiver (inboxLimit ${limit})`,
  );
  let receiver: Receiver<In> | undefined;
  let ending: { readonly reason: Error | undefined } | undefined;
  let isDropped = false;

  const give = (to: Receiver<In>, message: In): number => {
    to.onMessage(message);
    return to.acknowledge === 'automatic' ? 1 : 0;
  };
  const concludeIfDone = (): void => {
    if (!ending || !receiver || waiting.size() > 0) return;
    const { onClose } = receiver;
    const { reason } = ending;
    ending = undefined;
    receiver = undefined;
    onClose(reason);
  };
  const arrive = (batch: readonly In[]): void => {
    try {
      acknowledger.arrive(batch.length);
      let taken = 0;
      for (const message of batch) {
        if (isDropped) return;
        if (!receiver || waiting.size() > 0) waiting.push({ message });
        else taken += give(receiver, message);
      }
      acknowledger.take(taken);
    } catch (thrown) {
      onFault(thrown);
    }
  };
  const drain = (): void => {
    try {
      let taken = 0;
      while (receiver) {
        const next = waiting.shift();
        if (next === undefined) break;
        taken += give(receiver, next.message);
      }
      acknowledger.take(taken);
    } catch (thrown) {
      onFault(thrown);
    }
    concludeIfDone();
  };

  return Object.freeze({
    arrive,
    receive: (mine: Receiver<In>) => {
      if (receiver) {
        throw new StreamError(
          'STREAM_BUSY',
          `${label}: has a receiver already`,
        );
      }
      receiver = mine;
      if (waiting.size() > 0 || ending) void soon.then(drain);
      return () => {
        if (receiver === mine) receiver = undefined;
      };
    },
    acknowledge: acknowledger.take,
    announce: acknowledger.announce,
    end: (reason: Error | undefined, drop: boolean) => {
      ending = { reason };
      isDropped = drop;
      if (drop) waiting.clear();
      concludeIfDone();
    },
  });
};
