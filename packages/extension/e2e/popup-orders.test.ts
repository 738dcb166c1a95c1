import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { openPanel, type Panel } from './popup-page.ts';
import { sampleConfig } from './samples.ts';

/** The counter of the sample, which also counts by two. */
const NEW_COUNTER = `import { prepareExoClass, provide } from '@agoric/vat-data';
import { Far } from '@endo/far';
export const buildRootObject = (_powers, _parameters, baggage) => {
  const makeCounter = prepareExoClass(baggage, 'Counter', undefined, (name, count) => ({ name, count }), {
    increment(by = 1) { this.state.count += by; return this.state.count; },
    read() { return this.state.count; },
    getName() { return this.state.name; },
  });
  const main = provide(baggage, 'main', () => makeCounter('main', 0));
  return Far('CounterRoot', {
    increment: by => main.increment(by),
    twice: () => main.increment(2),
  });
};`;

/** It knows nothing of the counters that are stored. */
const FORGETFUL = `import { Far } from '@endo/far';
export const buildRootObject = () => Far('Root', {});`;

/** Its greeting is a parameter; another version of it says which it is. */
const politeOf = (version: number): string =>
  JSON.stringify({
    moduleFormat: 'cooperageScript',
    imports: ['@endo/far'],
    source: `imports => ({
      buildRootObject: (_powers, { greeting }) => imports['@endo/far'].Far('Polite', {
        greet: () => greeting + ', this is version ${version}',
        wait: () => new Promise(() => {}),
      }),
    })`,
  });

const SPINNING = `imports => ({
  buildRootObject: () => imports['@endo/far'].Far('Spinner', { work: () => { for (;;); } }),
})`;
const MORTAL = `imports => ({
  buildRootObject: ({ exitVatWithFailure }) =>
    imports['@endo/far'].Far('Heart', { stop: () => exitVatWithFailure(Error('no more')) }),
})`;
const MENDED = `import { Far } from '@endo/far';
export const buildRootObject = () => Far('Spinner', { work: () => 'done' });`;

