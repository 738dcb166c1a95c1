import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { openPanel, type Panel } from './popup-page.ts';

/** Two vats, each of which takes a thing from the other and keeps it. */
const HOLDERS = JSON.stringify({
  name: 'pair',
  vats: Object.fromEntries(
    ['left', 'right'].map(name => [
      name,
      {
        bundle: {
          text: JSON.stringify({
            moduleFormat: 'cooperageScript',
            imports: ['@endo/far'],
            source: `imports => {
              const { E, Far } = imports['@endo/far'];
              return {
                buildRootObject: () => {
                  let held;
                  return Far('Holder', {
                    give: () => Far('Thing of ${name}', {}),
                    takeFrom: async other => {
                      held = await E(other).give();
                      return typeof held;
                    },
                  });
                },
              };
            }`,
          }),
        },
      },
    ]),
  ),
});

describe('the popup, looking at what is in the tables', () => {
  let extension: Extension;
  let panel: Panel;
  beforeAll(async () => {
    extension = await startExtension();
    panel = await openPanel(extension);
    await panel.launchSample('Three who meet', 'demo');
  });
  afterAll(() => extension.close());

  const card = () => panel.page.locator('article.inspection');
  const wordsOf = async (locator: ReturnType<typeof card>): Promise<string> =>
    (await locator.innerText()).replace(/\s+/g, ' ');
  const lookAt = async (subject: string): Promise<void> => {
    await panel.page
      .getByLabel('Object, promise, vat or session')
      .fill(subject);
    await panel.page.getByRole('button', { name: 'Look', exact: true }).click();
  };
  const focused = () =>
    panel.page.evaluate(
      () => document.activeElement?.textContent?.replace(/\s+/g, ' ') ?? '',
    );

  it('shows a vat from its card, and leads on to its root by keyboard', async () => {
    const { page } = panel;
    await panel.goTo('Vats');
    await page.getByRole('button', { name: 'Inspect demo.bob' }).click();
    await card().waitFor();
    expect(await focused()).toMatch(/^Vat demo\.bob v\d+$/);
    expect(await wordsOf(card())).toMatch(
      /Root demo\.bob ko\d+ Exports 1 object, 1 reachable/,
    );
    const root = card()
      .locator('.about')
      .getByRole('button', { name: /^Inspect demo\.bob \(ko/ });
    await root.press('Enter');
    await card().getByText('Why it is alive').waitFor();
    expect(await focused()).toMatch(/^Object demo\.bob ko\d+$/);
    expect(await wordsOf(card().locator('.why'))).toMatch(
      /demo\.bob v\d+ has demo\.bob ko\d+ as its root/,
    );
    await page.getByRole('button', { name: 'Back' }).press('Enter');
    await card().getByText('Exported objects').waitFor();
    expect(await focused()).toMatch(/^Vat demo\.bob/);
  });

  it('tells an object by what its vat alleges, who imports it, and why it lives', async () => {
    const { page } = panel;
    await panel.goTo('Message');
    const result = await panel.send('demo.bob', 'makeFriend', '["kim"]');
    await result.getByRole('button', { name: /^Inspect Friend kim/ }).click();
    await card().waitFor();
    const words = await wordsOf(card());
    expect(words).toMatch(/Object ko\d+ alleged Friend kim/);
    expect(words).toMatch(/held/);
    expect(words).toMatch(
      /Exporter demo\.bob v\d+ Importers panel s\d+ reachable/,
    );
    expect(
      await card().locator('.why').getByRole('listitem').allInnerTexts(),
    ).toEqual([
      expect.stringMatching(/^panel s\d+ imports alleged Friend kim ko\d+$/),
    ]);
    await page.getByRole('button', { name: 'Look again' }).click();
    expect(await wordsOf(card())).toMatch(
      /\d can reach it, \d at least recognize it/,
    );
  });

  it('tells how much the kernel has of what it may have', async () => {
    const { page } = panel;
    await page.getByText('what the kernel has of all').click();
    await page.getByText('1 of 1,000 clusters', { exact: true }).waitFor();
    await page
      .getByText('0 of 1,000 names kept in home', { exact: true })
      .waitFor();
  });

  it('says what is wrong with a name that means nothing', async () => {
    const { page } = panel;
    await lookAt('eve');
    await page
      .getByRole('alert')
      .filter({ hasText: '"eve" is no kref (ko7, kp7), vat' })
      .waitFor();
    await lookAt('ko9999');
    await page
      .getByRole('alert')
      .filter({ hasText: 'There is no ko9999' })
      .waitFor();
  });

  it('lists what grew since a mark, also after the popup was closed', async () => {
    await panel.page.getByRole('button', { name: 'Mark now' }).click();
    await panel.page.getByText(/^Marked at/).waitFor();
    await panel.page.close();
    await extension.inConsole(`(async () => {
      const bob = await E(kernel).root('demo', 'bob');
      globalThis.friends = await Promise.all(['a', 'b', 'c'].map(() => E(bob).makeFriend('leaky')));
    })()`);
    panel = await openPanel(extension);
    await panel.goTo('Inspect');
    await panel.page.getByRole('button', { name: 'What grew' }).click();
    const grown = panel.page.getByRole('region', { name: 'What grew' });
    await grown.waitFor();
    const words = await wordsOf(grown);
    // Kim went with the closed popup, or is about to.
    expect(words).toMatch(/demo\.bob v\d+ exports \+[23]/);
    expect(words).toMatch(
      /Friend leaky of demo\.bob v\d+ \+3, now 3 newest: ko\d+, ko\d+, ko\d+/,
    );
    await grown
      .getByRole('button', { name: /^Inspect object ko/ })
      .first()
      .click();
    await card().getByText('Friend leaky').first().waitFor();
  });

  it('finds two vats that hold each other’s objects, and leads on to why one is alive', async () => {
    const { page } = panel;
    await page.getByRole('button', { name: 'Find cycles' }).click();
    await page.getByText('There are no cycles').waitFor();
    await extension.inConsole(`(async () => {
      const { vats: { left, right } } = await E(kernel).launch(${HOLDERS});
      await E(left).takeFrom(right);
      await E(right).takeFrom(left);
    })()`);
    await page.getByRole('button', { name: 'Find cycles' }).click();
    const cycles = page.getByRole('region', { name: 'Cycles' });
    await cycles.getByText('A cycle through').waitFor();
    expect(await wordsOf(cycles)).toMatch(
      /A cycle through (pair\.(left|right)(, )?){2} may be garbage: only the vats know whether they still need it/,
    );
    expect(
      (await cycles.locator('.sentences > li').allInnerTexts()).sort(),
    ).toEqual([
      expect.stringMatching(
        /^pair\.left v\d+ imports alleged Thing of right ko\d+ of pair\.right v\d+$/,
      ),
      expect.stringMatching(
        /^pair\.right v\d+ imports alleged Thing of left ko\d+ of pair\.left v\d+$/,
      ),
    ]);
    await cycles
      .getByRole('button', { name: /^Inspect Alleged: Thing of left/ })
      .click();
    await card().getByText('Thing of left').first().waitFor();
    expect(
      await card().locator('.why').getByRole('listitem').allInnerTexts(),
    ).toEqual([
      expect.stringMatching(/^pair\.right v\d+ imports alleged Thing of left/),
      expect.stringMatching(
        /^pair\.right v\d+ may do so for any of its exports that are held: pair\.right ko\d+, alleged Thing of right ko\d+$/,
      ),
    ]);
  });
});
