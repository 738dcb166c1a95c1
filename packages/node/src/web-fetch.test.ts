import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { FetchRequest } from '@cooperage/kernel';
import { webFetch } from './web-fetch.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach(close => close()));

/** A server of this machine; gives its origin and what it was asked. */
const serve = async (handle: Handler) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    handle(request, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { asked, origin: `http://127.0.0.1:${port}` };
};

const requestFor = (
  url: string,
  fields: Partial<FetchRequest> = {},
): FetchRequest => ({
  url,
  method: 'GET',
  headers: [],
  body: null,
  mostBytes: 100,
  problemOf: () => undefined,
  ...fields,
});

const redirect =
  (status: number, to: string): Handler =>
  (request, response) => {
    if (request.url === '/start') {
      response.writeHead(status, { location: to }).end();
    } else {
      response.end(`${request.method} ${request.headers.authorization ?? '-'}`);
    }
  };

const textOf = async (request: FetchRequest): Promise<string> =>
  new TextDecoder().decode((await webFetch(request).answer).bytes);

describe('fetch in Node', () => {
  it('gives status, address, headers and bytes', async () => {
    const { origin } = await serve((_request, response) =>
      response.writeHead(418, { 'x-tea': 'yes' }).end('short'),
    );
    const answer = await webFetch(requestFor(`${origin}/a`)).answer;
    expect(answer).toMatchObject({ status: 418, url: `${origin}/a` });
    expect(answer.headers).toContainEqual(['x-tea', 'yes']);
    expect(new TextDecoder().decode(answer.bytes)).toBe('short');
  });

  it('checks each hop before it asks there', async () => {
    const other = await serve(redirect(302, '/never'));
    const { origin, asked } = await serve(
      redirect(302, `${other.origin}/secret`),
    );
    const hops: string[] = [];
    const request = requestFor(`${origin}/start`, {
      problemOf: (url, method) => {
        hops.push(`${method} ${url}`);
        return 'the port is none of its own';
      },
    });
    await expect(webFetch(request).answer).rejects.toThrow(
      /redirected to .*secret, which may not be fetched: the port is none/,
    );
    expect({ hops, asked, other: other.asked }).toEqual({
      hops: [`GET ${other.origin}/secret`],
      asked: ['GET /start'],
      other: [],
    });
  });

  it('follows redirects as browsers do, and shows an authorization to no other origin', async () => {
    const other = await serve(redirect(302, '/never'));
    const away = await serve(redirect(307, `${other.origin}/b`));
    const own = await serve(redirect(302, '/b'));
    const fields = {
      method: 'POST',
      body: 'x',
      headers: [['authorization', 'secret']] as const,
    };
    expect([
      await textOf(requestFor(`${own.origin}/start`, fields)),
      await textOf(requestFor(`${away.origin}/start`, fields)),
    ]).toEqual(['GET secret', 'POST -']);
  });

  it('ends a chain of redirects, an answer that is too long, and one that was canceled', async () => {
    const round = await serve((_request, response) =>
      response.writeHead(302, { location: '/start' }).end(),
    );
    const long = await serve((_request, response) =>
      response.end('x'.repeat(101)),
    );
    let hear = (): void => {};
    const isAsked = new Promise<void>(resolve => {
      hear = resolve;
    });
    const silent = await serve(() => hear());
    await expect(
      webFetch(requestFor(`${round.origin}/start`)).answer,
    ).rejects.toThrow(/redirected more than 5 times/);
    await expect(webFetch(requestFor(long.origin)).answer).rejects.toThrow(
      /more than 100 bytes/,
    );
    const { answer, cancel } = webFetch(requestFor(silent.origin));
    const refused = expect(answer).rejects.toThrow(/canceled/);
    await isAsked;
    cancel();
    await refused;
  });

  it('says why no answer came', async () => {
    await expect(
      webFetch(requestFor('http://127.0.0.1:1/')).answer,
    ).rejects.toThrow(/fetch failed|bad port/);
  });
});