describe('what is done to one vat from the popup:', () => {
  let extension: Extension;
  let panel: Panel;
  beforeAll(async () => {
    extension = await startExtension();
    await extension.inConsole(`(async () => {
      await E(kernel).launch(${sampleConfig('counter')});
      await E(kernel).launch(${sampleConfig('demo')});
      const counter = E(kernel).root('counter');
      await E(counter).increment();
      await E(counter).increment();
      await E(kernel).keep('mine', await E(counter).makeCounter('mine', 40));
    })()`);
    panel = await openPanel(extension);
  });
  afterAll(() => extension.close());

  const press = (name: string): Promise<void> =>
    panel.page.getByRole('button', { name, exact: true }).click();
  const whenFocused = (name: string): Promise<void> =>
    panel.page
      .getByRole('button', { name, exact: true })
      .and(panel.page.locator(':focus'))
      .waitFor();
  const chooseCode = (name: string, text: string): Promise<void> =>
    panel.page
      .getByRole('region', { name: /^Upgrade of/ })
      .locator('input[type=file]')
      .setInputFiles({
        name,
        mimeType: 'text/javascript',
        buffer: Buffer.from(text),
      });
  const increment = () =>
    extension.inConsole(`E(E(kernel).root('counter')).increment()`);

  it('an upgrade that fails says why, and leaves the vat as it was', async () => {
    await panel.manage('counter.counter');
    await press('Upgrade counter.counter');
    await chooseCode('half.js', 'export const = 1;');
    await panel.page.getByText(/half\.js can’t be compiled, line 1/).waitFor();
    await chooseCode('half.json', '{"moduleFormat": "none"}');
    await panel.page.getByText(/half\.json is no bundle: /).waitFor();
    await chooseCode('forgetful.js', FORGETFUL);
    await press('Upgrade counter.counter now');
    const alert = panel.page
      .getByRole('alert')
      .filter({ hasText: 'It is as it was' });
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(
      /Vat counter was not upgraded: .*Counter/s,
    );
    const vat = panel.vatOf('counter', 'counter');
    await vat.getByText('running', { exact: true }).waitFor();
    await vat.getByText('incarnation 1').waitFor();
    expect(await increment()).toBe(3);
  });

  it('an upgrade by keyboard keeps the count and what is kept, and gives the focus back', async () => {
    const { keyboard } = panel.page;
    await chooseCode('counter-2.js', NEW_COUNTER);
    await panel.page.getByText('gets the code of counter-2.js').waitFor();
    // The file was the last word but one: the focus is on the last.
    await whenFocused('Upgrade counter.counter now');
    await keyboard.press('Enter');
    const vat = panel.vatOf('counter', 'counter');
    await vat.getByText('incarnation 2').waitFor();
    await panel.page
      .getByRole('region', { name: /^Upgrade of/ })
      .waitFor({ state: 'detached' });
    await whenFocused('Upgrade counter.counter');
    expect(
      await extension.inConsole(
        `Promise.all([E(E(kernel).root('counter')).twice(), E(home.mine).increment()])`,
      ),
    ).toEqual([5, 41]);
  });

  it('an upgrade by keyboard to code that is stored, with parameters and a word to who waits', async () => {
    const config = {
      name: 'polite',
      vats: {
        main: {
          bundle: { text: politeOf(1) },
          parameters: { greeting: 'Hello' },
        },
      },
    };
    await extension.inConsole(`(async () => {
      await E(kernel).launch(${JSON.stringify(config)});
      await E(kernel).storeBundle('polite-2', { text: ${JSON.stringify(politeOf(2))} });
      const main = await E(kernel).root('polite');
      globalThis.waited = E(main).wait().catch(({ upgradeMessage }) => upgradeMessage);
      await E(main).greet();
    })()`);
    const { page } = panel;
    const { keyboard } = page;
    await panel.manage('polite.main');
    await press('Upgrade polite.main');
    await page.getByLabel('Code that is stored here').focus();
    await keyboard.type('polite-2');
    await page.getByText('gets the code stored as polite-2').waitFor();
    // The list keeps the focus, for its arrows.
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await keyboard.press('Tab');
    await keyboard.type('{"greeting": Good day}');
    await keyboard.press('Tab');
    await keyboard.type('main is politer now');
    await keyboard.press('Enter');
    await page.getByText('Line 1, column 14').waitFor();
    const parameters = page.getByLabel('Parameters, in JSON');
    await parameters.and(page.locator(':focus')).waitFor();
    await keyboard.press('ControlOrMeta+A');
    await keyboard.type('{"greeting": "Good day"}');
    await page.getByText('Line 1, column').waitFor({ state: 'detached' });
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await panel.vatOf('polite', 'main').getByText('incarnation 2').waitFor();
    await whenFocused('Upgrade polite.main');
    expect(
      await extension.inConsole(
        `Promise.all([E(E(kernel).root('polite')).greet(), globalThis.waited])`,
      ),
    ).toEqual(['Good day, this is version 2', 'main is politer now']);
    await extension.inConsole(`E(kernel).terminate('polite')`);
  });

  it('a vat that was suspended in an endless loop does its work once it has better code', async () => {
    const bundle = JSON.stringify({
      moduleFormat: 'cooperageScript',
      source: SPINNING,
      imports: ['@endo/far'],
    });
    const config = {
      name: 'spinner',
      // A busy machine takes a while to start a vat: only the loop may pass it.
      vats: { main: { bundle: { text: bundle }, deadline: 3_000 } },
    };
    await extension.inConsole(`(async () => {
      await E(kernel).launch(${JSON.stringify(config)});
      globalThis.worked = E(E(kernel).root('spinner')).work();
      globalThis.worked.catch(() => {});
    })()`);
    const vat = panel.vatOf('spinner', 'main');
    await vat.getByText('suspended', { exact: true }).waitFor();
    await vat.getByText('did not finish its delivery within').waitFor();
    await panel.manage('spinner.main');
    await press('Upgrade spinner.main');
    await chooseCode('mended.js', MENDED);
    await press('Upgrade spinner.main now');
    await vat.getByText('running', { exact: true }).waitFor();
    expect(await vat.getByText('did not finish').count()).toBe(0);
    expect(await extension.inConsole(`globalThis.worked`)).toBe('done');
  });

  it('a row that is closed amid an upgrade stays closed when that fails, and says why', async () => {
    const { page } = panel;
    await panel.manage('demo.alice');
    await press('Upgrade demo.alice');
    await chooseCode(
      'endless.js',
      'export const buildRootObject = () => { for (;;); };',
    );
    await press('Upgrade demo.alice now');
    const vat = panel.vatOf('demo', 'alice');
    await vat.getByText('upgrading', { exact: true }).waitFor();
    await press('Manage demo.alice');
    await vat.getByText(/was not upgraded/).waitFor();
    const manage = page.getByRole('button', {
      name: 'Manage demo.alice',
      expanded: false,
    });
    expect(await manage.count()).toBe(1);
    expect(await vat.getByRole('region').count()).toBe(0);
    await vat.getByText('running', { exact: true }).waitFor();
  });

  it('a pause keeps its messages waiting, and its neighbors run on', async () => {
    const bob = panel.vatOf('demo', 'bob');
    await panel.manage('demo.bob');
    await panel.page.getByRole('button', { name: 'Pause demo.bob' }).focus();
    await panel.page.keyboard.press('Enter');
    await bob.getByText('paused', { exact: true }).waitFor();
    await whenFocused('Go on demo.bob');
    await extension.inConsole(
      `void (globalThis.greeted = E(E(kernel).root('demo', 'bob')).hello('you'))`,
    );
    await bob.getByText('1 waiting').waitFor();
    await extension.inConsole(
      `E(E(kernel).root('demo', 'carol')).makeNotebook().then(() => {})`,
    );
    await press('Go on demo.bob');
    await bob.getByText('running', { exact: true }).waitFor();
    expect(await extension.inConsole(`globalThis.greeted`)).toBe(
      'Hello you, this is bob.',
    );
    expect(await bob.innerText()).toContain('incarnation 1');
  });

  it('a suspension takes the heap, says who wanted it, and is taken back', async () => {
    const bob = panel.vatOf('demo', 'bob');
    await press('Suspend demo.bob');
    await bob.getByText('suspended by a person').waitFor();
    await press('Resume demo.bob');
    await bob.getByText('incarnation 2').waitFor();
    await bob.getByText('suspended by a person').waitFor({ state: 'detached' });
  });

  it('one vat is ended, and the others of its cluster stay', async () => {
    await panel.manage('demo.carol');
    await press('Terminate vat demo.carol');
    await panel.page.getByText('End carol and everything').waitFor();
    await panel
      .vatOf('demo', 'carol')
      .getByRole('button', { name: 'Terminate', exact: true })
      .click();
    await panel.vatOf('demo', 'carol').waitFor({ state: 'detached' });
    expect(await panel.clusterCard('demo').innerText()).toContain('alice');
  });

  it('what others can’t do without, and what may sleep, says so, and before it is ended once more', async () => {
    const bundle = JSON.parse(sampleConfig('counter')).vats.counter.bundle;
    const config = {
      name: 'bank',
      vats: { vault: { bundle, critical: true, eviction: 'unseen' } },
    };
    await extension.inConsole(
      `E(kernel).launch(${JSON.stringify(config)}).then(() => {})`,
    );
    const vault = panel.vatOf('bank', 'vault');
    await vault.getByText('critical', { exact: true }).waitFor();
    await vault.getByText('evictable', { exact: true }).waitFor();
    await panel.manage('bank.vault');
    await press('Terminate vat bank.vault');
    await vault
      .getByText(
        'End vault, which others can’t do without, and so bank, and everything it has stored?',
      )
      .waitFor();
    await panel.page.keyboard.press('Escape');
    await whenFocused('Terminate vat bank.vault');
    await extension.inConsole(`E(kernel).terminate('bank')`);
  });

  it('Inspect tells how it is, how large its store is and what it can do, and manages it too', async () => {
    await extension.inConsole(
      `E(kernel).launch(${sampleConfig('reminders')}).then(() => {})`,
    );
    const { page } = panel;
    await page
      .getByRole('button', { name: 'Inspect reminders.reminders' })
      .click();
    await page
      .getByRole('heading', { name: /Vat reminders\.reminders/ })
      .waitFor();
    const facts = page.locator('.inspection');
    expect(await facts.innerText()).toMatch(
      /running[\s\S]*Incarnation\s+1[\s\S]*Store\s+(empty|[\d.,]+ (kB|keys?|bytes?))[\s\S]*Powers[\s\S]*the kernel's (console|revocation|timer)/,
    );
    await facts.getByText('Manage', { exact: true }).click();
    await press('Suspend reminders.reminders');
    await facts.getByText('suspended by a person').waitFor();
    await press('Resume reminders.reminders');
    await facts
      .getByText('suspended by a person')
      .waitFor({ state: 'detached' });
  });

  it('a critical vat that ends itself has the kernel rest, until a person starts it and gives the vat better code', async () => {
    const bundle = {
      text: JSON.stringify({
        moduleFormat: 'cooperageScript',
        source: MORTAL,
        imports: ['@endo/far'],
      }),
    };
    const config = {
      name: 'body',
      vats: { heart: { bundle, critical: true } },
    };
    const { page } = panel;
    await panel.goTo('Vats');
    await extension.inConsole(`(async () => {
      await E(kernel).launch(${JSON.stringify(config)});
      E(E(kernel).root('body')).stop().catch(() => {});
    })()`);
    const alert = page
      .getByRole('alert')
      .filter({ hasText: 'no vat is running' });
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/body\.heart.*no more/s);
    // What can't be sent is not, by whatever key, and stays as it is.
    await panel.goTo('Message');
    await page.getByLabel('To', { exact: true }).fill('demo.bob');
    await page.getByLabel('Method').fill('getName');
    const send = page.getByRole('button', { name: 'Send', exact: true });
    expect(await send.isDisabled()).toBe(true);
    for (const key of ['Enter', 'Control+Enter']) {
      await page.keyboard.press(key);
    }
    expect(await page.locator('li.result').count()).toBe(0);
    expect(await page.getByLabel('Method').inputValue()).toBe('getName');
    await panel.goTo('Vats');
    await press('Start the kernel');
    const heart = panel.vatOf('body', 'heart');
    await heart.getByText('suspended', { exact: true }).waitFor();
    expect(await heart.innerText()).toContain('no more');
    await panel.manage('body.heart');
    await press('Upgrade body.heart');
    await chooseCode('mended.js', MENDED);
    await press('Upgrade body.heart now');
    await heart.getByText('running', { exact: true }).waitFor();
    // The console may hear of its session's end only by a call.
    const work = `E(E(kernel).root('body')).work()`;
    expect(await extension.inConsole(`${work}.catch(() => ${work})`)).toBe(
      'done',
    );
    await panel.goTo('Message');
    await page.getByLabel('Method').focus();
    await page.keyboard.press('Control+Enter');
    await page.locator('li.result').first().waitFor();
  });
});
