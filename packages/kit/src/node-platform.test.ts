import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import {
  copyNodeImage,
  makeNodeImage,
  openNodePlatform,
  type NodePlatformOptions,
} from './node-platform.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) {
    await end();
  }
});

const open = async (options: NodePlatformOptions = {}) => {
  const platform = await openNodePlatform({
    image: makeNodeImage('memory'),
    ...options,
  });
  ends.push(() => {
    platform.db.close();
    platform.stores.close();
  });
  return platform;
};

const serve = async (): Promise<URL> => {
  const server = createServer((request, response) => {
    if (request.url === '/away') {
      response.writeHead(302, { location: 'http://example.org/' }).end();
    } else {
      response.statusCode = request.url === '/bundle' ? 200 : 404;
      response.end('the text');
    }
  });
  await new Promise<void>(resolve =>
    server.listen(0, '127.0.0.1', () => resolve()),
  );
  ends.push(
    () =>
      new Promise(resolve => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return new URL(`http://127.0.0.1:${port}/`);
};

describe('the text behind a URL', () => {
  it('is read from files, also relative to a base', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cooperage-'));
    ends.push(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'a.json'), 'ä');
    const baseUrl = pathToFileURL(`${folder}/`);
    const { fetchText } = await open({ baseUrl });
    expect(await fetchText('a.json')).toBe('ä');
    expect(await fetchText(new URL('a.json', baseUrl).href)).toBe('ä');
  });

  it("is fetched from this machine's servers", async () => {
    const url = await serve();
    const { fetchText } = await open();
    expect(await fetchText(new URL('bundle', url).href)).toBe('the text');
  });

  it('is unreachable when it is absent, elsewhere, or behind a redirect, and the error names it', async () => {
    const url = await serve();
    const { fetchText } = await open();
    const parts: Record<string, string> = {
      [new URL('other', url).href]: '404',
      [new URL('away', url).href]: 'redirect',
      'http://127.0.0.1:9/x.json': 'fetch',
      'http://example.org/x.json': 'this machine',
      'file:///no/such/file.json': 'ENOENT',
      'data:text/plain,x': 'data:',
      'relative.json': 'URL',
    };
    for (const [each, part] of Object.entries(parts)) {
      const problem = await fetchText(each).catch((error: unknown) => error);
      expect(problem).toMatchObject({
        code: 'BUNDLE_UNREACHABLE',
        message: expect.stringContaining(each),
      });
      expect(String(problem)).toContain(part);
    }
  });
});

it('hashes with SHA-512', async () => {
  const { hash } = await open();
  expect(await hash(new TextEncoder().encode('abc'))).toMatch(
    /^ddaf35a193617aba[0-9a-f]{96}2a9ac94fa54ca49f$/,
  );
});

it.each(['memory', 'sqlite'] as const)(
  'a copy of an image of %s stays as it was at that commit',
  async storage => {
    const schema = {
      name: 'notes',
      keys: 1,
      columns: [{ name: 'id', type: 'integer', about: 'its number' }],
    } as const;
    const image = makeNodeImage(storage);
    const { db } = await open({ image });
    db.prepare([schema]);
    db.commit([{ table: 'notes', puts: [[1]], deletes: [] }]);
    const copy = copyNodeImage(image);
    db.commit([{ table: 'notes', puts: [[2]], deletes: [] }]);
    const other = await open({ image: copy });
    other.db.prepare([schema]);
    expect(other.db.load('notes')).toEqual([[1]]);
  },
);

it('calls back soon in a later turn, and not at all when cancelled', async () => {
  const { clock } = await open();
  const events: string[] = [];
  const cancel = clock.after(0, () => events.push('cancelled'));
  cancel();
  const soon = new Promise<void>(resolve =>
    clock.soon(() => {
      events.push('soon');
      resolve();
    }),
  );
  events.push('now');
  await soon;
  expect(events).toEqual(['now', 'soon']);
});
