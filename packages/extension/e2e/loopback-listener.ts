import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
) => void;

/** Anybody may read it. */
const answerAnybody: Answer = (_request, response) => {
  response.setHeader('access-control-allow-origin', '*');
  response.end('{}');
};

/** A server on this machine that notes who connects and what is asked. */
export const startListener = async (answer: Answer = answerAnybody) => {
  let connections = 0;
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    waiting.splice(0).forEach(look => look());
    answer(request, response);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    http: `http://127.0.0.1:${port}/rogue.js`,
    ws: `ws://127.0.0.1:${port}/rogue`,
    connections: () => connections,
    /** Every request, as `GET /path`. */
    asked,
    /** Resolves once that was asked. */
    whenAsked: (what: string): Promise<void> =>
      new Promise(resolve => {
        const look = (): void => {
          if (asked.includes(what)) {
            resolve();
          } else {
            waiting.push(look);
          }
        };
        look();
      }),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
export type Listener = Awaited<ReturnType<typeof startListener>>;
