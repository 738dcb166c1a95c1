/**
 * How a port gets from one realm to another without ending up with a stranger, and how its two ends make sure that they
 * mean the same thing. A nonce is made by the one who starts both ends and told to each by a way of its own.
 */
import type { DuplexStream } from './duplex.ts';
import { HandshakeError } from './errors.ts';
import type { Transferable } from './outbox.ts';
import {
  isEmitter,
  listenTo,
  readEvent,
  type MessageSource,
  type PortLike,
} from './port.ts';

/** The platform's AbortSignal, by its shape. */
export type AbortSignalLike = {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
};

/** A worker, a service worker's client, a port: its one receiver is known. */
export type MessageTarget = {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
};

/** A window, whose document may have been replaced by another origin's since one looked. */
export type WindowTarget = {
  postMessage(
    message: unknown,
    targetOrigin: string,
    transfer: Transferable[],
  ): void;
};

type Offer = {
  /** The port to hand over; this realm can't use it any more. */
  readonly port: object;
  /** At least 16 characters that nobody can guess. */
  readonly nonce: string;
  /** The version of the protocol that will be spoken over the port. */
  readonly version: string | number;
};

/** To whom a port is offered. */
export type OfferOptions = Offer &
  (
    | {
        readonly target: MessageTarget;
        readonly targetOrigin?: undefined;
        readonly opaqueReceiver?: undefined;
      }
    | {
        readonly target: WindowTarget;
        /** The origin that alone may receive; never `*` or `null`. */
        readonly targetOrigin: string;
        readonly opaqueReceiver?: undefined;
      }
    | {
        readonly target: WindowTarget;
        readonly targetOrigin?: undefined;
        /** The receiver is a sandboxed page, whose origin has no name: post to `*`, guarded by the nonce. */
        readonly opaqueReceiver: true;
      }
  );

const TAG = 'cooperage-port';
const MIN_NONCE = 16;

const insistNonce = (nonce: string): void => {
  if (nonce.length >= MIN_NONCE) return;
  throw new HandshakeError(
    'HANDSHAKE_REJECTED',
    `a nonce needs at least ${MIN_NONCE} characters that nobody can guess`,
  );
};

const insistOrigin = (origin: string): string => {
  if (origin !== '*' && origin !== 'null' && origin !== '') return origin;
  throw new HandshakeError(
    'HANDSHAKE_REJECTED',
    `a port is not offered to the origin '${origin}': name one, or say opaqueReceiver if it has none`,
  );
};

/**
 * Hands `port` over to `target`, where `acceptPort` waits for the same nonce and version. Throws HandshakeError on a
 * short nonce or an origin that names nobody, and what `postMessage` throws.
 */
export const offerPort = (options: OfferOptions): void => {
  const { port, nonce, version } = options;
  insistNonce(nonce);
  const message = { tag: TAG, nonce, version, port };
  if (options.opaqueReceiver) {
    options.target.postMessage(message, '*', [port]);
  } else if (options.targetOrigin !== undefined) {
    const origin = insistOrigin(options.targetOrigin);
    options.target.postMessage(message, origin, [port]);
  } else {
    options.target.postMessage(message, [port]);
  }
};

/** From whom a port is accepted. */
export type AcceptOptions = {
  /** Where the offer arrives: a window, a worker's scope, `navigator.serviceWorker`, a port, Node's `parentPort`. */
  readonly source: MessageSource;
  readonly nonce: string;
  readonly version: string | number;
  /**
   * What the event's `source` must be: a window, null (what a dedicated worker sees), or a predicate. Node's events have
   * no source; it counts as null there.
   */
  readonly expectedSource: object | null | ((source: unknown) => boolean);
  /** What the event's `origin` must be; not checked if left out. A sandboxed page's origin is `'null'`. */
  readonly expectedOrigin?: string;
  /** Ends the waiting, for example `AbortSignal.timeout(ms)`. */
  readonly signal: AbortSignalLike;
  /** Told about each offer that was ignored. An offer for another nonce may be meant for another `acceptPort`. */
  readonly onReject?: (error: HandshakeError) => void;
};

const own = (record: object, key: string): unknown =>
  Object.hasOwn(record, key) ? Reflect.get(record, key) : undefined;

const isOffer = (data: unknown): data is object =>
  typeof data === 'object' && data !== null && own(data, 'tag') === TAG;

const isPort = (value: unknown): value is PortLike =>
  typeof value === 'object' &&
  value !== null &&
  // No clone has a function, so this is the platform's own object.
  typeof Reflect.get(value, 'postMessage') === 'function';

