import {
  StreamClosedError,
  StreamError,
  recordError,
  type ErrorRecord,
} from './errors.ts';
import { makeInbox, type Inbox, type Receiver } from './inbox.ts';
import {
  makeOutbox,
  type Outbox,
  type Post,
  type Transferable,
} from './outbox.ts';
import { MAX_BATCH, MAX_WINDOW, parseControl, type Control } from './wire.ts';

/**
 * One end of a two-way stream of messages. Order is kept; a message arrives whole or not at all. Messages are structured
 * clones (JSON on a runtime port) and are **not validated**: `In` is what the other side promises, so a receiver that
 * does not trust it declares `unknown` and checks.
 */
export type DuplexStream<In, Out> = {
  /**
   * Queues a message. What is sent in one turn leaves in one `postMessage`, in a microtask. The stream owns `message`
   * and `transfer` from now on: it is cloned only when it leaves, so don't change it. A message that turns out not to be
   * cloneable then closes the stream with the code STREAM_UNSENDABLE. Messages of one turn are cloned together:
   * those that share an object share its clone.
   *
   * Throws StreamClosedError if the stream is closed and, with a `window`, QueueFullError if `outboxLimit` messages
   * wait for credit; the message is not sent then, and the stream stays open. Without a window nothing bounds what
   * waits in the receiver's event loop: a port can't tell.
   */
  send(message: Out, transfer?: readonly Transferable[]): void;
  /** Posts what was sent in this turn now. */
  flush(): void;
  /** Resolves when a message would leave at once (always, without a window); rejects when the stream closes. */
  whenReady(): Promise<void>;
  /**
   * Sets the one receiver; throws if there is one. `onMessage` is called with each message, synchronously, never before
   * `receive` has returned; if it throws, the stream closes with that error. `onClose` is called once, after the last
   * message, whichever side closed and why: no reason means in good order. What it throws goes to the host.
   *
   * Messages that arrive while there is no receiver wait, at most `inboxLimit` of them; one more closes the stream.
   * Returns a function that takes the receiver away again.
   */
  receive(
    onMessage: (message: In) => void,
    onClose: (reason?: Error) => void,
    options?: ReceiveOptions,
  ): () => void;
  /** Says that the receiver took `count` messages; only for a receiver that acknowledges manually. */
  acknowledge(count: number): void;
  /**
   * Posts what was sent, tells the other side the reason (name, message and code, no stack) and gives up the transport.
   * Messages that wait for a window's credit, and arrived messages that nobody received, are dropped. Does nothing if
   * the stream is closed.
   */
  close(reason?: Error): void;
  /** Resolves with the reason when the stream is closed, by whomever; undefined in good order. Never rejects. */
  readonly closed: Promise<Error | undefined>;
};

/** Bounds of a stream, each in messages, and its name in errors. */
export type StreamOptions = {
  /** Named in errors. */
  readonly label?: string;
  /**
   * Most messages sent that the other side has not taken; further ones wait. Without it, messages leave at once. Each
   * end chooses for what it sends; the other end acknowledges by itself.
   */
  readonly window?: number;
  /** Most messages that wait for a receiver; 4096 by default. */
  readonly inboxLimit?: number;
  /** Most messages that wait for the window; 4096 by default. */
  readonly outboxLimit?: number;
};

/** What carries a stream. Owned by the stream, which calls nothing after `shut`. */
export type Transport = {
  /** Sends one value, cloned before it returns; throws if it can't. */
  readonly post: Post;
  /** Gives up the channel: once. What was posted before must still arrive. */
  shut(): void;
};

/** What a transport tells its stream. Calls after the end are ignored. */
export type TransportEvents = {
  arrive(data: unknown): void;
  /** The channel is gone; nothing can be sent any more. */
  lost(reason: Error): void;
  /** Something is wrong: tell the other side and close. */
  fail(reason: Error): void;
};

/** What else a receiver may say about itself; acknowledges automatically by default. */
export type ReceiveOptions = Partial<Pick<Receiver<unknown>, 'acknowledge'>>;

const isBatch = <In>(data: unknown): data is readonly In[] =>
  Array.isArray(data);

const insistCount = (
  value: number | undefined,
  name: string,
  most: number,
): void => {
  if (value === undefined) return;
  if (!Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new RangeError(
      `${name} must be a whole number from 1 to ${most}, not ${value}`,
    );
  }
};

const insistOptions = ({
  label = 'stream',
  window,
  inboxLimit = 4096,
  outboxLimit = 4096,
}: StreamOptions) => {
  insistCount(window, 'window', MAX_WINDOW);
  insistCount(inboxLimit, 'inboxLimit', Number.MAX_SAFE_INTEGER);
  insistCount(outboxLimit, 'outboxLimit', Number.MAX_SAFE_INTEGER);
  return { label, window, inboxLimit, outboxLimit };
};

/** Posts the reason as the last thing. */
const sayGoodbye = (transport: Transport, reason: Error | undefined): void => {
  try {
    transport.post({ close: reason === undefined ? null : tellable(reason) });
  } catch {
    // The channel is dead already: there is nobody left to tell.
  }
};

