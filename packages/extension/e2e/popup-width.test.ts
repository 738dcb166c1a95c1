import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { openPanel, type Panel } from './popup-page.ts';
import { sampleConfig } from './samples.ts';

const WIDE = { width: 1000, height: 700 };
const NARROW = { width: 400, height: 600 };

describe('a panel whose window grows and shrinks', () => {
  let extension: Extension;
  let panel: Panel;
  beforeAll(async () => {
    extension = await startExtension();
    await extension.inConsole(
      `E(kernel).launch(${sampleConfig('demo')}).then(() => {})`,
    );
    panel = await openPanel(extension);
  });
  afterAll(() => extension.close());

  const side = () => panel.page.getByRole('region', { name: 'Vats' });
  const resize = async (isWide: boolean): Promise<void> => {
    await panel.page.setViewportSize(isWide ? WIDE : NARROW);
    await side().waitFor({ state: isWide ? 'visible' : 'detached' });
  };
  const parameters = () => panel.page.getByLabel(/^Parameters, in JSON/);
  const whenFocused = (label: RegExp | string): Promise<void> =>
    panel.page.getByLabel(label).and(panel.page.locator(':focus')).waitFor();

  it('keeps what is open and half typed in the vats, and the focus there', async () => {
    const { page } = panel;
    await panel.manage('demo.bob');
    await page
      .getByRole('button', { name: 'Upgrade demo.bob', exact: true })
      .click();
    await page
      .getByRole('region', { name: /^Upgrade of/ })
      .locator('input[type=file]')
      .setInputFiles({
        name: 'new.json',
        mimeType: 'application/json',
        buffer: Buffer.from(
          JSON.stringify({
            moduleFormat: 'cooperageScript',
            source: '() => ({})',
            imports: [],
          }),
        ),
      });
    await page.getByText('Parameters, and a word to those who wait').click();
    await parameters().pressSequentially('{"gree');
    for (const isWide of [true, false, true]) {
      await resize(isWide);
      await whenFocused(/^Parameters, in JSON/);
      await page.keyboard.type('t');
    }
    expect(await parameters().inputValue()).toBe('{"greettt');
    expect(
      await page.getByRole('tab', { name: 'Message', selected: true }).count(),
    ).toBe(1);
  });

  it('goes from the vats to the tabs by Tab, as they are seen', async () => {
    const { page } = panel;
    await page
      .getByRole('button', { name: 'Send a message to demo.alice' })
      .focus();
    const whereIsFocus = () =>
      page.evaluate(
        () => document.activeElement?.closest('.side, .tabs, .room')?.className,
      );
    let stops = 0;
    for (; (await whereIsFocus()) === 'side' && stops < 99; stops += 1) {
      await page.keyboard.press('Tab');
    }
    expect(stops).toBeGreaterThan(3);
    expect(await whereIsFocus()).toBe('tabs');
    await page.keyboard.press('Tab');
    expect(await whereIsFocus()).toBe('room');
  });

  it('keeps the focus in another room, and what was open in the vats that are gone from sight', async () => {
    const { page } = panel;
    await page.getByLabel('Method').fill('hel');
    await resize(false);
    await whenFocused('Method');
    expect(await page.getByLabel('Method').inputValue()).toBe('hel');
    await panel.goTo('Vats');
    expect(
      await page
        .getByRole('button', { name: 'Manage demo.bob', expanded: true })
        .count(),
    ).toBe(1);
    expect(await parameters().inputValue()).toBe('{"greettt');
  });

  it('keeps the focus among the tabs when that of the vats goes', async () => {
    const { page } = panel;
    await page.getByRole('tab', { name: 'Vats' }).focus();
    await resize(true);
    await page
      .getByRole('tab', { name: 'Message', selected: true })
      .and(page.locator(':focus'))
      .waitFor();
  });
});
