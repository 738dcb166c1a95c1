import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TEST_CONFIGS } from '@cooperage/kit/acceptance';
import { startExtension, type Extension } from './harness.ts';
import { clear } from './play.ts';
import { sampleConfig } from './samples.ts';
import { takeStock } from './stock.ts';
import { type } from './typing.ts';

type Launch = {
  readonly name: string;
  readonly state: string;
  readonly error?: string;
  readonly steps: readonly { readonly text: string; readonly state: string }[];
};

const moduleOf = (source: string) => ({
  bundle: {
    text: JSON.stringify({
      moduleFormat: 'cooperageScript',
      source,
      imports: ['@endo/far'],
    }),
  },
});

/** Gives a page that is no bundle, and a bundle that a site of another origin may not read. */
const startServer = async () => {
  const server = createServer((request, response) => {
    const isOpen = request.url?.startsWith('/open') === true;
    response.writeHead(request.url?.includes('absent') === true ? 404 : 200, {
      'content-type': 'text/html',
      ...(isOpen ? { 'access-control-allow-origin': '*' } : {}),
    });
    response.end('<!doctype html><title>no bundle</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, base: `http://127.0.0.1:${port}` };
};

const counter: object = JSON.parse(sampleConfig('counter'));

describe('whoever launches', () => {
  let extension: Extension;
  let base = '';
  let server: Awaited<ReturnType<typeof startServer>>['server'];
  beforeAll(async () => {
    ({ server, base } = await startServer());
    extension = await startExtension();
    await extension.inConsole(`E(kernel).status().then(() => {})`);
  });
  afterEach(() => clear(extension));
  afterAll(async () => {
    await extension.close();
    server.close();
    await once(server, 'close');
  });

  const launch = (config: unknown) =>
    type(extension, `await E(kernel).launch(${JSON.stringify(config)})`);

  const lastLaunch = () =>
    extension.inConsole<Launch>(
      `E(kernel).status().then(({ launches }) => launches.at(-1))`,
    );

  type Fault = {
    readonly vat: object;
    readonly words: RegExp;
    readonly failedStep: string;
  };
  const START = 'start vat broken';
  const FETCH = 'fetch and check the code';
  const atUrl = (url: string) => ({ bundle: { url } });
  const faults: readonly (readonly [string, () => Fault])[] = [
    [
      'a bundle that throws in buildRootObject',
      () => ({
        vat: TEST_CONFIGS.throwing.vats['throwing'] ?? {},
        words: /Vat broken: RangeError: no root today/,
        failedStep: START,
      }),
    ],
    [
      'a bundle with a syntax error',
      () => ({
        vat: TEST_CONFIGS.garbled.vats['garbled'] ?? {},
        words: /Vat broken: SyntaxError: Unexpected token ';' \(line 1: /,
        failedStep: START,
      }),
    ],
    [
      'a bundle without buildRootObject',
      () => ({
        vat: moduleOf(`imports => ({})`),
        words: /Vat broken: .*lacks buildRootObject/,
        failedStep: START,
      }),
    ],
    [
      'a root that is no object to call',
      () => ({
        vat: moduleOf(`imports => ({ buildRootObject: () => 7 })`),
        words: /Vat broken: .*not Far/,
        failedStep: START,
      }),
    ],
    [
      'a root that never comes',
      () => ({
        vat: moduleOf(
          `imports => ({ buildRootObject: () => new Promise(() => {}) })`,
        ),
        words: /Vat broken: buildRootObject unresolved/,
        failedStep: START,
      }),
    ],
    [
      'a server that does not have the bundle',
      () => ({
        vat: atUrl(`${base}/open/absent.json`),
        words: /\/open\/absent\.json can't be fetched: .*404/,
        failedStep: FETCH,
      }),
    ],
    [
      'a server that lets no other site read',
      () => ({
        vat: atUrl(`${base}/closed.json`),
        words: /\/closed\.json can't be fetched: .*CORS/,
        failedStep: FETCH,
      }),
    ],
    [
      'an address of something that is no bundle',
      () => ({
        vat: atUrl(`${base}/open/page.html`),
        words: /Vat broken: .*bundle/i,
        failedStep: FETCH,
      }),
    ],
    [
      'an address where nobody listens',
      () => ({
        // The server's port, on an address of this machine where it does not listen.
        vat: atUrl(base.replace('127.0.0.1', '127.0.0.2')),
        words: /127\.0\.0\.2:\d+ can't be fetched/,
        failedStep: FETCH,
      }),
    ],
  ];
  it.each(faults)(
    'is told of %s, in the console and in the list of launches; nothing is left and the name is free',
    async (_title, fault) => {
      const { vat, words, failedStep } = fault();
      const before = await takeStock(extension);
      const { uncaught } = await launch({ name: 'x', vats: { broken: vat } });
      expect(uncaught).toMatchObject({
        subtype: 'error',
        description: expect.stringMatching(words),
      });
      const { steps, ...shown } = await lastLaunch();
      expect(shown).toMatchObject({
        name: 'x',
        state: 'failed',
        error: expect.stringMatching(words),
      });
      expect(steps.filter(({ state }) => state !== 'done')).toEqual([
        { text: failedStep, state: 'failed' },
      ]);
      expect(await takeStock(extension)).toEqual(before);

      const again = await launch({ ...counter, name: 'x' });
      expect(again.uncaught).toBeUndefined();
      expect((await lastLaunch()).state).toBe('done');
    },
  );

  it('is told of every problem of a config at once, and no launch begins', async () => {
    const before = await takeStock(extension);
    const begun = await lastLaunch();
    const { uncaught } = await launch({
      ...counter,
      color: 'red',
      bootstrap: 'zoe',
    });
    expect(uncaught?.description).toMatch(/unknown field "color".*zoe/s);
    const { uncaught: none } = await launch({ name: 'x' });
    expect(none?.description).toMatch(/names at least one vat/);
    const text = await type(extension, `await E(kernel).launch('{ "name": ')`);
    expect(text.uncaught?.description).toMatch(/the config is no JSON/);
    expect(await takeStock(extension)).toEqual(before);
    expect(await lastLaunch()).toEqual(begun);
  });

  it('is told of a bootstrap that rejects, and the cluster runs', async () => {
    const vat = moduleOf(
      `imports => ({
        buildRootObject: () => imports['@endo/far'].Far('Root', {
          bootstrap: () => { throw Error('no peers'); },
          ping: () => 'pong',
        }),
      })`,
    );
    const { uncaught } = await launch({ name: 'x', vats: { root: vat } });
    expect(uncaught).toBeUndefined();
    expect(await extension.inConsole(`E(E(kernel).root('x')).ping()`)).toBe(
      'pong',
    );
    const { state, error, steps } = await lastLaunch();
    expect({ state, error, last: steps.at(-1) }).toEqual({
      state: 'done',
      error: 'bootstrap rejected: no peers',
      last: { text: 'bootstrap', state: 'failed' },
    });
  });
});
