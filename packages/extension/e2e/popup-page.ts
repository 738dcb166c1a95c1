import type { Locator, Page } from 'playwright-core';
import type { Extension } from './harness.ts';

export type Room = 'Vats' | 'Message' | 'Launch' | 'Logs' | 'Home' | 'Inspect';

const SIZE = { width: 380, height: 600 };

/** The panel at a popup's size, and what a person does in it. */
export const openPanel = async (extension: Extension) => {
  const page = await extension.openPopup();
  await page.setViewportSize(SIZE);
  await page.getByText('running', { exact: true }).first().waitFor();
  return wrapPanel(page);
};
export type Panel = Awaited<ReturnType<typeof openPanel>>;

const wrapPanel = (page: Page) => {
  const goTo = (room: Room): Promise<void> =>
    page.getByRole('tab', { name: room }).click();
  const clusterCard = (name: string): Locator =>
    page.getByRole('article', { name, exact: true });
  const vatOf = (cluster: string, vat: string): Locator =>
    clusterCard(cluster).getByRole('listitem').filter({ hasText: vat });
  const launchCard = (name: string): Locator =>
    page
      .getByRole('list', { name: 'Launches' })
      .locator('> li')
      .filter({ has: page.getByRole('heading', { name }) })
      .first();

  /** Fills the form and sends; gives the result's card. */
  const begin = async (
    target: string,
    method: string,
    args = '[]',
  ): Promise<Locator> => {
    const cards = page.locator('li.result');
    const before = await cards.count();
    await page.getByLabel('To', { exact: true }).fill(target);
    await page.getByLabel('Method').fill(method);
    await page.getByLabel('Arguments').fill(args);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    // Newest first, so a card keeps its place counted from the end.
    await cards.nth(before).waitFor();
    const key = await cards.first().getAttribute('data-id');
    const card = page.locator(`li.result[data-id="${key}"]`);
    return card;
  };

  /** Launches what is drafted, and gives the card with its steps. */
  const launchAs = async (name: string): Promise<Locator> => {
    await page.getByLabel('Name of the cluster').fill(name);
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    return launchCard(name);
  };

  return {
    page,
    goTo,
    clusterCard,
    vatOf,
    launchCard,
    launchAs,
    /** Launches a sample, by how its title begins. */
    launchSample: async (title: string, name: string): Promise<void> => {
      await goTo('Launch');
      await page.getByRole('button', { name: new RegExp(`^${title}`) }).click();
      const card = await launchAs(name);
      await card.getByText('was launched').waitFor();
    },
    /** Shows what can be done to the vat, `cluster.vat`. */
    manage: (name: string): Promise<void> =>
      page
        .getByRole('button', {
          name: `Manage ${name}`,
          exact: true,
          expanded: false,
        })
        .click(),
    /** Gives a file to the file field, as choosing it does. */
    chooseFile: (name: string, text: string): Promise<void> =>
      page.locator('input[type=file]').setInputFiles({
        name,
        mimeType: 'application/json',
        buffer: Buffer.from(text),
      }),
    readUrl: async (url: string): Promise<void> => {
      await page.getByLabel('URL of a bundle or config').fill(url);
      await page.getByRole('button', { name: 'Read', exact: true }).click();
    },
    compile: async (source: string): Promise<void> => {
      await page.getByLabel('Source of one module').fill(source);
      await page.getByRole('button', { name: 'Compile' }).click();
    },
    /** The texts of problems shown, joined. */
    problems: async (): Promise<string> => {
      await page.getByRole('alert').filter({ hasText: /\w/ }).first().waitFor();
      const texts = await page
        .getByRole('alert')
        .filter({ hasText: /\w/ })
        .allInnerTexts();
      return texts.join('\n');
    },
    begin,
    /** As `begin`, but waits for the outcome. */
    send: async (
      target: string,
      method: string,
      args = '[]',
    ): Promise<Locator> => {
      const card = await begin(target, method, args);
      await card.and(page.locator(':not(.pending)')).waitFor();
      return card;
    },
    terminate: async (cluster: string): Promise<void> => {
      await page
        .getByRole('button', { name: `Terminate ${cluster}`, exact: true })
        .click();
      await clusterCard(cluster)
        .getByRole('button', { name: 'Terminate', exact: true })
        .click();
      await clusterCard(cluster).waitFor({ state: 'detached' });
    },
  };
};
