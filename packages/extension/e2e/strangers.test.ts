import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXTENSION_DIR, startExtension, type Extension } from './harness.ts';
import { startListener, type Listener } from './loopback-listener.ts';

/** Another extension: a page with no permission at all. */
const makeStranger = () => {
  const folder = mkdtempSync(join(tmpdir(), 'cooperage-stranger-'));
  const manifest = { manifest_version: 3, name: 'Stranger', version: '1' };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'page.html'), '<!doctype html><title>S</title>');
  // Chromium names an unpacked extension by its path.
  const id = createHash('sha256')
    .update(folder)
    .digest('hex')
    .slice(0, 32)
    .replace(/./g, digit =>
      String.fromCharCode('a'.charCodeAt(0) + parseInt(digit, 16)),
    );
  return { folder, url: `chrome-extension://${id}/page.html` };
};

/** What an extension says to others and to itself, and what it waits for as an answer. */
const KNOCKS = `async id => {
  const { runtime } = globalThis.chrome ?? {};
  if (!runtime?.connect) return 'no way to knock';
  const word = { tag: 'cooperage-sites', sites: ['https://example.com/*'] };
  const said = await runtime.sendMessage(id, word).then(
    answer => 'answered: ' + JSON.stringify(answer),
    ({ message }) => message,
  );
  const nonce = crypto.randomUUID();
  const port = runtime.connect(id, { name: 'cooperage-client:' + nonce });
  const ended = await new Promise(resolve => {
    port.onMessage.addListener(() => resolve('a port that speaks'));
    port.onDisconnect.addListener(() => resolve(runtime.lastError?.message));
  });
  return [said, ended];
}`;

const NOBODY = 'Could not establish connection. Receiving end does not exist.';

/** Puts a page into a frame, and tells which document is there then. */
const FRAME = `url => new Promise(resolve => {
  const frame = document.createElement('iframe');
  frame.onload = () => resolve(
    (() => {
      try {
        return frame.contentDocument?.location.href ?? 'another origin';
      } catch {
        return 'another origin';
      }
    })(),
  );
  frame.src = url;
  document.body.append(frame);
})`;

describe('a stranger in the same browser', () => {
  const stranger = makeStranger();
  let extension: Extension;
  let listener: Listener;
  let other: Page;
  let web: Page;
  beforeAll(async () => {
    listener = await startListener((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>A page</title><body></body>');
    });
    const both = `${EXTENSION_DIR},${stranger.folder}`;
    extension = await startExtension({
      args: [`--load-extension=${both}`, `--disable-extensions-except=${both}`],
    });
    other = await extension.context.newPage();
    await other.goto(stranger.url);
    web = await extension.context.newPage();
    await web.goto(`http://127.0.0.1:${listener.port}/`);
  });
  afterAll(async () => {
    await extension.close();
    await listener.close();
    rmSync(stranger.folder, { recursive: true, force: true });
  });

  const ask = (
    page: Page,
    script: string,
    argument: string,
  ): Promise<unknown> =>
    page.evaluate(`(${script})(${JSON.stringify(argument)})`);

  it('that is another extension finds nobody to speak with', async () => {
    expect(await other.title()).toBe('S');
    expect(await ask(other, KNOCKS, extension.extensionId)).toEqual([
      NOBODY,
      NOBODY,
    ]);
  });

  it('that is a page of the web has no way to knock', async () => {
    expect(await ask(web, KNOCKS, extension.extensionId)).toBe(
      'no way to knock',
    );
  });

  it.each([
    'popup.html',
    'offscreen.html',
    'vat-host.html',
    'samples.json',
    'sqlite3.wasm',
  ])('gets no file of it: %s', async file => {
    const url = `chrome-extension://${extension.extensionId}/${file}`;
    for (const page of [other, web]) {
      expect(
        await page.evaluate(
          `fetch(${JSON.stringify(url)}).then(() => 'fetched', () => 'refused')`,
        ),
      ).toBe('refused');
    }
  });

  it('can’t put the panel, or the page of the vats, into a frame', async () => {
    const framesOf = (page: Page): string[] =>
      page.frames().map(frame => frame.url());
    for (const file of ['popup.html', 'vat-host.html']) {
      const url = `chrome-extension://${extension.extensionId}/${file}`;
      await ask(web, FRAME, url);
      expect(framesOf(web)).not.toContain(url);
    }
  });

  it('has no session with the kernel', async () => {
    const panel = await extension.openPopup();
    await panel.getByText('running', { exact: true }).first().waitFor();
    await panel.getByText('0 sessions', { exact: true }).waitFor();
    await panel.close();
  });
});
