/**
 * The ports of all platforms by their shape, since this package knows neither the DOM's nor Node's types.
 */
import type { Transferable } from './outbox.ts';

/** A port of the Web: MessagePort, Worker, DedicatedWorkerGlobalScope. */
export type EventPort = {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  addEventListener(type: string, listener: (event: object) => void): void;
  removeEventListener(type: string, listener: (event: object) => void): void;
  /** Only a MessagePort has it. */
  start?(): void;
  close?(): void;
};

/** A port of Node: worker_threads' MessagePort, Worker, parentPort. */
export type EmitterPort = {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  on(type: string, listener: (value: unknown) => void): unknown;
  off(type: string, listener: (value: unknown) => void): unknown;
  /** Only a MessagePort has it. */
  start?(): void;
  close?(): void;
};

/** Anything that a message port stream can be made of. */
export type PortLike = EventPort | EmitterPort;

/** What delivers messages, ports among them; a window too. */
export type MessageSource =
  | Pick<EventPort, 'addEventListener' | 'removeEventListener' | 'start'>
  | Pick<EmitterPort, 'on' | 'off'>;

/** Whether a source is one of Node's. A cross-origin window is never asked: one listens only on one's own. */
export const isEmitter = (
  source: MessageSource,
): source is Pick<EmitterPort, 'on' | 'off'> =>
  'on' in source && typeof source.on === 'function';

/** One property of an event. The event is the platform's own object, so inherited reads are meant. */
export const readEvent = (event: object, key: string): unknown =>
  Reflect.get(event, key);

/**
 * Calls `listener` with the data of each event, and with the event itself where the platform has one (Node has not).
 * Returns a function that stops it.
 */
export const listenTo = (
  source: MessageSource,
  type: string,
  listener: (data: unknown, event?: object) => void,
): (() => void) => {
  if (isEmitter(source)) {
    const onValue = (value: unknown): void => listener(value);
    source.on(type, onValue);
    return () => void source.off(type, onValue);
  }
  const onEvent = (event: object): void =>
    listener('data' in event ? event.data : undefined, event);
  source.addEventListener(type, onEvent);
  return () => source.removeEventListener(type, onEvent);
};