/** What the other side may know of a reason: of a receiver's fault nothing but that there was one. */
const tellable = (reason: Error): ErrorRecord => {
  const { name, message, code } = recordError(reason);
  if (code === 'STREAM_RECEIVER') {
    return { name, code, message: 'the receiver failed' };
  }
  return { name, message, ...(code === undefined ? undefined : { code }) };
};

const reasonFromPeer = (
  label: string,
  remote: ErrorRecord | undefined,
): StreamClosedError | undefined =>
  remote &&
  new StreamClosedError(
    `${label}: closed by the other side: ${remote.name}: ${remote.message}`,
    { remote },
  );

/** Whether and why the stream has ended. */
const makeEnding = (label: string) => {
  let ended: { readonly reason: Error | undefined } | undefined;
  let resolveClosed: (reason: Error | undefined) => void = () => {};
  const closed = new Promise<Error | undefined>(resolve => {
    resolveClosed = resolve;
  });
  return {
    closed,
    isEnded: () => ended !== undefined,
    end: (reason: Error | undefined) => {
      ended = { reason };
      resolveClosed(reason);
    },
    refusal: () => {
      const reason = ended?.reason;
      const why = reason === undefined ? '' : `: ${reason.message}`;
      return new StreamClosedError(`${label}: the stream is closed${why}`, {
        cause: reason,
      });
    },
  };
};

/** The half of a stream that reads what the transport brings. */
const makeReader = <In>(
  label: string,
  to: {
    inbox: Pick<Inbox<In>, 'arrive' | 'announce'>;
    credit(count: number): boolean;
    fail(reason: Error): void;
    closedByPeer(reason: Error | undefined): void;
  },
) => {
  const breach = (problem: string): void =>
    to.fail(
      new StreamError(
        'STREAM_MALFORMED',
        `${label}: the other side sent ${problem}`,
      ),
    );
  const obey = (control: Control): void => {
    switch (control.kind) {
      case 'close':
        return to.closedByPeer(reasonFromPeer(label, control.reason));
      case 'window':
        if (to.inbox.announce(control.size)) return;
        return breach('its window twice');
      case 'ack':
        if (to.credit(control.count)) return;
        return breach('an ack of more messages than were on their way');
      case 'malformed':
        return breach(control.problem);
    }
  };
  return (data: unknown): void => {
    if (!isBatch<In>(data)) obey(parseControl(data));
    else if (data.length > 0 && data.length <= MAX_BATCH) to.inbox.arrive(data);
    else breach(`a batch of ${data.length} messages`);
  };
};

/** What the user of a stream holds. */
const makeFace = <In, Out>({
  ending,
  outbox,
  inbox,
  end,
}: {
  ending: ReturnType<typeof makeEnding>;
  outbox: Outbox;
  inbox: Inbox<In>;
  end: (reason: Error | undefined, by: 'us') => void;
}): DuplexStream<In, Out> =>
  Object.freeze({
    send: (message: Out, transfer?: readonly Transferable[]) => {
      if (ending.isEnded()) throw ending.refusal();
      outbox.send(message, transfer);
    },
    flush: outbox.flush,
    whenReady: () =>
      ending.isEnded() ? Promise.reject(ending.refusal()) : outbox.whenReady(),
    receive: (
      onMessage: (message: In) => void,
      onClose: (reason?: Error) => void,
      { acknowledge = 'automatic' }: ReceiveOptions = {},
    ) => inbox.receive({ onMessage, onClose, acknowledge }),
    acknowledge: inbox.acknowledge,
    close: (reason?: Error) => end(reason, 'us'),
    closed: ending.closed,
  });

/**
 * Makes a stream of any transport. `connect` is called once, at once; it returns the transport and must not call its
 * events before it has returned.
 */
export const makeDuplex = <In, Out>(
  connect: (events: TransportEvents) => Transport,
  options: StreamOptions = {},
): DuplexStream<In, Out> => {
  const { label, window, inboxLimit, outboxLimit } = insistOptions(options);
  const ending = makeEnding(label);

  /** Everything that ends the stream comes here. */
  const end = (
    reason: Error | undefined,
    by: 'us' | 'peer' | 'transport',
  ): void => {
    if (!ending.isEnded() && by === 'us') outbox.flush();
    // That flush may have failed and so ended the stream itself.
    if (ending.isEnded()) return;
    ending.end(reason);
    outbox.end(ending.refusal());
    if (by === 'us') sayGoodbye(transport, reason);
    transport.shut();
    inbox.end(reason, by === 'us');
  };
  const fail = (reason: Error): void => end(reason, 'us');

  const outbox = makeOutbox({
    post: (data, transfer) => transport.post(data, transfer),
    window,
    limit: outboxLimit,
    label,
    onFault: fail,
  });
  const inbox = makeInbox<In>({
    limit: inboxLimit,
    label,
    sendAck: ack => {
      if (!ending.isEnded()) outbox.say({ ack });
    },
    onFault: fail,
  });
  const read = makeReader(label, {
    inbox,
    credit: outbox.credit,
    fail,
    closedByPeer: reason => end(reason, 'peer'),
  });
  const transport = connect({
    arrive: data => {
      if (!ending.isEnded()) read(data);
    },
    fail,
    lost: reason => end(reason, 'transport'),
  });

  return makeFace<In, Out>({ ending, outbox, inbox, end });
};
