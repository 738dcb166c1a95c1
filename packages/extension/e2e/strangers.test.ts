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

/**
 * Does with a nonce what a client does: gives what the service worker says, whether
 * the kernel then speaks or the browser cuts the client's life, and what was heard
 * over the port. A session that it has got is over when it is told so.
 */
const CONNECT = `async nonce => {
  const heard = [];
  const { port1, port2 } = new MessageChannel();
  const asked = new MessageChannel();
  let end;
  const over = new Promise(resolve => { end = resolve; });
  const spoken = new Promise(resolve => {
    port1.onmessage = ({ data }) => {
      heard.push(...[data].flat().map(frame => Object.keys(frame).join()));
      resolve('spoken to');
      if (data.close !== undefined) end();
    };
  });
  const { active } = await navigator.serviceWorker.ready;
  const said = await new Promise(resolve => {
    asked.port1.onmessage = ({ data }) => resolve(data.problem ?? 'handed over');
    active.postMessage(
      { tag: 'cooperage-connect', client: nonce, port: port2 },
      [port2, asked.port2],
    );
  });
  const life = chrome.runtime.connect({ name: 'cooperage-client:' + nonce });
  const cut = new Promise(resolve =>
    life.onDisconnect.addListener(() => resolve('cut off')));
  const outcome = await Promise.race([spoken, cut]);
  if (outcome === 'spoken to') {
    life.disconnect();
    await over;
  }
  return [said, outcome, ...heard];
}`;

/** Makes two pages of vats, to which nobody has offered a port yet, and gives how one is offered. */
const MAKE_HOSTS = `Promise.all(['first', 'second'].map(async name => {
  const frame = document.createElement('iframe');
  frame.id = name;
  frame.src = 'vat-host.html#nonce-of-the-' + name;
  const loaded = new Promise(resolve => frame.addEventListener('load', resolve));
  document.body.append(frame);
  await loaded;
})).then(() => {})`;

/**
 * Offers a port, and has a vat be launched over it; what is told by the host, which
 * can't launch one without a script, or by the vat is noted under the name.
 */
const OFFER = `(frame, nonce, name) => new Promise(resolve => {
  const { port1, port2 } = new MessageChannel();
  const vat = new MessageChannel();
  vat.port2.onmessage = port1.onmessage = () => {
    (globalThis.told ??= []).push(name);
    resolve();
  };
  frame.postMessage({ tag: 'cooperage-port', nonce, version: 1, port: port2 }, '*', [port2]);
  port1.postMessage({ type: 'launch', launch: 99, port: vat.port1 }, [vat.port1]);
})`;

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

  it('that is another extension finds nobody to speak with, even if somebody listened', async () => {
    expect(await other.title()).toBe('S');
    await extension.inConsole(`void (
      chrome.runtime.onMessageExternal.addListener((word, sender, answer) => answer('heard')),
      chrome.runtime.onConnectExternal.addListener(port => port.postMessage('heard')))`);
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

  it('is offered no file by the manifest', async () => {
    expect(
      await extension.inConsole(
        `chrome.runtime.getManifest().web_accessible_resources ?? 'none'`,
      ),
    ).toBe('none');
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

  it('gets nothing by the nonce of a client, beside it or after its end, and from the panel’s own address neither', async () => {
    const page = async (file: string): Promise<Page> => {
      const opened = await extension.context.newPage();
      await opened.goto(`chrome-extension://${extension.extensionId}/${file}`);
      return opened;
    };
    await extension.inConsole(`void (globalThis.nonces = [],
      addEventListener('message', ({ data }) => nonces.push(data.client)))`);
    const nonces = (): Promise<readonly string[]> =>
      extension.inConsole('nonces');
    const panel = await page('popup.html');
    await panel.getByText('running', { exact: true }).first().waitFor();
    const [stolen = ''] = await nonces();
    const bystander = await page('icons/16.png');
    const rival = await page('popup.html');
    const refused = ['this page may not connect', 'cut off'];
    const cut = ['handed over', 'cut off'];
    expect(await ask(bystander, CONNECT, stolen)).toEqual(refused);
    expect(await ask(rival, CONNECT, stolen)).toEqual(cut);

    const own = 'a nonce of the rival’s own';
    expect(await ask(rival, CONNECT, own)).toEqual([
      'handed over',
      'spoken to',
      'hello',
      'close',
    ]);
    expect(await ask(rival, CONNECT, own)).toEqual(cut);
    expect(await ask(bystander, CONNECT, own)).toEqual(refused);
    // A client that had been cut off would have come again, with another nonce.
    expect(new Set(await nonces()).size).toBe(3);
    await Promise.all([panel, bystander, rival].map(each => each.close()));
  });

  it('gets no word with the page of the vats by its nonce: another’s, one from elsewhere, or one that was used', async () => {
    const { inOffscreen, devtools } = extension;
    await inOffscreen(MAKE_HOSTS);
    const offer = (where: string, nonce: string, name: string): string =>
      `(${OFFER})(${where}, ${nonce}, '${name}')`;
    const first = `document.querySelector('#first').contentWindow`;
    const second = `document.querySelector('#second').contentWindow`;
    const nonce = `'nonce-of-the-first'`;
    await inOffscreen(
      `void ${offer(first, `'nonce-of-the-second'`, 'another’s')}`,
    );
    const running = `document.querySelector('iframe')`;
    await inOffscreen(
      `void ${offer(`${running}.contentWindow`, `new URL(${running}.src).hash.slice(1)`, 'used')}`,
    );
    await devtools.speakWith('vat-host.html#nonce-of-the-second', send =>
      send('Runtime.evaluate', {
        expression: `void ${offer('parent[1]', nonce, 'from elsewhere')}`,
      }),
    );
    await inOffscreen(offer(first, nonce, 'its own'));
    await inOffscreen(`void ${offer(first, nonce, 'used')}`);
    await inOffscreen(
      offer(second, `'nonce-of-the-second'`, 'the other’s own'),
    );
    expect(await inOffscreen('told')).toEqual(['its own', 'the other’s own']);
    expect(
      await devtools.speakWith('vat-host.html#nonce-of-the-second', send =>
        send('Runtime.evaluate', { expression: 'typeof told' }),
      ),
    ).toMatchObject({ result: { value: 'undefined' } });
    await inOffscreen(
      `['first', 'second'].forEach(id => document.getElementById(id).remove())`,
    );
  });

  it('has no session with the kernel', async () => {
    const panel = await extension.openPopup();
    await panel.getByText('running', { exact: true }).first().waitFor();
    await panel.getByText('0 sessions', { exact: true }).waitFor();
    await panel.close();
  });
});
