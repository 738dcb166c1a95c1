/** Duplex streams of messages, and RPC over any of them. */
export {
  makeDuplex,
  type DuplexStream,
  type ReceiveOptions,
  type StreamOptions,
  type Transport,
  type TransportEvents,
} from './duplex.ts';
export {
  AbortError,
  HandshakeError,
  QueueFullError,
  RemoteError,
  StreamClosedError,
  StreamError,
  parseErrorRecord,
  recordError,
  type ErrorRecord,
  type StreamErrorCode,
} from './errors.ts';
export {
  acceptPort,
  makeHandshake,
  offerPort,
  type AbortSignalLike,
  type AcceptOptions,
  type HelloOptions,
  type MessageTarget,
  type OfferOptions,
  type WindowTarget,
} from './handshake.ts';
export { makeMessagePortStream } from './message-port.ts';
export { messagesOf } from './messages-of.ts';
export type { Post, Transferable } from './outbox.ts';
export type {
  EmitterPort,
  EventPort,
  MessageSource,
  PortLike,
} from './port.ts';
export { makeQueue, makeBoundedQueue, type Queue } from './queue.ts';
export type { CallOptions } from './rpc-calls.ts';
export type { RpcFrame } from './rpc-frame.ts';
export type { RpcContext, RpcMethod } from './rpc-serving.ts';
export { makeRpc, type Rpc, type RpcOptions } from './rpc.ts';
export { makeRuntimePortStream, type RuntimePort } from './runtime-port.ts';
export { makeUnreadAnswers } from './unread-answers.ts';
