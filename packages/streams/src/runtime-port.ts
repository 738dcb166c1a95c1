import { makeDuplex, type DuplexStream, type StreamOptions } from './duplex.ts';
import { StreamClosedError, StreamError } from './errors.ts';

type RuntimeEvent<Listener> = {
  addListener(listener: Listener): void;
  removeListener(listener: Listener): void;
};

/** A `runtime.Port` of a browser extension, by its shape. */
export type RuntimePort = {
  postMessage(message: unknown): void;
  disconnect(): void;
  readonly onMessage: RuntimeEvent<(message: unknown) => void>;
  readonly onDisconnect: RuntimeEvent<() => void>;
};

/**
 * Makes a stream over the port of `runtime.connect`. The stream owns the port and disconnects it when it closes.
 * Messages travel as JSON: `undefined` in an array becomes null, a record's undefined property is lost, and a message
 * with a transfer list closes the stream with STREAM_UNSENDABLE. A disconnection without a close before it (the other
 * page is gone) closes the stream with a StreamClosedError.
 */
export const makeRuntimePortStream = <In = unknown, Out = unknown>(
  port: RuntimePort,
  options: StreamOptions = {},
): DuplexStream<In, Out> =>
  makeDuplex<In, Out>(({ arrive, lost }) => {
    const { label = 'stream' } = options;
    // The browser passes the port as a second argument, so `arrive` itself is not the listener.
    const onMessage = (message: unknown): void => arrive(message);
    const onDisconnect = (): void =>
      lost(
        new StreamClosedError(
          `${label}: the extension port was disconnected without a word`,
        ),
      );
    port.onMessage.addListener(onMessage);
    port.onDisconnect.addListener(onDisconnect);
    return {
      post: (data, transfer) => {
        if (transfer !== undefined) {
          throw new StreamError(
            'STREAM_UNSENDABLE',
            `${label}: an extension port transfers nothing`,
          );
        }
        port.postMessage(data);
      },
      shut: () => {
        port.onMessage.removeListener(onMessage);
        port.onDisconnect.removeListener(onDisconnect);
        port.disconnect();
      },
    };
  }, options);
