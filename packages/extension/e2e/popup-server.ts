import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A loopback server of files. `/open/name` allows reading from other sites,
 * `/shut/name` says nothing about it, and `/held/name` answers as `/open`, but
 * only after `release`. Whoever calls owns it: `close`.
 */
export const startServer = async (files: Readonly<Record<string, string>>) => {
  let release = (): void => {};
  const released = new Promise<void>(resolve => {
    release = resolve;
  });
  const server = createServer((request, response) => {
    const [, way = '', name = ''] = (request.url ?? '').split('/');
    const text = Object.hasOwn(files, name) ? files[name] : undefined;
    const respond = (): void => {
      const headers = {
        'content-type': 'application/json',
        ...(way === 'shut' ? {} : { 'access-control-allow-origin': '*' }),
      };
      response.writeHead(text === undefined ? 404 : 200, headers);
      response.end(text ?? 'there is no such file');
    };
    void (way === 'held' ? released.then(respond) : respond());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (path: string): string => `http://127.0.0.1:${port}/${path}`,
    release,
    close: (): Promise<void> =>
      new Promise(resolve => {
        release();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
export type Server = Awaited<ReturnType<typeof startServer>>;
