/** The page of the peers: workers of the extension, joined as those of `startNodePeer` are. */
import type { ToPeer } from '../peers/run-peer.ts';

type Work = { readonly count: number; readonly inFlight: number };
const clients = new Map<string, Worker>();

const startPeer = (name: string): Worker => {
  const [library, direct] = name.split(' ');
  const start = (word: ToPeer, ports: MessagePort[]): Worker => {
    const worker = new Worker(`peer-${library}.js`);
    worker.postMessage(word, ports);
    return worker;
  };
  const upper = new MessageChannel();
  const lower = direct === undefined ? new MessageChannel() : upper;
  start({ type: 'serve', port: lower.port1 }, [lower.port1]);
  if (lower !== upper) {
    const ports = { port: upper.port1, to: lower.port2 };
    start({ type: 'relay', ...ports }, [ports.port, ports.to]);
  }
  return start({ type: 'connect', port: upper.port2 }, [upper.port2]);
};

Object.assign(globalThis, {
  measurePeer: ({ name, count, inFlight }: Work & { readonly name: string }) =>
    new Promise<number>((resolve, reject) => {
      const client = clients.get(name) ?? startPeer(name);
      clients.set(name, client);
      client.onmessage = ({ data }) => resolve(data);
      client.onerror = ({ message }) => reject(Error(message));
      client.postMessage({ type: 'work', count, inFlight } satisfies ToPeer);
    }),
});
