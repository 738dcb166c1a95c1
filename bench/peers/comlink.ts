import { expose, wrap } from 'comlink';
import { runPeer, type Pinger } from './run-peer.ts';

runPeer({
  serve: (port, pinger) => expose(pinger, port),
  connect: port => {
    const remote = wrap<Pinger>(port);
    return { ping: () => remote.ping() } satisfies Pinger;
  },
});
