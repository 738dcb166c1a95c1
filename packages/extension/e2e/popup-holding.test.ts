import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { openPanel, type Panel } from './popup-page.ts';
import { sampleConfig } from './samples.ts';

describe('from the panel, by keyboard alone,', () => {
  let extension: Extension;
  let panel: Panel;
  beforeAll(async () => {
    extension = await startExtension();
    await extension.inConsole(
      `E(kernel).launch(${sampleConfig('counter')}).then(() => {})`,
    );
    panel = await openPanel(extension);
  });
  afterAll(() => extension.close());

  const button = (name: string) => panel.page.getByRole('button', { name });
  const state = () => panel.page.getByRole('status').first();

  it('all vats are paused, make one delivery, and go on', async () => {
    const { page } = panel;
    await button('Pause all vats').focus();
    await page.keyboard.press('Enter');
    await state().getByText('paused').waitFor();
    await extension.inConsole(`void (globalThis.counted = Promise.all(
      [1, 2].map(() => E(home.counter).increment()),
    ))`);
    await panel.vatOf('counter', 'counter').getByText('2 waiting').waitFor();

    // The focus has come along to the button in its place.
    await page.keyboard.press('Enter');
    await page.getByText('One delivery to counter.counter').first().waitFor();
    await panel.vatOf('counter', 'counter').getByText('1 waiting').waitFor();
    await page.keyboard.press('Enter');
    expect(await extension.inConsole(`globalThis.counted`)).toEqual([1, 2]);
    // The answers may be here before the panel has heard that its step was made.
    await panel
      .vatOf('counter', 'counter')
      .getByText('1 waiting')
      .waitFor({ state: 'detached' });
    await page
      .locator('button:focus:not([aria-busy=true]):not([aria-disabled=true])')
      .waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Nothing waits to be delivered').first().waitFor();

    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await state().getByText('running').waitFor();
    expect(
      await page.evaluate(() =>
        document.activeElement?.getAttribute('aria-label'),
      ),
    ).toBe('Pause all vats');
    expect(await extension.inConsole(`E(home.counter).increment()`)).toBe(3);
  });

  it('a suspended vat is resumed, and tells why it was suspended', async () => {
    const { vats } = JSON.parse(sampleConfig('rogue'));
    const config = {
      name: 'rogue',
      vats: { rogue: { ...vats.rogue, deadline: 300 } },
    };
    await extension.inConsole(`(async () => {
      await E(kernel).launch(${JSON.stringify(config)});
      globalThis.spun = E(home.rogue).spin().catch(({ message }) => message);
    })()`);
    const vat = panel.vatOf('rogue', 'rogue');
    for (const incarnation of [2, 3, 4]) {
      await vat.getByText(`incarnation ${incarnation}`).waitFor();
      await vat.getByText('suspended', { exact: true }).waitFor();
      await vat
        .getByText('it did not finish its delivery within 0.3 s')
        .waitFor();
      await button('Resume rogue.rogue').focus();
      await panel.page.keyboard.press('Enter');
    }
    // Given up at its third try, the message waits no more.
    await vat.getByText('running', { exact: true }).waitFor();
    expect(await button('Resume rogue.rogue').count()).toBe(0);
    expect(await extension.inConsole(`globalThis.spun`)).toMatch(
      /given up after 3 tries/,
    );
  });
});
