import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import {
  startListener,
  type Answer,
  type Listener,
} from './loopback-listener.ts';
import { openPanel, type Panel } from './popup-page.ts';
import { sampleConfig } from './samples.ts';

const SITE = 'http://127.0.0.1/*';

/** Without a word that another site may read it: only the person's permission lets it through. */
const answer: Answer = (request, response) => {
  const { pathname } = new URL(request.url ?? '', 'http://x');
  switch (pathname) {
    case '/page/summary/Barrel':
      response.setHeader('set-cookie', 'who=me');
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          extract: 'A hollow cylinder.',
          sent: request.headers,
        }),
      );
      return;
    case '/page/summary/moved':
      response.writeHead(302, { location: '/page/summary/Barrel?moved' }).end();
      return;
    case '/page/summary/long':
      response.end('x'.repeat(5_001));
      return;
    case '/page/summary/endless':
      // Neither a length nor an end: only counting helps.
      response.write('x'.repeat(6_000));
      return;
    default:
  }
};

describe('a fetch in the browser', () => {
  const profile = makeProfile();
  let listener: Listener;
  let extension: Extension;
  let panel: Panel;
  let origin: string;
  beforeAll(async () => {
    listener = await startListener(answer);
    origin = `http://127.0.0.1:${listener.port}`;
    extension = await startExtension({ profile: profile.path });
    panel = await openPanel(extension);
  });
  afterAll(async () => {
    await extension.close();
    listener.close();
    profile.dispose();
  });

  /** The sample, with this machine for an encyclopedia. */
  const configOf = (name: string, mostMilliseconds = 30_000): string => {
    const config = JSON.parse(sampleConfig('library'));
    const { librarian, reader } = config.vats;
    return JSON.stringify({
      ...config,
      name,
      services: [
        {
          service: 'fetch',
          as: 'encyclopedia',
          schemes: ['http'],
          hosts: ['127.0.0.1'],
          ports: [listener.port],
          pathPrefix: '/page',
          mostBytes: 5_000,
          mostMilliseconds,
        },
      ],
      vats: {
        librarian: { ...librarian, parameters: { shelf: '/page/summary' } },
        reader: {
          ...reader,
          parameters: { summaries: `${origin}/page/summary/` },
        },
      },
    });
  };

  /** What the reader is answered, or why not. */
  const read = (url: string, cluster = 'library'): Promise<string> =>
    extension.inConsole(
      `E(E(kernel).root('${cluster}', 'reader')).read('${url}').then(({ text }) => text, ({ message }) => message)`,
    );
  const launchByPanel = async (name: string, milliseconds?: number) => {
    await panel.goTo('Launch');
    await panel.chooseFile(`${name}.json`, configOf(name, milliseconds));
    return panel.launchAs(name);
  };

  it('is nothing that the console may grant: a launch says who can, and leaves nothing', async () => {
    expect(
      await extension.inConsole(
        `E(kernel).launch(${configOf('library')}).then(() => 'launched', ({ code, message }) => [code, message])`,
      ),
    ).toEqual([
      'SITES_NOT_ALLOWED',
      expect.stringMatching(
        /does not let Cooperage fetch from http:\/\/127\.0\.0\.1: allow it in Cooperage's panel/,
      ),
    ]);
    expect(
      await extension.inConsole(`E(kernel).clusters().then(all => all.length)`),
    ).toBe(0);
  });

  it('is granted by a person who launches, and brings an answer that no site need allow, with nothing of the person', async () => {
    await extension.consentTo(SITE);
    const card = await launchByPanel('library');
    await card.getByText('was launched').waitFor();
    const { extract, sent } = JSON.parse(
      await read(`${origin}/page/summary/Barrel`),
    );
    expect(extract).toBe('A hollow cylinder.');
    // The cookie of the first answer was not kept.
    const again = JSON.parse(await read(`${origin}/page/summary/Barrel`));
    for (const { cookie, referer, authorization } of [sent, again.sent]) {
      expect([cookie, referer, authorization]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
  });

  it('is refused outside of its bounds, and nobody is asked', async () => {
    listener.asked.length = 0;
    expect([
      await read(`http://localhost:${listener.port}/page/summary/Barrel`),
      await read(`http://127.0.0.1:1/page/summary/Barrel`),
      await read(`${origin}/page/summaries`),
      await read(`${origin}/page/summary/..%2f..%2fsecret`),
    ]).toEqual([
      expect.stringContaining('the host localhost is none of 127.0.0.1'),
      expect.stringContaining('the port 1 is none of'),
      expect.stringContaining('the path is not under /page/summary'),
      expect.stringContaining('the path is not under /page'),
    ]);
    expect(listener.asked).toEqual([]);
  });

  it('follows no redirect, and the vat is told so', async () => {
    listener.asked.length = 0;
    expect(await read(`${origin}/page/summary/moved`)).toMatch(
      /redirects to another address.*no redirect is followed/,
    );
    expect(listener.asked).toEqual(['GET /page/summary/moved']);
  });

  it('ends with an answer that is too large, or never ends', async () => {
    expect([
      await read(`${origin}/page/summary/long`),
      await read(`${origin}/page/summary/endless`),
    ]).toEqual([
      `${origin}/page/summary/long can't be fetched: it has more than 5000 bytes`,
      `${origin}/page/summary/endless can't be fetched: it has more than 5000 bytes`,
    ]);
  });

  it('ends when its time is over', async () => {
    const card = await launchByPanel('hasty', 50);
    await card.getByText('was launched').waitFor();
    expect(await read(`${origin}/page/summary/never`, 'hasty')).toBe(
      `${origin}/page/summary/never can't be fetched: no answer came within 50 milliseconds`,
    );
  });

  it('ends when the person takes it back, refuses from then on, and goes on when it is given again', async () => {
    const pending = read(`${origin}/page/summary/held`);
    await listener.whenAsked('GET /page/summary/held');
    await extension.takeBack(SITE);
    const refused = /does not let Cooperage fetch from http:\/\/127\.0\.0\.1:/;
    expect(await pending).toMatch(refused);
    listener.asked.length = 0;
    expect(await read(`${origin}/page/summary/Barrel`)).toMatch(refused);
    expect(listener.asked).toEqual([]);
    await panel.goTo('Vats');
    const warning = panel
      .clusterCard('library')
      .getByText('Its fetches are refused');
    await warning.waitFor();
    await extension.consentTo(SITE);
    await warning.waitFor({ state: 'detached' });
    expect(await read(`${origin}/page/summary/Barrel`)).toContain('hollow');
  });

  it('is given again where the panel says that it is refused', async () => {
    // Without a word of the person's: what was given before is not asked for again.
    await extension.inConsole(
      `chrome.permissions.remove({ origins: ['${SITE}'] })`,
    );
    const card = panel.clusterCard('library');
    await card.getByRole('button', { name: /Allow library to fetch/ }).click();
    await card
      .getByText('Its fetches are refused')
      .waitFor({ state: 'detached' });
    expect(await read(`${origin}/page/summary/Barrel`)).toContain('hollow');
  });

  it('rejects once when the browser is killed in the middle of it, and is not made again', async () => {
    const url = `${origin}/page/summary/killed`;
    void read(url).catch(() => {});
    await listener.whenAsked('GET /page/summary/killed');
    await extension.killBrowser();
    extension = await startExtension({ profile: profile.path });
    const listLooks = () =>
      extension.inConsole<string[]>(
        `E(E(kernel).root('library', 'reader')).listLooks()`,
      );
    const about = (await listLooks()).filter(line => line.startsWith(url));
    expect(about).toEqual([
      expect.stringContaining(
        'the kernel was restarted while this call was under way',
      ),
    ]);
    expect(
      listener.asked.filter(each => each === 'GET /page/summary/killed'),
    ).toHaveLength(1);
  });
});
