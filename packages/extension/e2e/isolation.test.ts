import { readFileSync } from 'node:fs';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { startListener, type Listener } from './loopback-listener.ts';
import { patchDist } from './patched-dist.ts';
import { sampleConfig } from './samples.ts';

const readScript = (name: string): string =>
  readFileSync(new URL(name, import.meta.url), 'utf8');
const ATTEMPTS = readScript('worker-attempts.js');
const HOST_ATTEMPTS = readScript('host-attempts.js');

describe('the realm of a vat', () => {
  let listener: Listener;
  beforeEach(async () => {
    listener = await startListener();
  });
  afterEach(() => listener.close());

  /**
   * Runs the attempts in the realm of a vat's worker. The debugger would bypass
   * the content security policy, so the worker's own script does it, in a copy
   * of the extension; the results leave as the error of a worker that fails.
   */
  const attemptIn = async (
    scriptBefore: (real: string) => string,
  ): Promise<Record<string, string>> => {
    const dist = patchDist((real, url) => {
      const urls = {
        http: listener.http,
        ws: listener.ws,
        own: url('public.js'),
      };
      return `${scriptBefore(real)}
      ${ATTEMPTS}
      tryEverything(${JSON.stringify(urls)}).then(results =>
        setTimeout(() => { throw new Error('RESULTS ' + JSON.stringify(results)); }));`;
    });
    dist.write('public.js', 'globalThis.isPublic = true;');
    const extension = await startExtension({ extensionDir: dist.folder });
    try {
      expect(extension.extensionId).toBe(dist.id);
      // A page of the extension listens to what no page of it may hear.
      const page = await extension.openPopup();
      await page.evaluate(`globalThis.heard = [];
        globalThis.channel = new BroadcastChannel('rogue');
        channel.onmessage = ({ data }) => heard.push(data);`);
      const told = await extension.inConsole<string>(
        `E(kernel).launch(${sampleConfig('counter')}).then(() => 'launched', String)`,
      );
      expect(await page.evaluate('globalThis.heard')).toEqual([]);
      const [, json] = /RESULTS (\{[^}]*\})/.exec(told) ?? [];
      return json === undefined ? { told } : JSON.parse(json);
    } finally {
      await extension.close();
      dist.dispose();
    }
  };

  it('reaches nothing but the public files of the extension, with the policy as its only wall', async () => {
    const results = await attemptIn(() => '');
    expect([results, listener.connections()]).toEqual([
      {
        fetch: 'refused: TypeError',
        'fetch no-cors': 'refused: TypeError',
        'fetch keepalive': 'refused: TypeError',
        XMLHttpRequest: 'refused: NetworkError',
        WebSocket: 'refused: Error',
        WebSocketStream: 'refused: SecurityError',
        EventSource: 'refused: Error',
        WebTransport: 'absent',
        RTCPeerConnection: 'absent',
        FontFace: 'refused: NetworkError',
        importScripts: 'refused: NetworkError',
        'import()': 'refused: TypeError',
        Worker: 'refused: SecurityError',
        // Under the same policy, so it gets no further.
        'Worker of a blob': 'reached',
        'fetch in a worker of a blob': 'refused: Error',
        'importScripts of a blob': 'refused: NetworkError',
        SharedArrayBuffer: 'absent',
        SharedWorker: 'absent',
        indexedDB: 'refused: SecurityError',
        caches: 'absent',
        'navigator.storage': 'absent',
        'navigator.locks': 'absent',
        chrome: 'absent',
        browser: 'absent',
        // No policy keeps an extension's pages from its own files: they hold no secret.
        'fetch own file': 'reached',
        'importScripts own file': 'reached',
        'import() own file': 'reached',
        // Of such a clock a worker could make a fine one if it could share memory with another.
        crossOriginIsolated: 'absent',
        'sharing of that memory': 'refused: DataCloneError',
        clock: '100 µs',
        // The second wall takes these away.
        BroadcastChannel: 'reached',
        // Workers of one page have the same origin, which is nobody else's.
        'BroadcastChannel of a neighbor': 'reached',
        performance: 'reached',
        OffscreenCanvas: 'reached',
        'shared memory of WebAssembly': 'reached',
        postMessage: 'reached',
        close: 'reached',
        // Each is told twice: seven connections, a font, and three scripts.
        violations: 'connect-src 14, font-src 2, script-src-elem 6',
      },
      0,
    ]);
  });

  it('has none of the ways out left, after the supervisor has taken them away', async () => {
    // The supervisor does not get its port, so that the launch waits for the attempts and fails with their results.
    const results = await attemptIn(
      real =>
        `'use strict';addEventListener('message', event => event.stopImmediatePropagation());\n${real}`,
    );
    const {
      'import()': importing,
      'import() own file': importingOwn,
      violations,
      ...names
    } = results;
    expect([
      Object.values(names),
      importing,
      importingOwn,
      violations,
      listener.connections(),
    ]).toEqual([
      Object.values(names).map(() => 'absent'),
      // Words of the language, which nobody can take away.
      'refused: TypeError',
      'reached',
      'script-src-elem 2',
      0,
    ]);
  });

  it('is what keeps them from the network: a page of the extension gets there', async () => {
    const extension = await startExtension();
    const page = await extension.openPopup();
    await page.evaluate(url => fetch(url), listener.http);
    await extension.close();
    expect(listener.connections()).toBe(1);
  });

  it('gives vat code in its Compartment no name to try', async () => {
    const extension = await startExtension();
    await extension.inConsole(
      `E(kernel).launch(${sampleConfig('rogue')}).then(() => {})`,
    );
    const results = await extension.inConsole<Record<string, string>>(
      `(async () => {
        const rogue = await E(kernel).root('rogue');
        const results = {};
        for (const name of await E(rogue).listAttempts()) {
          results[name] = await E(rogue).attempt(name, ${JSON.stringify(listener.http)});
        }
        results['import'] = await E(rogue).attemptImport(${JSON.stringify(listener.http)});
        return results;
      })()`,
    );
    await extension.close();
    const { import: importing, ...names } = results;
    expect([Object.values(names), importing, listener.connections()]).toEqual([
      Object.values(names).map(() => 'absent'),
      expect.stringContaining('SES_IMPORT_REJECTED'),
      0,
    ]);
  });
});

