import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on this machine that counts who connects, and answers anybody. */
export const startListener = async () => {
  let connections = 0;
  const server = createServer((_request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.end('{}');
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    http: `http://127.0.0.1:${port}/rogue.js`,
    ws: `ws://127.0.0.1:${port}/rogue`,
    connections: () => connections,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
export type Listener = Awaited<ReturnType<typeof startListener>>;
