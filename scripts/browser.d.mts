import type { BrowserContext, Worker } from 'playwright-core';

export type LaunchOptions = {
  /** True: no window and no display needed. */
  headless: boolean;
  /** The folder of the profile; made when absent, kept afterwards. */
  profile: string;
  /** The folder of the built, unpacked extension: an absolute path. */
  extensionDir: string;
  /** The browser's program; found on this machine when not given. */
  executablePath?: string;
  /**
   * `flag`: `--load-extension`, which Chrome with Google's brand ignores; `pipe`:
   * CDP's `Extensions.loadUnpacked`. By default what the program understands.
   */
  loadBy?: 'flag' | 'pipe';
  /** More arguments for the browser. */
  args?: string[];
};

export type LaunchedBrowser = {
  context: BrowserContext;
  /** The extension's service worker; it is replaced when the extension reloads. */
  serviceWorker: Worker;
  extensionId: string;
  /** The browser's main process. */
  pid: number;
  /** Settles when the browser is gone, for whatever reason. */
  closed: Promise<undefined>;
  /** Ends the browser in an orderly way. */
  close: () => Promise<void>;
  /** Ends it with SIGKILL, as a crash does; settles when its pipe is closed. */
  kill: () => Promise<void>;
};

/**
 * Opens Chromium with the extension loaded and its service worker running. The
 * caller owns the browser: `close` or `kill` it. A service worker that
 * playwright is attached to never goes idle.
 * @throws when no Chromium is found, when the extension is not built, and when
 *   its service worker does not appear within 15 seconds
 */
export declare const launchBrowser: (
  options: LaunchOptions,
) => Promise<LaunchedBrowser>;
