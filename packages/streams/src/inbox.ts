import { QueueFullError, StreamError, faultOf } from './errors.ts';
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
  /** The other side keeps at most `size` messages unacknowledged; false when it has said so before. */
  announce(size: number): boolean;
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
      const isFirst = window === 0;
      if (isFirst) window = size;
      return isFirst;
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

/** The place of the one receiver. */
const makePlace = <In>(label: string) => {
  let receiver: Receiver<In> | undefined;
  return {
    isTaken: () => receiver !== undefined,
    take: (mine: Receiver<In>) => {
      if (receiver) {
        throw new StreamError(
          'STREAM_BUSY',
          `${label}: has a receiver already`,
        );
      }
      receiver = mine;
      return () => {
        if (receiver === mine) receiver = undefined;
      };
    },
    /** Hands a message over; how many count as taken by that. */
    give: (message: In): number => {
      const taker = receiver;
      if (!taker) return 0;
      taker.onMessage(message);
      return taker.acknowledge === 'manual' ? 0 : 1;
    },
    conclude: (reason: Error | undefined): void => {
      const last = receiver;
      receiver = undefined;
      last?.onClose(reason);
    },
  };
};

const makeWaiting = <In>(label: string, limit: number) =>
  makeBoundedQueue<{ message: In }>(
    limit,
    `${label}: ${limit} messages wait for a receiver (inboxLimit ${limit})`,
  );

const guard =
  <Args extends unknown[]>(
    onThrown: (thrown: unknown) => void,
    run: (...args: Args) => void,
  ) =>
  (...args: Args): void => {
    try {
      run(...args);
    } catch (thrown) {
      onThrown(thrown);
    }
  };

/** What an inbox may hold, and whom it tells. */
export type InboxOptions = {
  limit: number;
  label: string;
  sendAck(count: number): void;
  onFault(error: StreamError): void;
};

/**
 * Hands arriving messages to one receiver, and keeps them in a bounded queue while there is none. `onFault` gets what
 * must close the stream: the QueueFullError of a full queue or a broken window, or what the receiver threw (a
 * StreamError as it is, anything else as the `cause` of STREAM_RECEIVER).
 */
export const makeInbox = <In>(options: InboxOptions): Inbox<In> => {
  const { label, onFault } = options;
  const acknowledger = makeAcknowledger(label, options.sendAck);
  const place = makePlace<In>(label);
  const waiting = makeWaiting<In>(label, options.limit);
  let ending: { readonly reason: Error | undefined } | undefined;
  let state: 'open' | 'draining' | 'dropped' = 'open';

  const concludeIfDone = (): void => {
    if (!ending || !place.isTaken() || waiting.size() > 0) return;
    const { reason } = ending;
    ending = undefined;
    place.conclude(reason);
  };
  const onThrown = (thrown: unknown): void => {
    if (state === 'open') {
      const what = `${label}: the receiver threw`;
      return onFault(faultOf('STREAM_RECEIVER', what, thrown));
    }
    // The stream can't close with it any more, so it goes to the host: it must not vanish.
    waiting.clear();
    concludeIfDone();
    throw thrown;
  };
  const arrive = guard(onThrown, (batch: readonly In[]) => {
    acknowledger.arrive(batch.length);
    let taken = 0;
    for (const message of batch) {
      if (state === 'dropped') return;
      if (place.isTaken() && waiting.size() === 0) taken += place.give(message);
      else waiting.push({ message });
    }
    acknowledger.take(taken);
  });
  const drain = guard(onThrown, () => {
    let taken = 0;
    while (place.isTaken()) {
      const next = waiting.shift();
      if (next === undefined) break;
      taken += place.give(next.message);
    }
    acknowledger.take(taken);
    concludeIfDone();
  });

  return Object.freeze({
    arrive,
    receive: (mine: Receiver<In>) => {
      const release = place.take(mine);
      if (waiting.size() > 0 || ending) void soon.then(drain);
      return release;
    },
    acknowledge: acknowledger.take,
    announce: acknowledger.announce,
    end: (reason: Error | undefined, drop: boolean) => {
      ending = { reason };
      state = drop ? 'dropped' : 'draining';
      if (drop) waiting.clear();
      concludeIfDone();
    },
  });
};
