// @ts-check
/**
 * Opens Chromium with the extension loaded: for `npm start`, the demo and the
 * end-to-end tests.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { spawnSync } from 'node:child_process';
import { chromium } from 'playwright-core';
import { isBrandedChrome, requireChromium } from './chromium.mjs';

/** How long the extension's service worker may take to appear. */
const WORKER_DEADLINE = 15_000;

/** How long the browser may take to start, also on a slow machine with a new profile. */
const LAUNCH_DEADLINE = 60_000;

const QUIET = [
  // Else a broken manifest shows a dialog that blocks the start.
  '--noerrdialogs',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
];

/**
 * Without developer mode, `chrome.runtime.reload()` disables an unpacked extension.
 * @param {string} profile
 */
const presetProfile = profile => {
  const folder = join(profile, 'Default');
  const preferences = join(folder, 'Preferences');
  if (!existsSync(preferences)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      preferences,
      JSON.stringify({ extensions: { ui: { developer_mode: true } } }),
    );
  }
};

/** @param {import('./browser.d.mts').LaunchOptions & { loadBy: string }} options */
const argsOf = ({ headless, extensionDir, loadBy, args = [] }) => [
  ...QUIET,
  ...(headless ? ['--headless=new', '--disable-gpu'] : []),
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ...(loadBy === 'flag'
    ? [
        `--load-extension=${extensionDir}`,
        `--disable-extensions-except=${extensionDir}`,
      ]
    : ['--enable-unsafe-extension-debugging']),
  ...args,
];

const isExtensionWorker = (
  /** @type {import('playwright-core').Worker} */ worker,
) => worker.url().startsWith('chrome-extension://');

/** @param {import('playwright-core').BrowserContext} context */
const findServiceWorker = async context => {
  const present = context.serviceWorkers().find(isExtensionWorker);
  return (
    present ??
    context.waitForEvent('serviceworker', {
      predicate: isExtensionWorker,
      timeout: WORKER_DEADLINE,
    })
  );
};

/**
 * The browser's main process, as the browser itself tells it.
 * @param {import('playwright-core').CDPSession} session
 */
const findProcessId = async session => {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const main = processInfo.find(({ type }) => type === 'browser');
  if (!main) {
    throw Error('The browser does not tell its process id.');
  }
  return main.id;
};

/**
 * Kills the browser and what it started, and nothing else. Playwright starts it
 * as the leader of a process group of its own.
 * @param {number} pid
 */
const killTree = pid => {
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(pid), '/T', '/F']);
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    process.kill(pid, 'SIGKILL');
  }
};

/** @param {import('playwright-core').BrowserContext} context */
const browserSession = async context => {
  const browser = context.browser();
  if (!browser) {
    throw Error('Playwright gives no browser for the persistent context.');
  }
  return browser.newBrowserCDPSession();
};

/**
 * Playwright's account of a failure fills a screen: the cause is in its first
 * line and in what the browser said last.
 * @param {unknown} reason
 */
const brief = reason => {
  const [first = '', ...rest] = String(
    reason instanceof Error ? reason.message : reason,
  ).split('\n');
  const said = rest
    .flatMap(line => /\[err\] ([^\x1b]*)/.exec(line)?.[1] ?? [])
    .filter(line => !/dbus|\/gl\/|gl_|angle|vk[A-Z]|vk_|viz/i.test(line));
  return [first, ...said.slice(-3)].join('\n  ');
};

/** @type {typeof import('./browser.d.mts').launchBrowser} */
export const launchBrowser = async options => {
  const { profile, extensionDir } = options;
  const executablePath = options.executablePath ?? requireChromium();
  const loadBy =
    options.loadBy ?? (isBrandedChrome(executablePath) ? 'pipe' : 'flag');
  if (!existsSync(join(extensionDir, 'manifest.json'))) {
    throw Error(`No built extension in ${extensionDir}: run npm run build.`);
  }
  presetProfile(profile);
  const context = await chromium
    .launchPersistentContext(profile, {
      executablePath,
      // --headless=new is among the arguments: playwright's own headless mode may
      // choose a shell that knows no extensions.
      headless: false,
      viewport: null,
      timeout: LAUNCH_DEADLINE,
      ignoreDefaultArgs: ['--disable-extensions'],
      args: argsOf({ ...options, loadBy }),
    })
    .catch(reason => {
      throw Error(`${executablePath} did not start: ${brief(reason)}`);
    });
  const closed = new Promise(resolve => {
    context.once('close', () => resolve(undefined));
  });
  try {
    const session = await browserSession(context);
    const pid = await findProcessId(session);
    if (loadBy === 'pipe') {
      await session.send('Extensions.loadUnpacked', { path: extensionDir });
    }
    const serviceWorker = await findServiceWorker(context);
    return {
      context,
      serviceWorker,
      extensionId: new URL(serviceWorker.url()).host,
      pid,
      closed,
      close: () => context.close(),
      kill: async () => {
        killTree(pid);
        await closed;
      },
    };
  } catch (reason) {
    await context.close();
    throw Error(
      `The extension's service worker did not appear in ${executablePath}: ${brief(reason)}`,
    );
  }
};
