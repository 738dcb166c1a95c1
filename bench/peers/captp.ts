import '../floor/lockdown.ts';
import { makeCapTP } from '@endo/captp';
import { E, Far } from '@endo/far';
import { listen } from '../floor/wire-port.ts';
import { runPeer } from './run-peer.ts';

const join = (port: MessagePort, bootstrap?: object) => {
  const { dispatch, getBootstrap } = makeCapTP(
    'bench',
    message => port.postMessage(message),
    bootstrap,
  );
  listen(port, message => void dispatch(message));
  return getBootstrap;
};

runPeer({
  serve: (port, pinger) => void join(port, Far('Bench', { ...pinger })),
  connect: async port => {
    const remote = await join(port)();
    return { ping: () => E(remote).ping() };
  },
});
