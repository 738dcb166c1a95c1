import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { openPanel, type Panel } from './popup-page.ts';

const MORTAL = `imports => ({
  buildRootObject: ({ exitVatWithFailure }) =>
    imports['@endo/far'].Far('Mortal', { stop: () => exitVatWithFailure(Error('no more')) }),
})`;
/** Its bootstrap waits for what never comes. */
const WAITING = `imports => ({
  buildRootObject: () => imports['@endo/far'].Far('Waiting', {
    bootstrap: vats => imports['@endo/far'].E(vats.other).never(),
    never: () => new Promise(() => {}),
  }),
})`;

/** It makes vats, and suspends the last of them. */
const MAKER = `imports => ({
  buildRootObject: () => {
    const { E, Far } = imports['@endo/far'];
    let admin;
    let last;
    return Far('Maker', {
      bootstrap: (_vats, { vatAdmin }) => { admin = vatAdmin; },
      make: async name => {
        last = await E(admin).createVat('child', { name });
        return name;
      },
      rest: () => E(last.node).suspend('a rest'),
    });
  },
})`;

const scriptBundle = (source: string) => ({
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    imports: ['@endo/far'],
    source,
  }),
});

/** A config as text. */
const scriptConfig = (
  name: string,
  sources: Readonly<Record<string, string>>,
  more: object = {},
): string =>
  JSON.stringify({
    name,
    bootstrap: 'main',
    vats: Object.fromEntries(
      Object.entries(sources).map(([vat, source]) => [
        vat,
        { bundle: scriptBundle(source) },
      ]),
    ),
    ...more,
  });

