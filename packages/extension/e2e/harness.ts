import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page, Worker } from 'playwright-core';
import { launchBrowser } from '../../../scripts/browser.mjs';
import { makeDevtools } from './offscreen-devtools.ts';

/** The built extension. */
export const EXTENSION_DIR = fileURLToPath(new URL('../dist', import.meta.url));

export type StartOptions = {
  /** A folder to keep across starts; a fresh one otherwise, deleted in the end. */
  readonly profile?: string;
  readonly extensionDir?: string;
};

/** A folder for a profile that outlives one browser; `dispose` deletes it. */
export const makeProfile = () => {
  const path = mkdtempSync(join(tmpdir(), 'cooperage-e2e-'));
  return {
    path,
    dispose: () =>
      rmSync(path, { recursive: true, force: true, maxRetries: 5 }),
  };
};

const resultOf = (answer: unknown): { objectId: string; value: unknown } =>
  (answer as { result: { objectId: string; value: unknown } }).result;

/** Starts Chromium with the extension. Whoever calls owns it: `close` or `killBrowser`. */
export const startExtension = async (options: StartOptions = {}) => {
  const own = options.profile === undefined ? makeProfile() : undefined;
  const profile = options.profile ?? own?.path ?? '';
  const browser = await launchBrowser({
    headless: true,
    profile,
    extensionDir: options.extensionDir ?? EXTENSION_DIR,
  });
  const { context, extensionId } = browser;
  let serviceWorker: Worker = browser.serviceWorker;
  context.on('serviceworker', worker => {
    serviceWorker = worker;
  });
  const connection = context.browser();
  if (connection === null) {
    throw new Error('no browser to speak with');
  }
  const session = await connection.newBrowserCDPSession();
  const devtools = makeDevtools(session);

  const inOffscreen = async (expression: string): Promise<unknown> => {
    const send = await devtools.attach('/offscreen.html');
    const answer = await send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    return resultOf(answer).value;
  };

  return {
    context,
    extensionId,
    profile,
    devtools,
    inOffscreen,
    /** Evaluates in the service worker's realm, as its devtools console does. Give a function, or text with a last value. */
    inConsole: <Result, Argument = undefined>(
      work: string | ((argument: Argument) => Result | Promise<Result>),
      argument?: Argument,
    ): Promise<Result> =>
      // Playwright's own types know no function whose argument may be absent.
      serviceWorker.evaluate(
        work as (argument: unknown) => Result | Promise<Result>,
        argument,
      ),
    /** The panel, in a tab. */
    openPopup: async (): Promise<Page> => {
      const page = await context.newPage();
      await page.goto(`chrome-extension://${extensionId}/popup.html`);
      return page;
    },
    closeOffscreen: (): Promise<void> =>
      serviceWorker.evaluate(() => chrome.offscreen.closeDocument()),
    /** Ends the kernel's worker without a word to anybody. */
    killKernelWorker: async (): Promise<void> => {
      const send = await devtools.attach('/offscreen.html');
      const prototype = await send('Runtime.evaluate', {
        expression: 'Worker.prototype',
      });
      const found = (await send('Runtime.queryObjects', {
        prototypeObjectId: resultOf(prototype).objectId,
      })) as { objects: { objectId: string } };
      await send('Runtime.callFunctionOn', {
        objectId: found.objects.objectId,
        functionDeclaration:
          'function () { for (const worker of this) worker.terminate(); }',
      });
    },
    /** Crashes the process that all vats share. */
    killSandboxProcess: async (): Promise<void> => {
      const send = await devtools.attach('/vat-host.html');
      // A crashed process does not answer.
      void send('Page.crash');
    },
    /** Stops the service worker, as its going idle does, and wakes it by a page that connects. */
    stopServiceWorker: async (): Promise<void> => {
      const send = await devtools.attach('/offscreen.html');
      const stopped = new Promise(resolve => {
        serviceWorker.once('close', resolve);
      });
      await send('ServiceWorker.enable');
      await send('ServiceWorker.stopAllWorkers');
      await stopped;
      const next = context.waitForEvent('serviceworker');
      const page = await context.newPage();
      await page.goto(`chrome-extension://${extensionId}/popup.html`);
      serviceWorker = await next;
      await page.close();
    },
    /** Reloads the extension; resolves with its new service worker. */
    reload: async (): Promise<void> => {
      const next = context.waitForEvent('serviceworker');
      await serviceWorker
        .evaluate(() => chrome.runtime.reload())
        .catch(() => {
          // The worker went before it could answer.
        });
      serviceWorker = await next;
    },
    close: async (): Promise<void> => {
      await browser.close();
      own?.dispose();
    },
    /** SIGKILL; the profile stays, unless it was the harness's own. */
    killBrowser: async (): Promise<void> => {
      await browser.kill();
      own?.dispose();
    },
  };
};
export type Extension = Awaited<ReturnType<typeof startExtension>>;
