import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { Peer, PeerName } from '../stage.ts';
import { readScript } from './read-script.ts';

/** Its text is strict, and stays so behind this. */
const PRELUDE =
  "'use strict'; globalThis.parentPort = require('node:worker_threads').parentPort;";

/** As in `peers/run-peer.ts`, with Node's ports. */
type FirstWord = {
  readonly type: 'serve' | 'relay' | 'connect';
  readonly port: MessagePort;
  readonly to?: MessagePort;
};

/**
 * Threads with the peer's script. A caller and a server are joined as our vats
 * are, by the ports of a third thread between them, or directly.
 */
export const startNodePeer = (
  name: PeerName,
): { peer: Peer; stop: () => Promise<unknown> } => {
  const [library, direct] = name.split(' ');
  const text = `${PRELUDE}\n${readScript(`peer-${library}.js`)}`;
  const workers: Worker[] = [];
  const start = (word: FirstWord): Worker => {
    const worker = new Worker(text, { eval: true, env: {}, execArgv: [] });
    workers.push(worker);
    worker.postMessage(word, [word.port, ...(word.to ? [word.to] : [])]);
    return worker;
  };
  const upper = new MessageChannel();
  const lower = direct ? upper : new MessageChannel();
  start({ type: 'serve', port: lower.port1 });
  if (!direct) {
    start({ type: 'relay', port: upper.port1, to: lower.port2 });
  }
  const client = start({ type: 'connect', port: upper.port2 });
  return {
    peer: {
      roundTrips: (count, inFlight) =>
        new Promise((resolve, reject) => {
          client.once('error', reject);
          client.once('message', milliseconds => {
            client.off('error', reject);
            resolve(milliseconds);
          });
          client.postMessage({ type: 'work', count, inFlight });
        }),
    },
    stop: () => Promise.all(workers.map(worker => worker.terminate())),
  };
};
