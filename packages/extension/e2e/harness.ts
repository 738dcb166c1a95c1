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
  /** More arguments for Chromium. */
  readonly args?: string[];
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
    args: options.args ?? [],
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
  context.once('close', devtools.close);

  const evaluate = async (
    target: string,
    expression: string,
  ): Promise<unknown> => {
    const answer = await devtools.speakWith(target, send =>
      send('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      }),
    );
    const { exceptionDetails } = answer as {
      exceptionDetails?: { exception?: { description?: string } };
    };
    if (exceptionDetails) {
      throw new Error(
        exceptionDetails.exception?.description ?? 'thrown, but no error',
      );
    }
    return resultOf(answer).value;
  };

  /** The address of the frame that hosts vats now; one that was replaced may still be going. */
  const findVatHost = async (): Promise<string> =>
    String(
      await evaluate('/offscreen.html', `document.querySelector('iframe').src`),
    );

  const killWorkersOf = (words: string): Promise<void> =>
    devtools.speakWith(words, async send => {
      const prototype = await send('Runtime.evaluate', {
        expression: 'Worker.prototype',
      });
      const found = (await send('Runtime.queryObjects', {
        prototypeObjectId: resultOf(prototype).objectId,
      })) as { objects: { objectId: string } };
      await send('Runtime.callFunctionOn', {
        objectId: found.objects.objectId,
        // The spare worker of the vats' host is no vat's: its loss is told, and another made.
        functionDeclaration: `function () {
          for (const worker of this) {
            worker.terminate();
            if (String(worker.onerror).includes('spare')) worker.onerror();
          }
        }`,
      });
    });

  /** Resolves when the service worker's script has run: its console is complete then. */
  const whenServing = async (): Promise<void> => {
    const page = await context.newPage();
    await page.goto(`chrome-extension://${extensionId}/icons/16.png`);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await page.close();
  };
  await whenServing();

  /** Does what makes the extension reload; resolves when its new service worker serves. */
  const whenReloaded = async (cause: () => Promise<unknown>): Promise<void> => {
    const next = context.waitForEvent('serviceworker');
    await cause();
    serviceWorker = await next;
    await whenServing();
  };

  /** What a person does at `chrome://extensions`, by the interface which that page itself uses. */
  const atExtensions = async (
    method: 'addHostPermission' | 'removeHostPermission',
    site: string,
  ): Promise<void> => {
    const page = await context.newPage();
    await page.goto('chrome://extensions');
    await page.evaluate(
      `chrome.developerPrivate.${method}(${JSON.stringify(extensionId)}, ${JSON.stringify(site)})`,
    );
    await page.close();
  };

  return {
    context,
    extensionId,
    profile,
    devtools,
    /** Evaluates a text in the offscreen document. */
    inOffscreen: (expression: string) =>
      evaluate('/offscreen.html', expression),
    /** Evaluates a text in the service worker's realm, as its devtools console does, and awaits its value. */
    inConsole: async <Result = unknown>(expression: string): Promise<Result> =>
      (await evaluate('/background.js', expression)) as Result,
    /** The panel, in a tab. */
    openPopup: async (): Promise<Page> => {
      const page = await context.newPage();
      await page.goto(`chrome-extension://${extensionId}/popup.html`);
      return page;
    },
    /**
     * The person's word that the extension may have the site. Chromium's question is a
     * window of its own, which no test can press: it is not shown when the
     * answer is known, and then the extension gets what it asks for.
     */
    consentTo: (site: string) => atExtensions('addHostPermission', site),
    /** The person takes it back. */
    takeBack: (site: string) => atExtensions('removeHostPermission', site),
    closeOffscreen: (): Promise<void> =>
      serviceWorker.evaluate(() => chrome.offscreen.closeDocument()),
    /** Ends the kernel's worker without a word to anybody. */
    killKernelWorker: () => killWorkersOf('/offscreen.html'),
    /** Ends the vats' workers without a word to anybody. */
    killVatWorkers: async () => killWorkersOf(await findVatHost()),
    /** Has every vat's worker throw what nobody catches. */
    breakVatWorkers: async () =>
      devtools.inWorkersOf(
        await findVatHost(),
        `queueMicrotask(() => { throw Error('out of the blue'); })`,
      ),
    /** Crashes the process that all vats share. */
    killSandboxProcess: async (): Promise<void> => {
      const hosts = (await devtools.targets()).filter(({ url }) =>
        url.includes('/vat-host.html'),
      );
      // A frame that was replaced while a vat was spinning may still be going: it is told too.
      for (const { targetId } of hosts) {
        await devtools.say(targetId, 'Page.crash').catch(() => {
          // It has gone already, with another of the same process.
        });
      }
    },
    /** Stops the service worker, as its going idle does, and wakes it by a page that connects. */
    stopServiceWorker: async (): Promise<void> => {
      const page = await context.newPage();
      await page.goto(`chrome-extension://${extensionId}/icons/16.png`);
      const control = await context.newCDPSession(page);
      const stopped = new Promise<void>(resolve => {
        control.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
          if (versions.some(each => each.runningStatus === 'stopped')) {
            resolve();
          }
        });
      });
      await control.send('ServiceWorker.enable');
      await control.send('ServiceWorker.stopAllWorkers');
      await stopped;
      await page.goto(`chrome-extension://${extensionId}/popup.html`);
      await page.getByText('running').first().waitFor();
      await page.close();
    },
    /** Reloads the extension; resolves when its new service worker serves. */
    reload: (): Promise<void> =>
      whenReloaded(() =>
        serviceWorker
          .evaluate(() => chrome.runtime.reload())
          .catch(() => {
            // The worker went before it could answer.
          }),
      ),
    whenReloaded,
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
