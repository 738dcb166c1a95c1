import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startExtension } from './harness.ts';
import { startListener, type Listener } from './loopback-listener.ts';
import { patchDist } from './patched-dist.ts';
import { sampleConfig } from './samples.ts';

const readScript = (name: string): string =>
  readFileSync(new URL(name, import.meta.url), 'utf8');
const ATTEMPTS = readScript('worker-attempts.js');

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
        // The second wall takes these away.
        BroadcastChannel: 'reached',
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
