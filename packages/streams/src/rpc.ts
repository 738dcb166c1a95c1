import type { DuplexStream } from './duplex.ts';
import { StreamError, faultOf } from './errors.ts';
import type { Transferable } from './outbox.ts';
import { makeCallTable, type CallOptions } from './rpc-calls.ts';
import { readFrame, type RpcFrame } from './rpc-frame.ts';
import { makeServingTable, type RpcMethod } from './rpc-serving.ts';
import { weigh } from './size.ts';

/** One end of an RPC connection. Both ends may call and be called. */
export type Rpc = {
  /**
   * Calls a method of the other side. `params` belongs to the connection from now on. The result is **unchecked**.
   * Rejects with RemoteError (the other side's error), AbortError, StreamClosedError, QueueFullError, or StreamError
   * with the code RPC_TOO_LARGE, RPC_UNSENDABLE or RPC_BUSY.
   */
  call(
    method: string,
    params?: unknown,
    options?: CallOptions,
  ): Promise<unknown>;
  /** Tells the other side something; there is no answer. Throws what `call` rejects with when it can't be sent. */
  notify(
    method: string,
    params?: unknown,
    transfer?: readonly Transferable[],
  ): void;
  /** Closes the stream. What waits for an answer rejects, on both sides. */
  close(reason?: Error): void;
  /** The stream's own. */
  readonly closed: Promise<Error | undefined>;
};

/** What an end of an RPC connection offers and bears. */
export type RpcOptions = {
  /** The methods that the other side may call: own enumerable properties, read once. None by default. */
  readonly methods?: Readonly<Record<string, RpcMethod>>;
  /** Gets notifications, unchecked. Without it, one closes the stream; what it throws does, too. */
  readonly onNotify?: (method: string, params: unknown) => void;
  /** Called once when the stream is closed, after what was pending is settled. What it throws goes to the host. */
  readonly onClose?: (reason?: Error) => void;
  /** Called with about the bytes of each answer before it leaves; what it throws goes in its place, or closes the stream. */
  readonly onAnswer?: (bytes: number) => void;
  /** About how large a frame may be, both ways: see `weigh`. 16 MiB by default. */
  readonly maxBytes?: number;
  /** Most calls of this side that wait for an answer; 1024 by default. */
  readonly maxPending?: number;
  /** Most calls of the other side at work at once; further ones are answered with RPC_BUSY. 1024 by default. */
  readonly maxServing?: number;
  /** Named in errors. */
  readonly label?: string;
};

const tooLarge = (label: string, what: string, maxBytes: number): StreamError =>
  new StreamError(
    'RPC_TOO_LARGE',
    `${label}: ${what} larger than ${maxBytes} bytes, nested too deep, or cyclic (maxBytes ${maxBytes})`,
  );

/**
 * Makes an RPC connection of a stream, whose receiver it becomes and which it owns. A frame that is malformed or too
 * large closes the stream with an error that says what was wrong, on both sides.
 */
export const makeRpc = (
  stream: DuplexStream<unknown, unknown>,
  options: RpcOptions = {},
): Rpc => {
  const { methods = {}, onNotify, onAnswer, onClose } = options;
  const { label = 'rpc' } = options;
  const { maxBytes = 2 ** 24, maxPending = 1024, maxServing = 1024 } = options;

  const insistFits = (frame: RpcFrame): number => {
    const bytes = weigh(frame, maxBytes);
    if (bytes === undefined) throw tooLarge(label, 'a message is', maxBytes);
    return bytes;
  };
  const send = (frame: RpcFrame, transfer?: readonly Transferable[]): void => {
    insistFits(frame);
    stream.send(frame, transfer);
  };
  const answer = (
    frame: RpcFrame,
    transfer?: readonly Transferable[],
  ): void => {
    const bytes = insistFits(frame);
    onAnswer?.(bytes);
    stream.send(frame, transfer);
  };
  const calls = makeCallTable({ send, maxPending, label });
  const servings = makeServingTable({
    methods: new Map(Object.entries(methods)),
    send: answer,
    maxServing,
    onFault: thrown =>
      stream.close(faultOf('STREAM_UNSENDABLE', `${label}:`, thrown)),
  });
  const sink = {
    onRequest: servings.onRequest,
    onAbort: servings.onAbort,
    onResult: calls.onResult,
    onError: calls.onError,
    onNotification: (method: string, params: unknown) => {
      if (onNotify) return onNotify(method, params);
      throw new StreamError(
        'RPC_UNKNOWN_METHOD',
        `${label}: nobody here wants the notification '${method}'`,
      );
    },
  };

  stream.receive(
    frame => {
      // A StreamError thrown from a receiver closes the stream as it is.
      if (weigh(frame, maxBytes) === undefined)
        throw tooLarge(label, 'an arriving message is', maxBytes);
      readFrame(frame, sink);
    },
    reason => {
      calls.end(reason);
      servings.end(reason);
      onClose?.(reason);
    },
  );

  return Object.freeze({
    call: (method: string, params?: unknown, callOptions: CallOptions = {}) =>
      calls.call(method, params, callOptions),
    notify: (
      method: string,
      params?: unknown,
      transfer?: readonly Transferable[],
    ) => send({ method, params }, transfer),
    close: stream.close,
    closed: stream.closed,
  });
};