/** Has the page of the vats try everything, or leave for another page in one of the ways that there are. */
const OBEY = `{
  const ways = {
    location: url => { location = url; },
    download: url => {
      const link = document.createElement('a');
      Object.assign(link, { href: url, download: 'rogue.txt' });
      document.body.append(link);
      link.click();
    },
    frame: url => {
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
    },
  };
  addEventListener('message', async ({ data: { leave, http } }) => {
    if (leave !== undefined) {
      ways[leave](http);
    } else if (http !== undefined) {
      const WebRTC = await tryWebRTC(http).then(() => 'tried', ({ name }) => 'refused: ' + name);
      parent.postMessage({ results: { WebRTC, ...(await tryFromPage(http)) } }, '*');
    }
  });
}`;

/** What a server hears that is asked while the page is left. */
const REQUEST = 'GET /rogue.js?left';

/** In which of the attempts something is sent along. */
const POSTS = ['fetch keepalive', 'sendBeacon', 'form', 'form to a new window'];

describe('the page that hosts vats', () => {
  let listener: Listener;
  let dist: ReturnType<typeof patchDist>;
  let extension: Extension;
  beforeAll(async () => {
    listener = await startListener();
    dist = patchDist(
      real => `${HOST_ATTEMPTS}\n${OBEY}\n${real}`,
      'vat-host.html',
    );
    extension = await startExtension({ extensionDir: dist.folder });
    await extension.inConsole(
      `E(kernel).launch(${sampleConfig('counter')}).then(() => {})`,
    );
  });
  afterAll(async () => {
    await extension.close();
    dist.dispose();
    listener.close();
  });

  /** Tells the page so, and waits for what then comes of it. */
  const tell = (word: object, outcome: string): Promise<unknown> =>
    extension.inOffscreen(`new Promise(resolve => {
      const frame = document.querySelector('iframe');
      ${outcome}
      frame.contentWindow.postMessage(${JSON.stringify({ http: listener.http, ...word })}, '*');
    })`);
  const increment = (): Promise<number> =>
    extension.inConsole('E(home.counter).increment()');
  /** What was asked before it is known then. */
  const askFromPanel = async (): Promise<void> => {
    const page = await extension.openPopup();
    await page.evaluate(url => fetch(url), listener.http);
    await page.close();
  };

  it('reaches nothing, should somebody get code into it', async () => {
    const results = await tell(
      {},
      `addEventListener('message', ({ data }) => data.results && resolve(data.results));`,
    );
    expect([results, listener.connections()]).toEqual([
      {
        // No policy keeps the page from it: it has taken that away itself.
        WebRTC: 'refused: TypeError',
        fetch: 'refused: TypeError',
        'fetch no-cors': 'refused: TypeError',
        'fetch keepalive': 'refused: TypeError',
        // Of another opaque origin.
        'fetch of an inner frame': 'refused: SecurityError',
        XMLHttpRequest: 'refused: Error',
        // These are not told whether anything has come of them.
        sendBeacon: 'tried',
        WebSocket: 'refused: Error',
        EventSource: 'refused: Error',
        img: 'refused: Error',
        'image of a style': 'tried',
        FontFace: 'refused: NetworkError',
        video: 'refused: Error',
        script: 'refused: Error',
        'import()': 'refused: TypeError',
        stylesheet: 'refused: Error',
        prefetch: 'tried',
        preload: 'tried',
        object: 'tried',
        Worker: 'refused: SecurityError',
        worklet: 'refused: AbortError',
        form: 'tried',
        'form to a new window': 'tried',
        link: 'tried',
        popup: 'refused: Error',
        // Each is told twice, but for the prefetch; what the sandbox forbids is told to nobody.
        violations:
          'connect-src 14, default-src 1, font-src 2, img-src 4, media-src 2, object-src 2, script-src-elem 6, style-src-elem 2',
      },
      0,
    ]);
    await askFromPanel();
    expect(listener.connections()).toBe(1);
  });

  it('can be left, and nothing is asked', async () => {
    const before = await increment();
    await tell(
      { leave: 'location', http: `${listener.http}?left` },
      `frame.addEventListener('load', () => resolve(), { once: true });`,
    );
    // The vats are started again, in another page.
    expect(await increment()).toBe(before + 1);
    expect(listener.asked).not.toContain(REQUEST);
  });

  it('has nothing asked by a frame or a download', async () => {
    for (const leave of ['frame', 'download']) {
      const http = `${listener.http}?left`;
      await tell({ leave, http }, `setTimeout(resolve);`);
    }
    await askFromPanel();
    expect(listener.asked).not.toContain(REQUEST);
  });

  it('is what keeps it from the network: a page of the web gets there by each of these ways', async () => {
    const page = await extension.context.newPage();
    await page.goto(`http://127.0.0.1:${listener.port}/`);
    await page.evaluate(HOST_ATTEMPTS);
    const before = listener.connections();
    await page.evaluate(`tryWebRTC(${JSON.stringify(listener.http)})`);
    expect(listener.connections()).toBeGreaterThan(before);
    const { violations, ...results } = await page.evaluate<
      Record<string, string>
    >(`tryFromPage(${JSON.stringify(listener.http)})`);
    await Promise.all(
      Object.keys(results).map(name =>
        listener.whenAsked(
          `${POSTS.includes(name) ? 'POST' : 'GET'} /rogue.js?${encodeURIComponent(name)}`,
        ),
      ),
    );
    expect(violations).toBe('');
  });
});