const isFrom = (
  event: object | undefined,
  { expectedSource, expectedOrigin }: AcceptOptions,
): boolean => {
  const source = event === undefined ? null : readEvent(event, 'source');
  const isSource =
    typeof expectedSource === 'function'
      ? expectedSource(source)
      : source === expectedSource;
  if (!isSource) return false;
  if (expectedOrigin === undefined) return true;
  return event !== undefined && readEvent(event, 'origin') === expectedOrigin;
};

/** Says what is wrong with an offer, or gives its port. The values compared are not in the message: they are secrets. */
const judge = (
  offer: object,
  event: object | undefined,
  options: AcceptOptions,
): PortLike | string => {
  if (!isFrom(event, options)) return 'it comes from another source';
  if (own(offer, 'nonce') !== options.nonce) return 'its nonce differs';
  const version = own(offer, 'version');
  if (version !== options.version) {
    return `its version is ${String(version).slice(0, 40)}, not ${options.version}`;
  }
  const port = own(offer, 'port');
  return isPort(port) ? port : 'it carries no port';
};

/**
 * Waits for the one port offered with this nonce and version by the expected source. Everything else on `source` is left
 * alone: messages that are no offers without a word, wrong offers with a word to `onReject`. The port belongs to the
 * caller. Rejects with HandshakeError (code HANDSHAKE_ABORTED, `cause`: the signal's reason; the message names the last
 * wrong offer) when the signal fires first. A `source` with a queue of its own (a port) is started.
 */
export const acceptPort = (options: AcceptOptions): Promise<PortLike> =>
  new Promise((resolve, reject) => {
    const { source, signal, onReject, nonce } = options;
    insistNonce(nonce);
    let lastProblem = 'no offer came';
    const onAbort = (): void => {
      stop();
      reject(
        new HandshakeError(
          'HANDSHAKE_ABORTED',
          `gave up waiting for a port: ${lastProblem}`,
          { cause: signal.reason },
        ),
      );
    };
    const stopListening = listenTo(source, 'message', (data, event) => {
      if (!isOffer(data)) return;
      const verdict = judge(data, event, options);
      if (typeof verdict !== 'string') {
        stop();
        resolve(verdict);
        return;
      }
      lastProblem = `an offer was ignored: ${verdict}`;
      onReject?.(new HandshakeError('HANDSHAKE_REJECTED', lastProblem));
    });
    const stop = (): void => {
      stopListening();
      signal.removeEventListener('abort', onAbort);
    };
    if (!isEmitter(source)) source.start?.();
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });

/** What both ends of a stream must agree on. */
export type HelloOptions = {
  readonly version: string | number;
  readonly nonce: string;
  /** Ends the waiting. A realm that never says hello must be noticed: give one. */
  readonly signal?: AbortSignalLike;
};

const judgeHello = (
  message: unknown,
  { version, nonce }: HelloOptions,
): string | undefined => {
  const hello =
    typeof message === 'object' && message !== null
      ? own(message, 'hello')
      : undefined;
  if (typeof hello !== 'object' || hello === null) {
    return 'the first message is no hello';
  }
  const theirs = own(hello, 'version');
  if (theirs !== version) {
    return `the other side speaks version ${String(theirs).slice(0, 40)}, this side ${version}`;
  }
  return own(hello, 'nonce') === nonce ? undefined : 'the nonces differ';
};

/**
 * Says hello over a fresh stream and resolves once the other side's hello has matched; then the stream is without a
 * receiver again, and messages after the hello wait for the next `receive`. On a difference it closes the stream and
 * rejects, both with a HandshakeError that names what differs; if the stream closes first, it rejects with the same
 * code HANDSHAKE_REJECTED and the reason as `cause`; if the signal fires first, with HANDSHAKE_ABORTED, and closes.
 */
export const makeHandshake = (
  stream: DuplexStream<unknown, unknown>,
  options: HelloOptions,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const { version, nonce, signal } = options;
    const settle = (error?: HandshakeError): void => {
      signal?.removeEventListener('abort', onAbort);
      release();
      if (error === undefined) {
        resolve();
        return;
      }
      reject(error);
      stream.close(error);
    };
    const onAbort = (): void =>
      settle(
        new HandshakeError('HANDSHAKE_ABORTED', 'gave up waiting for a hello', {
          cause: signal?.reason,
        }),
      );
    const release = stream.receive(
      message => {
        const problem = judgeHello(message, options);
        settle(
          problem === undefined
            ? undefined
            : new HandshakeError('HANDSHAKE_REJECTED', problem),
        );
      },
      cause =>
        settle(
          new HandshakeError(
            'HANDSHAKE_REJECTED',
            `the stream closed before a hello came${cause ? `: ${cause.message}` : ''}`,
            { cause },
          ),
        ),
    );
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    else stream.send({ hello: { version, nonce } });
  });
