// @ts-check
/**
 * `npm start`: installs what is missing, builds what is stale, and opens Chromium
 * with the extension, a kept profile and the panel. Without a display, or with
 * `--demo`, it runs the demo instead.
 */
import { join } from 'node:path';
import process from 'node:process';
import { provideChromium } from './chromium.mjs';
import {
  extensionDir,
  fail,
  provideBuild,
  provideDependencies,
  root,
} from './setup.mjs';

const { DISPLAY, WAYLAND_DISPLAY } = process.env;
const hasDisplay =
  process.platform !== 'linux' || Boolean(DISPLAY ?? WAYLAND_DISPLAY);
const isDemo = process.argv.includes('--demo') || !hasDisplay;

const BY_HAND = `Load it by hand instead:
  1. Open chrome://extensions and turn on "Developer mode".
  2. Press "Load unpacked" and choose ${extensionDir}
  3. Press the extension's icon: the panel opens.`;

const openPanel = async () => {
  // Loaded only now: its library may just have been installed.
  const { launchBrowser } = await import('./browser.mjs');
  const { context, extensionId, closed } = await launchBrowser({
    headless: false,
    profile: join(root, '.profile'),
    extensionDir,
  }).catch(reason => {
    throw Error(`${reason.message}\n\n${BY_HAND}`);
  });
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(`chrome-extension://${extensionId}/popup.html`);
  console.log(`The panel is open. The profile is kept in ${root}.profile`);
  console.log('Close the browser, or press Ctrl-C, to end.');
  await closed;
};

try {
  provideDependencies();
  provideChromium();
  provideBuild();
  if (isDemo) {
    await import(new URL('demo.mjs', import.meta.url).href);
  } else {
    await openPanel();
  }
} catch (reason) {
  fail(reason);
}
