import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { openPanel, type Panel } from './popup-page.ts';

describe('a message from the popup', () => {
  let extension: Extension;
  let panel: Panel;
  beforeAll(async () => {
    extension = await startExtension();
    panel = await openPanel(extension);
    await panel.launchSample('Three who meet', 'demo');
  });
  afterAll(() => extension.close());

  const wordsOf = async (card: ReturnType<Panel['launchCard']>) =>
    (await card.locator('.result-value').innerText()).replace(/\s+/g, ' ');

  it('goes to the root that a launch has just made', async () => {
    await panel
      .launchCard('demo')
      .getByRole('button', { name: 'Send a message to demo.alice' })
      .click();
    expect(
      await panel.page.getByLabel('To', { exact: true }).inputValue(),
    ).toBe('demo.alice');
  });

  it('brings a value as a tree', async () => {
    const value = {
      words: ['oak', 'ash'],
      cask: { staves: 24, hoops: null },
      sound: true,
    };
    const card = await panel.send('demo.bob', 'echo', JSON.stringify([value]));
    expect(await wordsOf(card)).toBe(
      '3 fields cask: 2 fields hoops: null staves: 24 sound: true words: 2 items 0: “oak” 1: “ash”',
    );
  });

  it('passes references by name and by kref', async () => {
    const root = await panel.send(
      'demo.bob',
      'echo',
      '[{"@ref": "demo.carol"}]',
    );
    const kref = await root.locator('.chip code').innerText();
    expect(await wordsOf(root)).toContain('demo.carol');
    const both = await panel.send(
      'demo.alice',
      'relay',
      `[[{"@ref": "${kref}"}, {"@ref": "demo.bob"}]]`,
    );
    const chips = await both.locator('.chip').allInnerTexts();
    expect(chips).toEqual([
      expect.stringMatching(new RegExp(`^(?:demo\\.)?carol\\s+${kref}\\b`)),
      expect.stringMatching(/^(?:demo\.)?bob\s+ko\d+/),
    ]);
  });

  it('makes the object in a result the next target', async () => {
    const card = await panel.send('demo.bob', 'makeFriend', '["Ann"]');
    await card
      .getByRole('button', { name: /^Send a message to Friend Ann/ })
      .click();
    const target = await panel.page
      .getByLabel('To', { exact: true })
      .inputValue();
    const answer = await panel.send(target, 'hello', '["Ben"]');
    expect(await wordsOf(answer)).toBe(
      "“Hello Ben, this is Ann, bob's friend.”",
    );
  });

  it('keeps the object in a result under a name, which the console knows', async () => {
    const card = await panel.send('demo.carol', 'makeNotebook');
    await card.getByRole('button', { name: /^Keep .* in home/ }).click();
    await card.getByLabel(/^Keep .* in home as/).fill('diary');
    await card.getByRole('button', { name: 'Keep', exact: true }).click();
    await panel.page.getByRole('tab', { name: 'Home 1' }).waitFor();
    const lines = await panel.send('diary', 'write', '["from the popup"]');
    expect(await wordsOf(lines)).toBe('1');
    expect(
      await extension.inConsole(
        `E(home.diary).read().then(lines => lines.join())`,
      ),
    ).toBe('from the popup');
  });

  it('says why a name can’t be kept', async () => {
    const card = await panel.send('demo.bob', 'makeFriend', '["Eve"]');
    await card.getByRole('button', { name: /^Keep .* in home/ }).click();
    await card.getByLabel(/^Keep .* in home as/).fill('no name, this');
    await card.getByRole('button', { name: 'Keep', exact: true }).click();
    expect(await panel.problems()).toContain('no name, this');
    await panel.page.keyboard.press('Escape');
  });

  it('shows a rejection as an error', async () => {
    const card = await panel.send('demo.bob', 'fail', '["it is late"]');
    expect([await card.getAttribute('class'), await wordsOf(card)]).toEqual([
      expect.stringContaining('rejected'),
      "TypeError: bob can't: it is late",
    ]);
  });

  it('shows a promise within a result, and what it comes to', async () => {
    await panel.goTo('Launch');
    await panel.compile(`import { Far } from '@endo/far';
export const buildRootObject = () => {
  let tell;
  const later = new Promise(resolve => { tell = resolve; });
  return Far('Slow', {
    ask: () => harden({ answer: later, at: Promise.reject(RangeError('never')) }),
    tell: words => tell(words),
  });
};`);
    const launched = await panel.launchAs('slow');
    await launched.getByText('was launched').waitFor();
    await panel.goTo('Message');
    const card = await panel.send('slow', 'ask');
    await card.getByText('RangeError').waitFor();
    expect(await wordsOf(card)).toBe(
      '2 fields answer: promise pending at: promise rejected RangeError: never',
    );
    await panel.send('slow', 'tell', '["now"]');
    await card.getByText('now').waitFor();
    expect(await wordsOf(card)).toContain('answer: promise fulfilled “now”');
  });

  it('shows an answer that comes late', async () => {
    const open = await panel.begin('demo.bob', 'ask', '["how old is the oak"]');
    // Behind it, so bob has been asked when this is answered.
    await panel.send('demo.bob', 'hello', '["bob"]');
    expect(await wordsOf(open)).toBe('waiting for the answer…');
    await extension.inConsole(
      `E(E(kernel).root('demo', 'bob')).answer('how old is the oak', 300n)`,
    );
    await panel.page.getByText('300n').waitFor();
    expect(await wordsOf(open)).toBe('300n');
  });

  it('is checked before it is sent, with the place of each problem', async () => {
    const { page } = panel;
    const before = await page.locator('li.result').count();
    await page.getByLabel('To', { exact: true }).fill('demo.nobody');
    await page.getByLabel('Method').fill('');
    await page.getByLabel('Arguments').fill('[1,\n  {"@ref": "nowhere"}]');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    const problems = await panel.problems();
    expect(problems).toContain('"demo.nobody" is no kref');
    expect(problems).toContain('name a method');
    expect(problems).toContain('Line 2');
    expect(await page.locator('li.result').count()).toBe(before);
  });

  it('says so when the object is gone', async () => {
    const card = await panel.send('ko9999', 'hello');
    expect(await wordsOf(card)).toMatch(/ko9999/);
  });

  it('folds a long string', async () => {
    const card = await panel.send(
      'demo.bob',
      'echo',
      JSON.stringify(['stave '.repeat(200)]),
    );
    expect(await wordsOf(card)).toMatch(/1,200 characters$/);
  });

  it('is there with its result when the popup is opened again', async () => {
    await panel.send('demo.bob', 'echo', '["still here"]');
    await panel.page.close();
    panel = await openPanel(extension);
    await panel.goTo('Message');
    const card = panel.page.locator('li.result').first();
    expect([
      await wordsOf(card),
      await panel.page.getByLabel('Arguments').inputValue(),
    ]).toEqual(['“still here”', '["still here"]']);
    const next = await panel.send('demo.bob', 'echo', '["and on"]');
    expect(await wordsOf(next)).toBe('“and on”');
  });

  it('leaves a log of what the vat wrote', async () => {
    await panel.goTo('Launch');
    await panel.compile(`import { Far } from '@endo/far';
export const buildRootObject = () =>
  Far('Talker', {
    talk: words => {
      console.warn('talker says', words);
      return words;
    },
  });`);
    const launched = await panel.launchAs('talker');
    await launched.getByText('was launched').waitFor();
    await panel.goTo('Message');
    await panel.send('talker', 'talk', '["aloud"]');
    await panel.goTo('Logs');
    const lane = panel.page.getByRole('log').filter({ hasText: 'talker says' });
    await lane.waitFor();
    expect(await lane.innerText()).toContain('aloud');
  });
});
