/** A peer's worker: it serves an object over a port, relays one from a port to another, or calls what a port leads to. */
import { listen, type WirePort } from '../floor/wire-port.ts';

export type Pinger = { ping(): unknown };

/** How a library does both. */
export type Library = {
  serve(port: MessagePort, pinger: Pinger): void;
  connect(port: MessagePort): Pinger | Promise<Pinger>;
};

export type ToPeer =
  | { readonly type: 'serve'; readonly port: MessagePort }
  | { readonly type: 'connect'; readonly port: MessagePort }
  | {
      readonly type: 'relay';
      readonly port: MessagePort;
      readonly to: MessagePort;
    }
  | {
      readonly type: 'work';
      readonly count: number;
      readonly inFlight: number;
    };

/** In Node whoever starts the worker has put its port there; in a browser the scope is the port. */
const scope: WirePort = Reflect.get(globalThis, 'parentPort') ?? globalThis;

const time = async (
  pinger: Pinger,
  count: number,
  inFlight: number,
): Promise<number> => {
  const start = performance.now();
  const chain = async (): Promise<void> => {
    for (let trip = 0; trip < count / inFlight; trip += 1) {
      await pinger.ping();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, chain));
  return performance.now() - start;
};

/** Obeys the thread that has started this worker; it answers each `work` with milliseconds. */
export const runPeer = ({ serve, connect }: Library): void => {
  let connected: ReturnType<Library['connect']> | undefined;
  listen(scope, async (word: ToPeer) => {
    if (word.type === 'serve') {
      serve(word.port, { ping: () => 'pong' });
    } else if (word.type === 'relay') {
      const pinger = await connect(word.to);
      serve(word.port, { ping: () => pinger.ping() });
    } else if (word.type === 'connect') {
      connected = connect(word.port);
    } else if (connected) {
      // A presence is passed on in a record: awaited, it would be asked for `then`.
      scope.postMessage(await time(await connected, word.count, word.inFlight));
    }
  });
};
