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
  readonly signal: AbortSignalLike | undefined;
  onAbort: (() => void) | undefined;
};

/**
 * `send` throws if the frame is too large or the stream is closed or full. An aborted call keeps its place, and counts
 * to `maxPending`, until the answer is there: so each answer belongs to a call, and one that never answers is bounded.
 */
export const makeCallTable = ({
  send,
  maxPending,
  label,
}: {
  send(frame: RpcFrame, transfer?: readonly Transferable[]): void;
  maxPending: number;
  label: string;
}): CallTable => {
  const pending = new Map<number, Pending>();
  let lastId = 0;

  const take = (id: number): Pending => {
    const call = pending.get(id);
    if (call === undefined) throw malformedFrame(`an answer to no call: ${id}`);
    pending.delete(id);
    if (call.onAbort) call.signal?.removeEventListener('abort', call.onAbort);
    return call;
  };
  const abortError = (method: string, signal: AbortSignalLike): AbortError =>
    new AbortError(`${label}: the call of ${method} was aborted`, {
      cause: signal.reason,
    });
  const watch = (id: number, call: Pending, signal: AbortSignalLike): void => {
    call.onAbort = () => {
      call.reject(abortError(call.method, signal));
      try {
        send({ abort: id });
      } catch {
        // Closed, so the other side knows; or full, and then the abort would come after what it is to stop.
      }
    };
    signal.addEventListener('abort', call.onAbort);
  };
  const insistRoom = (method: string): void => {
    if (pending.size < maxPending) return;
    throw new StreamError(
      'RPC_BUSY',
      `${label}: cannot call ${method}: ${maxPending} calls wait for an answer (maxPending ${maxPending})`,
    );
  };

  return Object.freeze({
    call: (
      method: string,
      params: unknown,
      { signal, transfer }: CallOptions,
    ) =>
      new Promise<unknown>((resolve, reject) => {
        if (signal?.aborted) throw abortError(method, signal);
        insistRoom(method);
        const id = lastId + 1;
        send({ id, method, params }, transfer);
        lastId = id;
        const call = { method, resolve, reject, signal, onAbort: undefined };
        pending.set(id, call);
        if (signal) watch(id, call, signal);
      }),
    onResult: (id: number, result: unknown) => take(id).resolve(result),
    onError: (id: number, error: ErrorRecord) =>
      take(id).reject(new RemoteError(error)),
    end: (cause: Error | undefined) => {
      const why = cause === undefined ? '' : `: ${cause.message}`;
      for (const id of [...pending.keys()]) {
        const { method, reject } = take(id);
        reject(
          new StreamClosedError(
            `${label}: the stream closed before ${method} was answered${why}`,
            { cause },
          ),
        );
      }
    },
  });
};
