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

/** What a console shows for a value, or for what was thrown. */
export type Shown = {
  /** Present when the value is data without identity; bigints and NaN are in `description`. */
  readonly value?: unknown;
  readonly type: string;
  readonly subtype?: string;
  readonly className?: string;
  readonly description?: string;
};

/** Resolves when the worker's script has run: a worker can be spoken to before that. */
const whenScriptRan = (worker: Worker): Promise<void> =>
  worker.evaluate(
    () =>
      new Promise<void>(resolve => {
        // The last of the names that the script defines.
        const name = 'Far';
        if (name in globalThis) {
          resolve();
          return;
        }
        Object.defineProperty(globalThis, name, {
          configurable: true,
          set: (value: unknown) => {
            Object.defineProperty(globalThis, name, {
              configurable: true,
              writable: true,
              enumerable: true,
              value,
            });
            resolve();
          },
        });
      }),
  );

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
  await whenScriptRan(serviceWorker);

  const inOffscreen = async (expression: string): Promise<unknown> => {
    const send = await devtools.attach('/offscreen.html');
    const answer = await send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    return resultOf(answer).value;
  };

  /** The panel, in a tab. */
  const openPopup = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(`chrome-extension://${extensionId}/popup.html`);
    return page;
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
    /** Types into the service worker's devtools console: top-level `await`, and `const` that stays. Never rejects for what was thrown: that is shown. */
    type: async (
      text: string,
    ): Promise<{ readonly result?: Shown; readonly uncaught?: Shown }> => {
      const send = await devtools.attach('/background.js');
      const answer = (await send('Runtime.evaluate', {
        expression: text,
        replMode: true,
        awaitPromise: true,
        generatePreview: true,
      })) as { result: Shown; exceptionDetails?: { exception: Shown } };
      return answer.exceptionDetails === undefined
        ? { result: answer.result }
        : { uncaught: answer.exceptionDetails.exception };
    },
    openPopup,
    /** Stops the service worker, as the browser does when it is idle; whoever needs it starts it again. */
    stopServiceWorker: async (): Promise<void> => {
      const page = await context.newPage();
      const watch = await context.newCDPSession(page);
      const stopped = new Promise<void>(resolve => {
        watch.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
          if (versions.some(each => each.runningStatus === 'stopped')) {
            resolve();
          }
        });
      });
      await watch.send('ServiceWorker.enable');
      await watch.send('ServiceWorker.stopAllWorkers');
      await stopped;
      await page.close();
    },
    /** Opens the panel, which needs the service worker, and closes it again. */
    wakeServiceWorker: async (): Promise<void> => {
      const page = await openPopup();
      await page.evaluate(async () => {
        const { active } = await navigator.serviceWorker.ready;
        active?.postMessage('good morning');
      });
      await page.close();
      await whenScriptRan(serviceWorker);
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
    /** Reloads the extension; resolves with its new service worker. */
    reload: async (): Promise<void> => {
      const next = context.waitForEvent('serviceworker');
      await serviceWorker
        .evaluate(() => chrome.runtime.reload())
        .catch(() => {
          // The worker went before it could answer.
        });
      serviceWorker = await next;
      await whenScriptRan(serviceWorker);
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
