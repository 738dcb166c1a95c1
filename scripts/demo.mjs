// @ts-check
/**
 * The demonstration: what a person would do in the panel and the console, done
 * and told step by step, with a SIGKILL of the browser in the middle. Imported
 * by `npm start` when there is no display, or with `--demo`. A step that fails
 * throws, and `npm start` then exits 1 with the cause.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser } from './browser.mjs';
import { cache, extensionDir } from './setup.mjs';

const folder = join(cache, 'demonstration');
const profile = join(folder, 'profile');
const screenshot = join(folder, 'panel.png');
/** How long one step may take; a browser that hangs must not hang the demo. */
const STEP_DEADLINE = 60_000;
const CLUSTERS = ['demo', 'counter', 'market', 'chat'];

/** @typedef {Awaited<ReturnType<typeof launchBrowser>>} Browser */

const begun = performance.now();

/**
 * @template Result
 * @param {string} text
 * @param {() => Promise<Result>} work
 * @param {(result: Result) => string} [show]
 */
const step = async (text, work, show = () => '') => {
  const started = performance.now();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(
      () => reject(Error(`no answer within ${STEP_DEADLINE / 1000} s`)),
      STEP_DEADLINE,
    );
  });
  try {
    const result = /** @type {Result} */ (await Promise.race([work(), late]));
    const at = ((started - begun) / 1000).toFixed(1).padStart(5);
    const took = Math.round(performance.now() - started);
    console.log(`${at} s  ${text}${show(result)}  (${took} ms)`);
    return result;
  } catch (reason) {
    const cause = reason instanceof Error ? reason.message : String(reason);
    throw Error(`demo: "${text}" failed: ${cause}`);
  } finally {
    clearTimeout(timer);
  }
};

const open = () => launchBrowser({ headless: true, profile, extensionDir });

/** Evaluates an expression in the service worker's realm, as its console does; the answer is text. */
const inConsole = (
  /** @type {Browser} */ { serviceWorker },
  /** @type {string} */ expression,
) => serviceWorker.evaluate(`(async () => String((${expression})))()`);

/**
 * @param {Browser} browser
 * @param {string} expression what is typed
 * @param {string | RegExp} expected what must come back
 */
const ask = (browser, expression, expected) =>
  step(
    `> ${expression}`,
    async () => {
      const answer = String(await inConsole(browser, expression));
      const isRight =
        typeof expected === 'string'
          ? answer === expected
          : expected.test(answer);
      if (!isRight) {
        throw Error(`the answer is ${answer}, not ${expected}`);
      }
      return answer;
    },
    answer => `\n           ${answer}`,
  );

const launchSamples = async (/** @type {Browser} */ browser) => {
  for (const name of CLUSTERS) {
    await step(`launch the sample cluster ${name}`, async () => {
      await inConsole(
        browser,
        `await (async () => {
          const samples = await (await fetch('samples.json')).json();
          const { config } = samples.find(each => each.config.name === '${name}');
          await E(kernel).launch(config);
        })()`,
      );
    });
  }
};

const beforeTheKill = async (/** @type {Browser} */ browser) => {
  await launchSamples(browser);
  await ask(browser, `await E(E(kernel).root('demo', 'bob')).hello('x')`, /x/);
  await ask(browser, `await E(home.counter).increment(40)`, '40');
  await ask(browser, `await E(home.counter).increment(2)`, '42');
  await ask(browser, `await E(home.market).balance()`, /^\d+$/);
  await step('keep bob under the name friend', () =>
    inConsole(
      browser,
      `await E(kernel).keep('friend', await E(kernel).root('demo', 'bob'))`,
    ),
  );
  await ask(
    browser,
    `await E(E(kernel).root('demo', 'bob')).subscribe(Far('me', { heard: text => { globalThis.heard = text; } })), await E(home.friend).hello('everybody'), globalThis.heard`,
    /everybody/,
  );
};

const afterTheKill = async (/** @type {Browser} */ browser) => {
  await ask(browser, `await E(home.counter).read()`, '42');
  await ask(browser, `await E(home.friend).hello('again')`, /again/);
  await ask(
    browser,
    `(await E(kernel).clusters()).map(each => each.name).sort()`,
    'chat,counter,demo,market',
  );
  await ask(
    browser,
    `(await E(kernel).clusters()).find(each => each.name === 'counter').vats[0].incarnation`,
    '2',
  );
};

const photograph = async (/** @type {Browser} */ browser) => {
  const page = await browser.context.newPage();
  await page.setViewportSize({ width: 1000, height: 720 });
  await page.goto(`chrome-extension://${browser.extensionId}/popup.html`);
  await page.getByText('counter').first().waitFor();
  await page.screenshot({ path: screenshot });
};

rmSync(folder, { recursive: true, force: true });
mkdirSync(profile, { recursive: true });
let browser = await step('open Chromium with the extension', open);
try {
  await beforeTheKill(browser);
  await step('kill the browser with SIGKILL', () => browser.kill());
  browser = await step('open it again, over the same profile', open);
  await afterTheKill(browser);
  await step('photograph the panel', () => photograph(browser));
  console.log(
    `\nDurable state and references survived. The panel: ${screenshot}`,
  );
} finally {
  await browser.close();
}
