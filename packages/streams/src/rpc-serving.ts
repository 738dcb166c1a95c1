import {
  AbortError,
  recordError,
  type ErrorRecord,
  type StreamErrorCode,
} from './errors.ts';
import type { AbortSignalLike } from './handshake.ts';
import type { Transferable } from './outbox.ts';
import { malformedFrame, type RpcFrame } from './rpc-frame.ts';

declare const AbortController: new () => {
  readonly signal: AbortSignalLike;
  abort(reason?: unknown): void;
};

/** What a method gets beside its params. */
export type RpcContext = {
  /** The platform's AbortSignal: fires when the caller aborts or the stream closes. Made when it is first read. */
  readonly signal: AbortSignalLike;
  /** Names objects of the result that are transferred instead of cloned. */
  transfer(objects: readonly Transferable[]): void;
};

/**
 * A method: called without `this`, with the caller's `params` **unchecked**. What it returns, or what its promise
 * resolves to, is the result; what it throws crosses as name, message, code and data.
 */
export type RpcMethod = (params: unknown, context: RpcContext) => unknown;

/** The calls of the other end that this end works on. */
export type ServingTable = {
  onRequest(id: number, method: string, params: unknown): void;
  onAbort(id: number): void;
  end(reason: Error | undefined): void;
};

type Serving = {
  readonly id: number;
  controller: InstanceType<typeof AbortController> | undefined;
  transfer: readonly Transferable[] | undefined;
  aborted: { readonly reason: Error } | undefined;
};

const makeServing = (id: number): Serving => ({
  id,
  controller: undefined,
  transfer: undefined,
  aborted: undefined,
});

const abort = (serving: Serving, reason: Error): void => {
  serving.aborted ??= { reason };
  serving.controller?.abort(reason);
};

const makeContext = (serving: Serving): RpcContext => ({
  get signal() {
    if (serving.controller === undefined) {
      serving.controller = new AbortController();
      if (serving.aborted) serving.controller.abort(serving.aborted.reason);
    }
    return serving.controller.signal;
  },
  transfer: objects => {
    serving.transfer = [...(serving.transfer ?? []), ...objects];
  },
});

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  typeof Reflect.get(value, 'then') === 'function';

/** How the answers of one end leave. */
type AnswerOptions = {
  /** Throws if the frame is too large, can't be sent, or the stream is full. */
  send(frame: RpcFrame, transfer?: readonly Transferable[]): void;
  /** An answer can't be sent at all: the stream must be closed. */
  onFault(thrown: unknown): void;
};

/** Sends what came of a call; if that can't be sent, the error that says so. */
const makeAnswers = ({ send, onFault }: AnswerOptions) => {
  const sendBare = (id: number, error: ErrorRecord): void => {
    try {
      send({ id, error });
    } catch (thrown) {
      onFault(thrown);
    }
  };
  const sendError = (id: number, error: ErrorRecord): void => {
    const { data, ...bare } = error;
    if (data === undefined) return sendBare(id, bare);
    try {
      send({ id, error });
    } catch {
      // The data may be what can't be sent: the error itself must reach the caller.
      sendBare(id, bare);
    }
  };
  const sendResult = (
    id: number,
    result: unknown,
    transfer: readonly Transferable[] | undefined,
  ): void => {
    try {
      send({ id, result }, transfer);
    } catch (thrown) {
      sendError(id, recordError(thrown));
    }
  };
  return { sendError, sendResult };
};

/** What one end serves. */
export type ServingOptions = AnswerOptions & {
  methods: ReadonlyMap<string, RpcMethod>;
  maxServing: number;
};

/** Runs methods and sends their answers. */
export const makeServingTable = (options: ServingOptions): ServingTable => {
  const { methods, maxServing } = options;
  const { sendError, sendResult } = makeAnswers(options);
  const servings = new Map<number, Serving>();

  /** False if the stream has closed meanwhile, so that nothing is left to answer. */
  const finish = ({ id }: Serving): boolean => servings.delete(id);
  const onThrown = (serving: Serving, thrown: unknown): void => {
    if (finish(serving)) sendError(serving.id, recordError(thrown));
  };
  const onReturned = (serving: Serving, result: unknown): void => {
    if (finish(serving)) sendResult(serving.id, result, serving.transfer);
  };
  const run = (serving: Serving, method: RpcMethod, params: unknown): void => {
    let result: unknown;
    try {
      result = method(params, makeContext(serving));
    } catch (thrown) {
      return onThrown(serving, thrown);
    }
    if (!isThenable(result)) return onReturned(serving, result);
    void Promise.resolve(result).then(
      value => onReturned(serving, value),
      (thrown: unknown) => onThrown(serving, thrown),
    );
  };
  const refuse = (id: number, code: StreamErrorCode, message: string): void =>
    sendError(id, { name: 'StreamError', code, message });

  return Object.freeze({
    onRequest: (id: number, name: string, params: unknown) => {
      if (servings.has(id)) throw malformedFrame(`a second call ${id}`);
      const method = methods.get(name);
      if (method === undefined) {
        refuse(id, 'RPC_UNKNOWN_METHOD', `there is no method '${name}'`);
      } else if (servings.size >= maxServing) {
        const why = `${maxServing} calls are being served (maxServing ${maxServing})`;
        refuse(id, 'RPC_BUSY', `cannot run ${name}: ${why}`);
      } else {
        const serving = makeServing(id);
        servings.set(id, serving);
        run(serving, method, params);
      }
    },
    // An abort may cross the answer on its way, so an unknown id is no breach.
    onAbort: (id: number) => {
      const serving = servings.get(id);
      if (serving) abort(serving, new AbortError('the caller gave up'));
    },
    end: (reason: Error | undefined) => {
      const left = [...servings.values()];
      servings.clear();
      const why = reason ?? new AbortError('the stream closed');
      for (const serving of left) abort(serving, why);
    },
  });
};
