import { newMessagePortRpcSession, RpcTarget } from 'capnweb';
import { runPeer, type Pinger } from './run-peer.ts';

// The library tells what may be called by its class.
class Bench extends RpcTarget {
  #pinger: Pinger;
  constructor(pinger: Pinger) {
    super();
    this.#pinger = pinger;
  }
  ping(): unknown {
    return this.#pinger.ping();
  }
}

runPeer({
  serve: (port, pinger) =>
    void newMessagePortRpcSession(port, new Bench(pinger)),
  connect: port => {
    const remote = newMessagePortRpcSession<Bench>(port);
    return { ping: () => remote.ping() } satisfies Pinger;
  },
});
