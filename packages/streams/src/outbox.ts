import { QueueFullError, faultOf, type StreamError } from './errors.ts';
import { MAX_BATCH } from './wire.ts';

/** Anything that `postMessage` can transfer: ArrayBuffer, MessagePort, and so on. */
export type Transferable = object;

/** Posts one value to the other side, cloned before it returns. Throws what `postMessage` throws. */
export type Post = (data: unknown, transfer?: readonly Transferable[]) => void;

/** The sending half of a stream. */
export type Outbox = {
  /** Queues a message for the end of this turn. Throws QueueFullError if a window is closed and the queue is full. */
  send(message: unknown, transfer: readonly Transferable[] | undefined): void;
  /** Posts what is queued, as far as the window allows. */
  flush(): void;
  /** Posts a control frame at once, ahead of what is queued. */
  say(frame: unknown): void;
  /** The other side took `count` messages; false if that is more than were on their way. */
  credit(count: number): boolean;
  /** Resolves when the next message would leave without waiting for credit. */
  whenReady(): Promise<void>;
  /** Drops what is queued and rejects who waits. */
  end(reason: Error): void;
};

/** A settled promise: its `then` is a microtask in every realm, without a global that a locked realm may lack. */
export const soon = Promise.resolve();

/** One promise for all who wait for the same moment, made only when somebody does. */
const makeBell = () => {
  let promise: Promise<void> | undefined;
  let settle: { resolve(): void; reject(reason: Error): void } | undefined;
  return {
    wait: () => {
      promise ??= new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      return promise;
    },
    ring: (reason?: Error) => {
      if (reason === undefined) settle?.resolve();
      else settle?.reject(reason);
      promise = undefined;
      settle = undefined;
    },
  };
};

/** How much may be on its way: everything, or what an announced window allows. */
const makeCredit = (window: number | undefined) => {
  let inFlight = 0;
  return {
    left: () =>
      window === undefined ? MAX_BATCH : Math.min(MAX_BATCH, window - inFlight),
    spend: (count: number) => {
      if (window !== undefined) inFlight += count;
    },
    regain: (count: number) => {
      if (count > inFlight) return false;
      inFlight -= count;
      return true;
    },
  };
};

/** The messages of one turn, and the transfer lists of those that have one. */
const makeBatch = () => {
  let messages: unknown[] = [];
  // Sparse, by index in `messages`; empty as long as nobody transfers.
  let transfers: (readonly Transferable[])[] = [];
  return {
    size: () => messages.length,
    add: (
      message: unknown,
      transfer: readonly Transferable[] | undefined,
    ): void => {
      messages.push(message);
      if (transfer !== undefined && transfer.length > 0) {
        transfers[messages.length - 1] = transfer;
      }
    },
    /** Takes the oldest `most` messages out and posts them; the number posted. */
    post: (most: number, post: Post): number => {
      const isWhole = messages.length <= most;
      const batch = isWhole ? messages : messages.splice(0, most);
      const lists = isWhole ? transfers : transfers.splice(0, most);
      if (isWhole) {
        messages = [];
        if (transfers.length > 0) transfers = [];
      }
      if (lists.length === 0) post(batch);
      else post(batch, lists.flat());
      return batch.length;
    },
    clear: () => {
      messages = [];
      transfers = [];
    },
  };
};

/** How an outbox posts, and its bounds. */
export type OutboxOptions = {
  post: Post;
  window: number | undefined;
  limit: number;
  label: string;
  onFault(error: StreamError): void;
};

/**
 * Gathers the messages of one turn into one batch. `onFault` gets an error when `post` throws (a message that can't be
 * cloned, a dead port); the batch is lost then, so the owner must close the stream.
 */
export const makeOutbox = (options: OutboxOptions): Outbox => {
  const { post, window, limit, label, onFault } = options;
  const credit = makeCredit(window);
  const batch = makeBatch();
  const ready = makeBell();
  let isScheduled = false;
  let isAnnounced = window === undefined;

  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (thrown) {
      onFault(faultOf('STREAM_UNSENDABLE', `${label}: cannot send:`, thrown));
    }
  };
  const postAll = (): void => {
    while (batch.size() > 0 && credit.left() > 0) {
      if (!isAnnounced) post({ window });
      isAnnounced = true;
      credit.spend(batch.post(credit.left(), post));
    }
  };
  const flush = (): void => attempt(postAll);
  const flushLater = (): void => {
    isScheduled = false;
    flush();
  };
  const insistRoom = (): void => {
    if (batch.size() < limit) return;
    flush();
    if (batch.size() < limit) return;
    throw new QueueFullError(
      `${label}: ${limit} messages wait for the other side to take earlier ones (outboxLimit ${limit}); await whenReady()`,
    );
  };

  return Object.freeze({
    send: (message: unknown, transfer: readonly Transferable[] | undefined) => {
      insistRoom();
      batch.add(message, transfer);
      if (isScheduled) return;
      isScheduled = true;
      void soon.then(flushLater);
    },
    flush,
    say: (frame: unknown) => attempt(() => post(frame)),
    credit: (count: number) => {
      if (!credit.regain(count)) return false;
      flush();
      if (batch.size() === 0 && credit.left() > 0) ready.ring();
      return true;
    },
    whenReady: () =>
      window === undefined || batch.size() < credit.left()
        ? soon
        : ready.wait(),
    end: (reason: Error) => {
      batch.clear();
      ready.ring(reason);
    },
  });
};
