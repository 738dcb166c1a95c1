/** What a {@link StreamError} of this package may carry as `code`. A {@link RemoteError} may carry any string. */
export type StreamErrorCode =
  | 'STREAM_CLOSED'
  | 'STREAM_MALFORMED'
  | 'STREAM_RECEIVER'
  | 'STREAM_UNSENDABLE'
  | 'STREAM_BUSY'
  | 'QUEUE_FULL'
  | 'HANDSHAKE_REJECTED'
  | 'HANDSHAKE_ABORTED'
  | 'RPC_ABORTED'
  | 'RPC_BUSY'
  | 'RPC_MALFORMED'
  | 'RPC_REMOTE'
  | 'RPC_TOO_LARGE'
  | 'RPC_UNKNOWN_METHOD'
  | 'RPC_UNREAD'
  | 'RPC_UNSENDABLE';

/** An error as it crosses a stream: plain data, no stack, so that no realm learns another's inside. */
export type ErrorRecord = {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly data?: unknown;
};

/** The root of this package's errors. `code` is stable, the message is for people. */
export class StreamError extends Error {
  readonly code: string;

  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The stream is closed. `remote` is what the other side gave as its reason, if it gave one. */
export class StreamClosedError extends StreamError {
  readonly remote: ErrorRecord | undefined;

  constructor(
    message: string,
    { remote, ...options }: ErrorOptions & { remote?: ErrorRecord } = {},
  ) {
    super('STREAM_CLOSED', message, options);
    this.remote = remote;
  }
}

/** A bounded queue is full. The message names the bound. */
export class QueueFullError extends StreamError {
  constructor(message: string) {
    super('QUEUE_FULL', message);
  }
}

/** The two ends do not fit: the message names what differs. */
export class HandshakeError extends StreamError {}

/** The caller's signal fired; `cause` is the signal's reason. */
export class AbortError extends StreamError {
  constructor(message: string, options?: ErrorOptions) {
    super('RPC_ABORTED', message, options);
  }
}

/**
 * The other side answered a call with an error. `name` and `message` are the other side's, `code` too where it gave one
 * (otherwise `RPC_REMOTE`); `data` is unchecked.
 */
export class RemoteError extends StreamError {
  override readonly code: string;
  readonly data: unknown;

  constructor({ name, message, code, data }: ErrorRecord) {
    super('RPC_REMOTE', message);
    this.code = code ?? 'RPC_REMOTE';
    this.data = data;
    setName(this, name);
  }
}

function setName(target: Error, value: string): void {
  // defineProperty, since an assignment fails where Error.prototype is frozen.
  Object.defineProperty(target, 'name', {
    value,
    configurable: true,
    writable: true,
  });
}

setName(StreamError.prototype, 'StreamError');
setName(StreamClosedError.prototype, 'StreamClosedError');
setName(QueueFullError.prototype, 'QueueFullError');
setName(HandshakeError.prototype, 'HandshakeError');
setName(AbortError.prototype, 'AbortError');

const MAX_MESSAGE = 8192;

const textOf = (value: unknown, otherwise: string): string =>
  typeof value === 'string' ? value.slice(0, MAX_MESSAGE) : otherwise;

/**
 * Turns whatever was thrown here into plain data for the other side: name, message, code and data, each text cut at
 * 8192 characters, never a stack. `data` is passed on as it is: the caller checks whether it can be sent.
 */
export const recordError = (thrown: unknown): ErrorRecord => {
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: 'Error', message: textOf(String(thrown), '') };
  }
  // Inherited reads are meant: an error's name lives on its prototype. The value is of this realm.
  const name = textOf(Reflect.get(thrown, 'name'), 'Error');
  const message = textOf(Reflect.get(thrown, 'message'), '');
  const code: unknown = Reflect.get(thrown, 'code');
  const data: unknown = Reflect.get(thrown, 'data');
  return {
    name,
    message,
    ...(typeof code === 'string' ? { code: textOf(code, '') } : undefined),
    ...(data === undefined ? undefined : { data }),
  };
};

/** `name: message` of whatever was thrown. */
export const describeError = (thrown: unknown): string => {
  const { name, message } = recordError(thrown);
  return `${name}: ${message}`;
};

/** Wraps what was thrown, unless it is a StreamError: whoever threw one chose it. */
export const faultOf = (
  code: StreamErrorCode,
  message: string,
  thrown: unknown,
): StreamError =>
  thrown instanceof StreamError
    ? thrown
    : new StreamError(code, `${message} ${describeError(thrown)}`, {
        cause: thrown,
      });

const own = (record: object, key: string): unknown =>
  Object.hasOwn(record, key) ? Reflect.get(record, key) : undefined;

/** Reads an error record that came from outside, own properties only; undefined if it has not the right shape. */
export const parseErrorRecord = (value: unknown): ErrorRecord | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const name = own(value, 'name');
  const message = own(value, 'message');
  const code = own(value, 'code') ?? undefined;
  const data = own(value, 'data');
  if (typeof name !== 'string' || typeof message !== 'string') return undefined;
  if (code !== undefined && typeof code !== 'string') return undefined;
  return Object.freeze({
    name,
    message,
    ...(code === undefined ? undefined : { code }),
    ...(data === undefined ? undefined : { data }),
  });
};
