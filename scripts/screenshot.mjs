// @ts-check
/**
 * Makes docs/panel.png, the picture in the README, in a real browser: launches
 * a sample, sends a few messages from the panel, and photographs it.
 *
 *     npm run build && node scripts/screenshot.mjs
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser } from './browser.mjs';
import { extensionDir } from './setup.mjs';

const picture = fileURLToPath(new URL('../docs/panel.png', import.meta.url));
const profile = mkdtempSync(join(tmpdir(), 'cooperage-picture-'));
const SIZE = { width: 1000, height: 728 };

/** @typedef {import('playwright-core').Page} Page */

const launch = async (
  /** @type {Page} */ page,
  /** @type {string} */ title,
  /** @type {string} */ name,
) => {
  await page.getByRole('tab', { name: 'Launch' }).click();
  await page.getByText(title, { exact: true }).click();
  await page.getByRole('button', { name: 'Launch', exact: true }).click();
  await page
    .locator('li.launch.done')
    .filter({ hasText: `${name} was launched` })
    .waitFor();
};

const send = async (
  /** @type {Page} */ page,
  /** @type {readonly [string, string, string]} */ [target, method, args],
) => {
  await page.getByLabel('To', { exact: true }).fill(target);
  await page.getByLabel('Method').fill(method);
  await page.getByLabel('Arguments').fill(args);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page
    .locator('li.result:not(.pending)')
    .first()
    .filter({ hasText: `.${method}(` })
    .waitFor();
};

const browser = await launchBrowser({ headless: true, profile, extensionDir });
try {
  const page = await browser.context.newPage();
  const session = await browser.context.newCDPSession(page);
  await session.send('Emulation.setDeviceMetricsOverride', {
    ...SIZE,
    deviceScaleFactor: 2,
    mobile: false,
  });
  await session.send('Emulation.setScrollbarsHidden', { hidden: true });
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.goto(`chrome-extension://${browser.extensionId}/popup.html`);
  await launch(page, 'Counter', 'counter');
  await launch(page, 'Three who meet', 'demo');
  await page.getByRole('tab', { name: 'Message' }).click();
  await send(page, ['demo.alice', 'trade', '["oak"]']);
  await send(page, ['demo.bob', 'fail', '["the hoop is too tight"]']);
  await send(page, ['demo.carol', 'getNotebook', '[]']);
  await page.getByRole('button', { name: /^Keep .*Notebook/ }).click();
  await page.getByLabel(/in home as/).fill('notebook');
  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.getByRole('tab', { name: 'Home 1' }).waitFor();
  await send(page, ['demo.bob', 'befriend', '[{"@ref": "notebook"}]']);
  // No caret, no focus ring, nothing under the pointer.
  await page.getByRole('heading', { name: 'Cooperage' }).click();
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'png',
  });
  writeFileSync(picture, Buffer.from(data, 'base64'));
  console.log(`Wrote ${picture}`);
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
