import {
  AbortError,
  RemoteError,
  StreamClosedError,
  StreamError,
  type ErrorRecord,
} from './errors.ts';
import type { AbortSignalLike } from './handshake.ts';
import type { Transferable } from './outbox.ts';
import { malformedFrame, type RpcFrame } from './rpc-frame.ts';

/** What a caller may add to a call. */
export type CallOptions = {
  /** When it fires, the call rejects with AbortError and the other side's method hears of it, if the stream can carry it. */
  readonly signal?: AbortSignalLike;
  /** What of `params` is transferred instead of cloned. */
  readonly transfer?: readonly Transferable[];
};

/** The calls of this end that wait for an answer. */
export type CallTable = {
  call(method: string, params: unknown, options: CallOptions): Promise<unknown>;
  onResult(id: number, result: unknown): void;
  onError(id: number, error: ErrorRecord): void;
  /** Rejects what waits. */
  end(reason: Error | undefined): void;
};

type Pending = {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Stops listening to the caller's signal. */
  readonly stop: (() => void) | undefined;
};

const watch = (signal: AbortSignalLike, onAbort: () => void): (() => void) => {
  signal.addEventListener('abort', onAbort);
  return () => signal.removeEventListener('abort', onAbort);
};

const closedError = (
  label: string,
  method: string,
  cause: Error | undefined,
): StreamClosedError => {
  const why = cause === undefined ? '' : `: ${cause.message}`;
  const text = `${label}: the stream closed before ${method} was answered${why}`;
  return new StreamClosedError(text, { cause });
};

const busyError = (
  label: string,
  method: string,
  maxPending: number,
): StreamError =>
  new StreamError(
    'RPC_BUSY',
    `${label}: cannot call ${method}: ${maxPending} calls wait for an answer (maxPending ${maxPending})`,
  );

const abortError = (
  label: string,
  method: string,
  signal: AbortSignalLike,
): AbortError =>
  new AbortError(`${label}: the call of ${method} was aborted`, {
    cause: signal.reason,
  });

/** How the calls of one end leave, and how many may wait. */
export type CallTableOptions = {
  /** Throws if the frame is too large or the stream is closed or full. */
  send(frame: RpcFrame, transfer?: readonly Transferable[]): void;
  maxPending: number;
  label: string;
};

/**
 * The calls that wait. An aborted call keeps its place, and counts to `maxPending`, until the answer is there: so each
 * answer belongs to a call, and a side that never answers is bounded.
 */
export const makeCallTable = ({
  send,
  maxPending,
  label,
}: CallTableOptions): CallTable => {
  const pending = new Map<number, Pending>();
  let lastId = 0;

  const take = (id: number): Pending => {
    const call = pending.get(id);
    if (call === undefined) throw malformedFrame(`an answer to no call: ${id}`);
    pending.delete(id);
    call.stop?.();
    return call;
  };
  const sendAbort = (id: number): void => {
    try {
      send({ abort: id });
    } catch {
      // Closed, so the other side knows; or full, and then the abort would come after what it is to stop.
    }
  };

  return Object.freeze({
    call: (
      method: string,
      params: unknown,
      { signal, transfer }: CallOptions,
    ) =>
      new Promise<unknown>((resolve, reject) => {
        if (signal?.aborted) throw abortError(label, method, signal);
        if (pending.size >= maxPending) {
          throw busyError(label, method, maxPending);
        }
        const id = lastId + 1;
        send({ id, method, params }, transfer);
        lastId = id;
        const onAbort = (to: AbortSignalLike) => (): void => {
          reject(abortError(label, method, to));
          sendAbort(id);
        };
        const stop = signal && watch(signal, onAbort(signal));
        pending.set(id, { method, resolve, reject, stop });
      }),
    onResult: (id: number, result: unknown) => take(id).resolve(result),
    onError: (id: number, error: ErrorRecord) =>
      take(id).reject(new RemoteError(error)),
    end: (reason: Error | undefined) => {
      for (const id of [...pending.keys()]) {
        const { method, reject } = take(id);
        reject(closedError(label, method, reason));
      }
    },
  });
};
