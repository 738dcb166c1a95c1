import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SUITES } from '@cooperage/kit/acceptance';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import {
  configOf,
  playScenario,
  sweep,
  takeStock,
  titled,
  type Config,
} from './play.ts';

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
      imports: [],
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

describe('what goes wrong at a launch', () => {
  let extension: Extension;
  let base = '';
  let server: Awaited<ReturnType<typeof startServer>>['server'];
  beforeAll(async () => {
    ({ server, base } = await startServer());
    extension = await startExtension();
    await extension.inConsole(`E(kernel).status().then(() => {})`);
  });
  afterEach(() => sweep(extension));
  afterAll(async () => {
    await extension.close();
    server.close();
    await once(server, 'close');
  });

  const launch = (config: unknown) =>
    extension.type(`await E(kernel).launch(${JSON.stringify(config)})`);

  const lastLaunch = () =>
    extension.inConsole<Launch>(
      `E(kernel).status().then(({ launches }) => launches.at(-1))`,
    );

  it.each(
    titled(SUITES.launch.filter(({ leavesNothing }) => leavesNothing === true)),
  )('%s, and nothing is left of it', async (_title, scenario) => {
    const before = await takeStock(extension);
    await playScenario(extension, scenario, []);
    await extension.devtools.whenWorkers(before.workers);
    expect(await takeStock(extension)).toEqual(before);
  });

  it.each(
    titled(SUITES.launch.filter(({ title }) => title.startsWith('two '))),
  )('%s', async (_title, scenario) => {
    await playScenario(extension, scenario, []);
  });

  const faults: readonly {
    title: string;
    config: () => unknown;
    words: RegExp;
    failedStep: string;
  }[] = [
    {
      title: 'a bundle that throws in buildRootObject',
      config: () => configOf('throwing'),
      words: /LaunchFault|Vat throwing: .*no root today/,
      failedStep: 'start vat throwing',
    },
    {
      title: 'a bundle with a syntax error',
      config: () => configOf('garbled'),
      words: /Vat garbled: .*SyntaxError/,
      failedStep: 'start vat garbled',
    },
    {
      title: 'a bundle that makes no root',
      config: () => ({
        name: 'rootless',
        vats: { rootless: moduleOf(`imports => ({})`) },
      }),
      words: /Vat rootless: .*buildRootObject/,
      failedStep: 'start vat rootless',
    },
    {
      title: 'a server that does not have the bundle',
      config: () => ({
        name: 'absent',
        vats: { absent: { bundle: { url: `${base}/open/absent.json` } } },
      }),
      words: /\/open\/absent\.json can't be fetched: .*404/,
      failedStep: 'fetch and check the code',
    },
    {
      title: 'a server that does not let other sites read',
      config: () => ({
        name: 'closed',
        vats: { closed: { bundle: { url: `${base}/closed.json` } } },
      }),
      words: /\/closed\.json can't be fetched: .*CORS/,
      failedStep: 'fetch and check the code',
    },
    {
      title: 'an address of something that is no bundle',
      config: () => ({
        name: 'page',
        vats: { page: { bundle: { url: `${base}/open/page.html` } } },
      }),
      words: /Vat page: .*bundle/i,
      failedStep: 'fetch and check the code',
    },
    {
      title: 'an address where nobody listens',
      config: () => ({
        name: 'nobody',
        // The port of the server, on an address of this machine where it does not listen.
        vats: {
          nobody: {
            bundle: { url: base.replace('127.0.0.1', '127.0.0.2') },
          },
        },
      }),
      words: /127\.0\.0\.2:\d+ can't be fetched/,
      failedStep: 'fetch and check the code',
    },
  ];
  it.each(faults)(
    '$title is told by its cause, in the console and in the list of launches, and the name is free again',
    async ({ config, words, failedStep }) => {
      const before = await takeStock(extension);
      const { name } = config() as Config;
      const { uncaught } = await launch(config());
      expect(uncaught).toMatchObject({
        subtype: 'error',
        description: expect.stringMatching(words),
      });
      const { steps, ...shown } = await lastLaunch();
      expect(shown).toMatchObject({
        name,
        state: 'failed',
        error: expect.stringMatching(words),
      });
      expect(steps.filter(({ state }) => state !== 'done')).toEqual([
        { text: failedStep, state: 'failed' },
      ]);
      await extension.devtools.whenWorkers(before.workers);
      expect(await takeStock(extension)).toEqual(before);

      const again = await launch({ ...configOf('counter'), name });
      expect(again.uncaught).toBeUndefined();
      expect((await lastLaunch()).state).toBe('done');
    },
  );

  it('shows every problem of a config at once, and starts no launch', async () => {
    const before = await takeStock(extension);
    const { uncaught } = await launch({
      ...configOf('demo'),
      color: 'red',
      bootstrap: 'zoe',
    });
    expect(uncaught?.description).toMatch(/unknown field "color".*zoe/s);
    const text = await extension.type(`await E(kernel).launch('{ "name": ')`);
    expect(text.uncaught?.description).toMatch(/the config is no JSON/);
    expect(await takeStock(extension)).toEqual(before);
  });

  it('shows a bootstrap that was rejected', async () => {
    const { bundle } = moduleOf(`imports => ({
      buildRootObject: () => harden({ get [Symbol.toStringTag]() { return 'x'; } }),
    })`);
    const { uncaught } = await launch({
      name: 'odd',
      vats: { odd: { bundle } },
    });
    expect(uncaught?.description).toMatch(/Vat odd: /);
  });
});
