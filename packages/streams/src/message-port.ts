import { makeDuplex, type DuplexStream, type StreamOptions } from './duplex.ts';
import { StreamClosedError, StreamError, describeError } from './errors.ts';
import { isEmitter, listenTo, type PortLike } from './port.ts';

/**
 * Makes a stream over a message port of the Web or of Node, over a Worker, or inside a worker over its scope.
 *
 * The stream owns the port's messages: nothing else may listen to them or post. Closing the stream closes a MessagePort;
 * it does not terminate a Worker and does not close a worker's scope. A worker or a page that dies gives **no event** on
 * the Web: whoever needs to know keeps a deadline or a heartbeat. Where the platform does tell (`close`, Node's `exit`
 * and `error`), the stream closes with a StreamClosedError. A message that can't be deserialized closes it with
 * STREAM_MALFORMED.
 */
export const makeMessagePortStream = <In = unknown, Out = unknown>(
  port: PortLike,
  options: StreamOptions = {},
): DuplexStream<In, Out> =>
  makeDuplex<In, Out>(({ arrive, lost, fail }) => {
    const { label = 'stream' } = options;
    const gone = (what: string) => () =>
      lost(new StreamClosedError(`${label}: ${what}`));
    const stops = [
      listenTo(port, 'message', arrive),
      listenTo(port, 'messageerror', () =>
        fail(
          new StreamError(
            'STREAM_MALFORMED',
            `${label}: a message could not be deserialized`,
          ),
        ),
      ),
      listenTo(port, 'close', gone('the port was closed without a word')),
    ];
    if (isEmitter(port)) {
      stops.push(
        listenTo(port, 'exit', gone('the worker has exited')),
        listenTo(port, 'error', cause =>
          lost(
            new StreamClosedError(
              `${label}: the worker failed: ${describeError(cause)}`,
              { cause },
            ),
          ),
        ),
      );
    } else {
      port.start?.();
    }
    return {
      post: (data, transfer) => {
        if (transfer === undefined) port.postMessage(data);
        else port.postMessage(data, [...transfer]);
      },
      shut: () => {
        for (const stop of stops) stop();
        // A worker's scope has `close` too, but that would end the worker.
        if (typeof port.start === 'function') port.close?.();
      },
    };
  }, options);
