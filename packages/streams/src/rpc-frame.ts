import { StreamError, parseErrorRecord, type ErrorRecord } from './errors.ts';

/**
 * What travels over the stream of an RPC. An id is a number of the caller's, so the two ends' ids have nothing to do with
 * each other. `{ id }` alone is a result of undefined, since JSON loses undefined.
 */
export type RpcFrame =
  | {
      readonly id: number;
      readonly method: string;
      readonly params?: unknown;
    }
  | { readonly method: string; readonly params?: unknown }
  | { readonly id: number; readonly result?: unknown }
  | { readonly id: number; readonly error: ErrorRecord }
  | { readonly abort: number };

/** Where the parts of a frame go, without a record in between. */
export type RpcSink = {
  onRequest(id: number, method: string, params: unknown): void;
  onNotification(method: string, params: unknown): void;
  onResult(id: number, result: unknown): void;
  onError(id: number, error: ErrorRecord): void;
  onAbort(id: number): void;
};

/** The longest name of a method, in characters. */
const MAX_METHOD = 256;

/** The error that closes a stream because of a frame. */
export const malformedFrame = (problem: string): StreamError =>
  new StreamError('RPC_MALFORMED', `the other side sent ${problem}`);

const own = (record: object, key: string): unknown =>
  Object.hasOwn(record, key) ? Reflect.get(record, key) : undefined;

const insistId = (value: unknown, what: string): number => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) {
    return value;
  }
  throw malformedFrame(`${what} that is not a positive whole number`);
};

const insistMethod = (value: unknown): string => {
  if (typeof value !== 'string') {
    throw malformedFrame('a method that is not a string');
  }
  if (value.length <= MAX_METHOD) return value;
  throw malformedFrame(`a method of ${value.length} characters`);
};

const insistError = (value: unknown): ErrorRecord => {
  const record = parseErrorRecord(value);
  if (record !== undefined) return record;
  throw malformedFrame('an error without name and message');
};

/** Reads one frame, own properties only, and calls one function of `sink`. Throws RPC_MALFORMED. */
export const readFrame = (frame: unknown, sink: RpcSink): void => {
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) {
    throw malformedFrame('a frame that is not a record');
  }
  const hasId = Object.hasOwn(frame, 'id');
  if (Object.hasOwn(frame, 'method')) {
    const method = insistMethod(own(frame, 'method'));
    const params = own(frame, 'params');
    if (!hasId) sink.onNotification(method, params);
    else sink.onRequest(insistId(own(frame, 'id'), 'an id'), method, params);
  } else if (hasId) {
    const id = insistId(own(frame, 'id'), 'an id');
    if (!Object.hasOwn(frame, 'error')) sink.onResult(id, own(frame, 'result'));
    else sink.onError(id, insistError(own(frame, 'error')));
  } else if (Object.hasOwn(frame, 'abort')) {
    sink.onAbort(insistId(own(frame, 'abort'), 'an abort'));
  } else {
    throw malformedFrame('a frame without id, method and abort');
  }
};
