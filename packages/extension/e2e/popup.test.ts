import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EXTENSION_DIR, startExtension, type Extension } from './harness.ts';
import { openPanel, type Panel } from './popup-page.ts';
import { startServer, type Server } from './popup-server.ts';

const counterText = readFileSync(
  join(EXTENSION_DIR, 'bundles', 'counter.json'),
  'utf8',
);
const GOOD_SOURCE = `import { Far } from '@endo/far';
export const buildRootObject = () =>
  Far('Pasted', { hello: name => \`pasted says hello to \${name}\` });
`;
const configOf = (bundle: object, more: object = {}): string =>
  JSON.stringify({
    name: 'fromConfig',
    bootstrap: 'main',
    vats: { main: { bundle, parameters: { start: 7 } } },
    ...more,
  });

describe('a launch from the popup', () => {
  let extension: Extension;
  let server: Server;
  let panel: Panel;
  beforeAll(async () => {
    server = await startServer({
      'counter.json': counterText,
      'config.json': configOf({ url: 'counter.json' }, { name: 'fromUrl' }),
    });
    extension = await startExtension();
    panel = await openPanel(extension);
    await panel.goTo('Launch');
  });
  afterAll(async () => {
    await extension.close();
    await server.close();
  });
  /** Each test cancels or launches what it drafted; what stays drafted would hide the next problem. */
  afterEach(() => panel.page.keyboard.press('Escape'));

  const clusterNames = () =>
    extension.inConsole<string>(
      `E(kernel).clusters().then(all => all.map(({ name }) => name).sort().join())`,
    );
  const stateOf = (name: string) =>
    panel.launchCard(name).getAttribute('data-state');
  const ask = <Answer>(expression: string) =>
    extension.inConsole<Answer>(expression);

  it('starts a sample, and shows each step', async () => {
    await panel.page.getByRole('button', { name: /Three who meet/ }).click();
    const card = await panel.launchAs('demo');
    await card.getByText('was launched').waitFor();
    expect(await card.getByRole('listitem').allInnerTexts()).toEqual([
      expect.stringContaining('fetch and check the code'),
      expect.stringContaining('make room for the stores'),
      expect.stringContaining('start vat alice'),
      expect.stringContaining('start vat bob'),
      expect.stringContaining('start vat carol'),
      expect.stringContaining('bootstrap'),
    ]);
    expect(
      await ask(`E(E(kernel).root('demo', 'bob')).hello('console')`),
    ).toContain('console');
  });

  it('asks for a name that is free', async () => {
    await panel.page.getByRole('button', { name: /Three who meet/ }).click();
    const name = panel.page.getByLabel('Name of the cluster');
    expect(await name.inputValue()).toBe('demo-2');
    await name.fill('demo');
    expect(await panel.problems()).toContain(
      'a cluster called demo is running already',
    );
  });

  it('starts a bundle from a file', async () => {
    await panel.chooseFile('my counter.bundle.json', counterText);
    const card = await panel.launchAs('fromBundle');
    await card.getByText('was launched').waitFor();
    expect(await ask(`E(home.fromBundle).increment()`)).toBe(1);
  });

  it('starts a cluster from a config file', async () => {
    const config = configOf({ url: server.url('open/counter.json') });
    await panel.chooseFile('cluster.json', config);
    const card = await panel.launchAs('fromConfig');
    await card.getByText('was launched').waitFor();
    expect(await ask(`E(home.fromConfig).increment()`)).toBe(8);
  });

  it('starts a config at a URL, whose bundles lie beside it', async () => {
    await panel.readUrl(server.url('open/config.json'));
    const card = await panel.launchAs('fromUrl');
    await card.getByText('was launched').waitFor();
    expect(await ask(`E(home.fromUrl).read()`)).toBe(7);
  });

  it('starts pasted source', async () => {
    await panel.compile(GOOD_SOURCE);
    const card = await panel.launchAs('pasted');
    await card.getByText('was launched').waitFor();
    expect(await ask(`E(home.pasted).hello('you')`)).toBe(
      'pasted says hello to you',
    );
  });

  it('goes on while the popup is closed, and shows its steps again', async () => {
    const config = configOf(
      { url: server.url('held/counter.json') },
      { name: 'slow' },
    );
    await panel.chooseFile('slow.json', config);
    const begun = await panel.launchAs('slow');
    await begun.getByText('is being launched').waitFor();
    await panel.page.close();
    panel = await openPanel(extension);
    await panel.goTo('Launch');
    const card = panel.launchCard('slow');
    await card.getByText('is being launched').waitFor();
    expect(await card.getByRole('listitem').allInnerTexts()).toEqual([
      expect.stringContaining('fetch and check the code'),
    ]);
    server.release();
    await card.getByText('was launched').waitFor();
    expect(await stateOf('slow')).toBe('done');
    expect(await ask(`E(home.slow).read()`)).toBe(7);
  });

  describe('that fails', () => {
    let before: string;
    beforeAll(async () => {
      before = await clusterNames();
    });

    it.each([
      {
        what: 'a server that allows no other site',
        act: () => panel.readUrl(server.url('shut/counter.json')),
        words: ['shut/counter.json', 'CORS'],
      },
      {
        what: 'an address without a server',
        act: () => panel.readUrl('http://127.0.0.1:9/x.json'),
        words: ['http://127.0.0.1:9/x.json', 'can’t be reached'],
      },
      {
        what: 'an absent file',
        act: () => panel.readUrl(server.url('open/absent.json')),
        words: ['absent.json', '404'],
      },
      {
        what: 'no JSON',
        act: () => panel.chooseFile('poem.json', 'roses\nare red'),
        words: ['poem.json', 'line 1'],
      },
      {
        what: 'a file larger than any bundle',
        act: () => panel.chooseFile('huge.json', ' '.repeat(17_000_000)),
        words: ['huge.json is too large', '16.8 MB are the most'],
      },
      {
        what: 'a config with fields that nobody knows',
        act: () =>
          panel.chooseFile('odd.json', configOf({ url: 'x' }, { vatz: {} })),
        words: ['vatz'],
      },
      {
        what: 'a config without its vats',
        act: () =>
          panel.chooseFile('none.json', '{"name": "none", "bootstrap": "a"}'),
        words: ['vats'],
      },
      {
        what: 'a config whose bootstrap vat is missing',
        act: () =>
          panel.chooseFile(
            'lost.json',
            configOf({ url: 'x' }, { bootstrap: 'nobody' }),
          ),
        words: ['bootstrap', 'nobody'],
      },
      {
        what: 'a syntax error',
        act: () => panel.compile(`import { Far } from '@endo/far';\nlet = ;`),
        words: ['line 2'],
      },
      {
        what: 'an import that is not provided',
        act: () => panel.compile(`\n\nimport fs from 'node:fs';`),
        words: ['line 3', 'node:fs', '@endo/far'],
      },
      {
        what: 'a module without buildRootObject',
        act: () => panel.compile('export const build = 1;'),
        words: ['exports no buildRootObject', 'it exports build'],
      },
    ])('is refused before it begins: $what', async ({ act, words }) => {
      await act();
      const problems = await panel.problems();
      for (const word of words) {
        expect(problems).toContain(word);
      }
      expect(problems).not.toMatch(/undefined|\[object|\{"/);
      await expectInSight();
      expect(await clusterNames()).toBe(before);
    });

    const THROWING = `export const buildRootObject = () => {
  throw TypeError('the cask leaks');
};`;
    it.each([
      {
        name: 'leaky',
        what: 'a buildRootObject that throws',
        act: () => panel.compile(THROWING),
        words: ['the cask leaks', 'main'],
      },
      {
        name: 'unreachable',
        what: 'a bundle that can’t be fetched',
        act: () =>
          panel.chooseFile(
            'unreachable.json',
            configOf({ url: server.url('shut/counter.json') }),
          ),
        words: ['shut/counter.json', 'CORS'],
      },
    ])('says why, and leaves nothing: $what', async ({ name, act, words }) => {
      await act();
      const card = await panel.launchAs(name);
      await card.getByText('could not be launched').waitFor();
      const text = await card.innerText();
      for (const word of words) {
        expect(text).toContain(word);
      }
      expect(await panel.page.getByRole('alert').allInnerTexts()).toHaveLength(
        1,
      );
      expect(await clusterNames()).toBe(before);
    });

    /** A problem below the fold is a problem that nobody reads. */
    const expectInSight = async (): Promise<void> => {
      const alert = panel.page
        .getByRole('alert')
        .filter({ hasText: /\w/ })
        .first();
      const box = await alert.boundingBox();
      expect(box).not.toBeNull();
      expect(box?.y).toBeGreaterThanOrEqual(0);
      expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(600);
    };
  });
});