describe('the popup', () => {
  let extension: Extension;
  let panel: Panel;
  beforeAll(async () => {
    extension = await startExtension();
    panel = await openPanel(extension);
  });
  afterAll(() => extension.close());

  const whenFocused = (name: string): Promise<void> =>
    panel.page
      .getByRole('button', { name, exact: true })
      .and(panel.page.locator(':focus'))
      .waitFor();

  it('leads from nothing to a launch', async () => {
    await panel.page.getByRole('button', { name: 'Launch something' }).click();
    await panel.page.getByRole('button', { name: /^Counter/ }).waitFor();
  });

  it('launches, messages and terminates by keyboard alone', async () => {
    const { keyboard } = panel.page;
    const focused = () =>
      panel.page.evaluate(
        () =>
          document.activeElement?.getAttribute('aria-label') ??
          document.activeElement?.closest('label')?.innerText ??
          (document.activeElement === document.body
            ? undefined
            : document.activeElement?.textContent) ??
          '',
      );
    const tabTo = async (words: string): Promise<void> => {
      for (let count = 0; count < 60; count += 1) {
        if ((await focused()).startsWith(words)) {
          return;
        }
        await keyboard.press('Tab');
      }
      throw new Error(`Tab never comes to ${words}`);
    };
    await tabTo('Launch');
    await tabTo('Counter');
    await keyboard.press('Enter');
    await panel.page.getByLabel('Name of the cluster').waitFor();
    expect(await focused()).toContain('Name of the cluster');
    await keyboard.press('ControlOrMeta+A');
    await keyboard.type('keyed');
    await keyboard.press('Enter');
    await panel.launchCard('keyed').getByText('was launched').waitFor();
    expect(await focused()).toContain('Launch');
    await tabTo('Send a message to keyed.counter');
    await keyboard.press('Enter');
    await panel.page.getByLabel('Method').waitFor();
    expect(await focused()).toContain('Method');
    await keyboard.type('increment');
    await keyboard.press('ControlOrMeta+Enter');
    const card = panel.page.locator('li.result.fulfilled');
    await card.waitFor();
    expect(await card.innerText()).toContain('1');
    await panel.page.keyboard.press('Shift+Tab');
    await panel.page.keyboard.press('Shift+Tab');
    await panel.page.keyboard.press('ArrowLeft');
    await tabTo('Terminate keyed');
    await keyboard.press('Enter');
    await tabTo('Terminate');
    await keyboard.press('Enter');
    await panel.clusterCard('keyed').waitFor({ state: 'detached' });
    expect(await focused()).toContain('Vats');
  });

  it('restarts one vat, and then all of a cluster', async () => {
    await panel.launchSample('Three who meet', 'demo');
    await panel.goTo('Vats');
    const { page } = panel;
    const incarnations = async () =>
      (await panel.clusterCard('demo').innerText()).match(/incarnation \d+/g);
    await panel.manage('demo.bob');
    await page.getByRole('button', { name: 'Restart demo.bob' }).click();
    await panel.vatOf('demo', 'bob').getByText('incarnation 2').waitFor();
    expect(await incarnations()).toEqual([
      'incarnation 1',
      'incarnation 2',
      'incarnation 1',
    ]);
    // Until it runs again there is no heap to end.
    await panel.vatOf('demo', 'bob').getByText('running').waitFor();
    await page.getByRole('button', { name: 'Restart all of demo' }).click();
    await panel.vatOf('demo', 'bob').getByText('incarnation 3').waitFor();
    await panel.vatOf('demo', 'carol').getByText('incarnation 2').waitFor();
    await panel.vatOf('demo', 'alice').getByText('incarnation 2').waitFor();
  });

  it('tells a waiting message that its vat was restarted', async () => {
    await panel.goTo('Message');
    const open = await panel.begin('demo.bob', 'ask', '["will you stay"]');
    // Behind it, so bob has been asked when this is answered.
    await panel.send('demo.bob', 'hello', '["bob"]');
    await extension.inConsole(`E(kernel).restart('demo', 'bob')`);
    await open.getByText('vatUpgraded').waitFor();
    expect(await open.innerText()).toContain(
      'the vat began anew before it answered',
    );
  });

  it('asks before it terminates', async () => {
    await panel.goTo('Vats');
    await panel.page.getByRole('button', { name: 'Terminate demo' }).click();
    await panel.page
      .getByText('End demo, its 3 vats and everything they have stored?')
      .waitFor();
    await panel.page.keyboard.press('Escape');
    await panel.page.getByText('End demo').waitFor({ state: 'detached' });
    expect(await panel.clusterCard('demo').count()).toBe(1);
  });

  it('says why a vat failed, and lets it go', async () => {
    await panel.goTo('Launch');
    await panel.compile(`import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  if (baggage.has('cask')) {
    throw RangeError('the cask is sealed');
  }
  baggage.init('cask', 'sealed');
  return Far('Once', {});
};`);
    const card = await panel.launchAs('once');
    await card.getByText('was launched').waitFor();
    await panel.goTo('Vats');
    await panel.manage('once.main');
    await panel.page.getByRole('button', { name: 'Restart once.main' }).click();
    const vat = panel.vatOf('once', 'main');
    await vat.getByText('failed', { exact: true }).waitFor();
    expect(await vat.innerText()).toContain('RangeError: the cask is sealed');
    await panel.terminate('once');
  });

  it('terminates, and the console knows the cluster no more', async () => {
    await panel.launchSample('Counter', 'brief');
    await panel.goTo('Vats');
    await panel.terminate('brief');
    expect(
      await extension.inConsole(
        `E(kernel).root('brief').then(() => 'there', error => error.message)`,
      ),
    ).toContain('brief');
  });

  it('says of what has ended which vat it was, when, and why', async () => {
    await extension.inConsole(`(async () => {
      await E(kernel).launch(${scriptConfig('mortal', { main: MORTAL })});
      const ended = E(E(kernel).root('mortal')).stop().catch(() => {});
      await ended;
    })()`);
    await panel.clusterCard('mortal').waitFor({ state: 'detached' });
    const { page } = panel;
    await page.getByText(/^Ended lately \(\d+\)$/).click();
    const ended = page.getByRole('listitem').filter({ hasText: 'mortal.main' });
    expect(await ended.innerText()).toMatch(
      /^mortal\.main\s+v\d+\s+incarnation 1\s+\d\d\/\d\d\/\d{4}, [\d:]+\s+.*no more$/,
    );
    // What a person has ended is there too, the latest first.
    await extension.inConsole(`(async () => {
      await E(kernel).launch(${scriptConfig('mortal', { main: MORTAL })});
      await E(kernel).terminate('mortal');
    })()`);
    await ended.nth(1).waitFor();
    expect(await ended.first().innerText()).toMatch(/terminated/);
  });

  it('says on the card that a crash cut the bootstrap short', async () => {
    await extension.inConsole(
      `E(kernel).launch(${scriptConfig('cut', { main: WAITING, other: WAITING })}).then(() => {})`,
    );
    const card = panel.clusterCard('cut');
    await card.waitFor();
    const words = card.getByText('Its bootstrap came to nothing');
    expect(await words.count()).toBe(0);
    await extension.killKernelWorker();
    await words.waitFor();
    expect(await card.getByRole('status').innerText()).toMatch(
      /came to nothing\s+it was cut short: the kernel was restarted$/,
    );
    // Its vats run all the same, and it goes as any other.
    await panel.vatOf('cut', 'other').waitFor();
    await panel.terminate('cut');
  });

  it('shows what the console did, and what ran before, when it is opened again', async () => {
    await panel.page.close();
    await extension.inConsole(
      `fetch('samples.json').then(response => response.json()).then(samples =>
        E(kernel).launch({ ...samples.find(({ title }) => title === 'Counter').config, name: 'byConsole' }))`,
    );
    panel = await openPanel(extension);
    await panel.clusterCard('demo').waitFor();
    await panel.clusterCard('byConsole').waitFor();
  });

  it('keeps to its width with many clusters and the longest name', async () => {
    const longest = `a${'-long'.repeat(12)}`;
    await extension.inConsole(
      `fetch('samples.json').then(response => response.json()).then(samples => {
        const { config } = samples.find(({ title }) => title === 'Counter');
        return Promise.all(['${longest}', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8'].map(name => E(kernel).launch({ ...config, name })));
      }).then(() => {})`,
    );
    await panel.clusterCard(longest).waitFor();
    await panel.page.setViewportSize({ width: 360, height: 600 });
    expect(
      await panel.page.evaluate(
        () =>
          document.documentElement.scrollWidth -
          document.documentElement.clientWidth,
      ),
    ).toBe(0);
  });

  it('folds the vats of a large cluster, but for those that want somebody, which stay once seen to', async () => {
    const names = Array.from({ length: 13 }, (_, index) => `w${index}`);
    const sources = Object.fromEntries(names.map(name => [name, MORTAL]));
    const config = scriptConfig(
      'large',
      { main: MAKER, ...sources },
      {
        services: [{ service: 'vatAdmin', vats: 1, bundles: ['child'] }],
        bundles: { child: scriptBundle(MORTAL) },
      },
    );
    await extension.inConsole(
      `E(kernel).launch(${config}).then(() => E(kernel).suspend('large', 'w7'))`,
    );
    const card = panel.clusterCard('large');
    const rows = card.locator('.vat');
    await card
      .getByRole('button', { name: /^14 vats: .*1 suspended/, expanded: false })
      .waitFor();
    expect(await rows.count()).toBe(1);
    await panel.page.getByRole('button', { name: 'Resume large.w7' }).focus();
    await panel.page.keyboard.press('Enter');
    await panel.vatOf('large', 'w7').getByText('incarnation 2').waitFor();
    expect(await rows.count()).toBe(1);
    // The order has gone with what it was for.
    await whenFocused('Send a message to large.w7');
  });

  it('keeps a row with its focus and what is open in it while others come, go and are folded', async () => {
    const card = panel.clusterCard('large');
    const rows = card.locator('.vat');
    const fold = card.getByRole('button', { name: /^\d+ vats: / });
    const managed = panel.page.getByRole('button', {
      name: 'Manage large.w7',
      expanded: true,
    });
    const whenKept = () => managed.and(panel.page.locator(':focus')).waitFor();
    await panel.manage('large.w7');
    await managed.focus();
    // Twelve are not many any more, and all are shown.
    await extension.inConsole(
      `Promise.all(['w11', 'w12'].map(name => E(kernel).terminate('large', name))).then(() => {})`,
    );
    await fold.waitFor({ state: 'detached' });
    await rows.nth(11).waitFor();
    await whenKept();
    // Thirteen are, but nobody has folded them.
    await extension.inConsole(`E(E(kernel).root('large')).make('late')`);
    await fold.waitFor();
    expect(await rows.count()).toBe(13);
    await whenKept();
    await fold.click();
    await rows.nth(1).waitFor({ state: 'detached' });
    await fold.click();
    await rows.nth(12).waitFor();
    expect(await rows.nth(8).innerText()).toMatch(/^w7\b/);
    await managed.waitFor();
  });

  it('takes over what a maker has stopped, by keyboard', async () => {
    await extension.inConsole(
      `E(E(kernel).root('large')).rest().then(() => {})`,
    );
    const late = panel.vatOf('large', 'late');
    await late.getByText('stopped by its maker').waitFor();
    await panel.manage('large.late');
    await late.getByRole('button', { name: 'Keep suspended' }).focus();
    await panel.page.keyboard.press('Enter');
    await late.getByText('stopped by a person').waitFor();
    await whenFocused('Resume large.late');
    await extension.inConsole(`E(kernel).terminate('large')`);
  });

  it('says that the kernel is lost, and comes back by itself', async () => {
    const said = panel.page.waitForFunction(() =>
      /can’t be reached|unreachable|connecting|starting/.test(
        document.body.innerText,
      ),
    );
    await extension.killKernelWorker();
    await said;
    await panel.page.getByText('running', { exact: true }).first().waitFor();
    await panel.goTo('Message');
    const card = await panel.send('byConsole', 'increment');
    expect(await card.getAttribute('class')).toContain('fulfilled');
  });

  it('has a width of its own as a popup', async () => {
    await panel.page.close();
    await extension.inConsole('chrome.action.openPopup()');
    const answer = await extension.devtools.speakWith('/popup.html', send =>
      send('Runtime.evaluate', {
        expression: `new Promise(resolve => {
        const look = () => document.querySelector('.cluster')
          ? resolve(document.documentElement.scrollWidth) : requestAnimationFrame(look);
        look();
      })`,
        awaitPromise: true,
        returnByValue: true,
      }),
    );
    expect(answer).toMatchObject({ result: { value: 400 } });
  });

  it('erases everything, once the word is typed', async () => {
    panel = await openPanel(extension);
    const { page } = panel;
    await panel.goTo('Message');
    await panel.send('demo.bob', 'hello', '["last"]');
    await panel.goTo('Vats');
    await page.getByText('Erase everything…').click();
    const erase = page.getByRole('button', { name: 'Erase everything' });
    expect(await erase.getAttribute('aria-disabled')).toBe('true');
    await page.getByLabel('Type erase to allow it').fill('erase');
    await erase.click();
    await page.getByText('Nothing runs here yet.').waitFor();
    await panel.goTo('Message');
    expect(await page.locator('li.result').count()).toBe(0);
    expect(
      await extension.inConsole(`E(kernel).clusters().then(all => all.length)`),
    ).toBe(0);
  });
});
