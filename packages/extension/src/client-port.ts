import { CooperageError, PROTOCOL_VERSION } from '@cooperage/protocol';
import {
  makeHandshake,
  makeMessagePortStream,
  StreamClosedError,
  type DuplexStream,
} from '@cooperage/streams';
import browser from 'webextension-polyfill';
import { LIFE_PORT } from './control-words.ts';

/** A kernel that starts waits some seconds for its predecessor's files. */
const CONNECT_MILLISECONDS = 30_000;

/** Takes the port to the offscreen document; rejects when it can't be reached. It owns the port. */
export type HandOver = (client: string, port: MessagePort) => Promise<void>;

const unreachable = (problem: unknown): CooperageError =>
  problem instanceof CooperageError
    ? problem
    : new CooperageError(
        'KERNEL_UNREACHABLE',
        `no connection to the kernel: ${problem instanceof Error ? problem.message : String(problem)}`,
      );

/**
 * Makes the function that opens one connection after another. A message port
 * dies without a word, so a `runtime` port stands beside each: it tells the
 * kernel's side that this client is gone, and this side that the kernel is.
 */
export const makeConnector =
  (handOver: HandOver) => async (): Promise<DuplexStream<unknown, unknown>> => {
    const client = crypto.randomUUID();
    const { port1, port2 } = new MessageChannel();
    try {
      await handOver(client, port2);
    } catch (problem) {
      port1.close();
      throw unreachable(problem);
    }
    const life = browser.runtime.connect({ name: LIFE_PORT + client });
    const stream = makeMessagePortStream(port1, { label: 'kernel' });
    life.onDisconnect.addListener(() =>
      stream.close(new StreamClosedError('the kernel was lost or restarted')),
    );
    void stream.closed.then(() => life.disconnect());
    try {
      await makeHandshake(stream, {
        version: PROTOCOL_VERSION,
        nonce: client,
        signal: AbortSignal.timeout(CONNECT_MILLISECONDS),
      });
    } catch (problem) {
      throw unreachable(problem);
    }
    return stream;
  };
