import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { LEDGER, makeLane, readBook } from './ledger.ts';

/** Starts a kernel's worker from a page; resolves when it serves, or with its last word. */
const START_KERNEL = `new Promise(resolve => {
  const worker = new Worker('/kernel-worker.js', { type: 'module', name: 'another' });
  const { port1, port2 } = new MessageChannel();
  Object.assign(globalThis, { worker, port1 }); // they live as long as the page
  worker.onmessage = ({ data }) => {
    if (data.type === 'failed') resolve(data);
  };
  port1.onmessage = () => resolve({ type: 'serves' });
  worker.postMessage(
    { type: 'client', client: crypto.randomUUID(), privilege: 'read', label: 'another', port: port2 },
    [port2],
  );
})`;

describe('a second kernel over the same files', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
    await extension.inConsole(`E(kernel).launch(${LEDGER}).then(() => {})`);
  });
  afterAll(() => extension.close());

  /** A page of the extension that wants nothing of the kernel. */
  const openBarePage = async (): Promise<Page> => {
    const page = await extension.context.newPage();
    await page.goto(`chrome-extension://${extension.extensionId}/icons/16.png`);
    return page;
  };

  it('is refused with a sentence, and the first goes on', async () => {
    const page = await openBarePage();
    expect(await page.evaluate(START_KERNEL)).toEqual({
      type: 'failed',
      reason: expect.stringMatching(
        /^Another kernel of this extension holds the files of cooperage/,
      ),
      rest: 'storage-in-use',
    });
    await page.close();
    const lane = makeLane('lane', 'book');
    expect(await lane.send(extension, 5)).toBe(5);
  });

  it('rests at once with that sentence, and starts from the panel when the other is closed', async () => {
    const book = await readBook(extension);
    const page = await openBarePage();
    await extension.closeOffscreen();
    expect(await page.evaluate(START_KERNEL)).toEqual({ type: 'serves' });

    const panel = await extension.openPopup();
    await panel.getByText('storage in use', { exact: true }).waitFor();
    await panel
      .getByText(/Another kernel of this extension holds the files/)
      .first()
      .waitFor();
    expect(await panel.getByText(/three times in vain/).count()).toBe(0);

    await page.close();
    await panel.getByRole('button', { name: 'Start the kernel' }).click();
    await panel.getByText('running', { exact: true }).first().waitFor();
    await panel.close();
    expect(await readBook(extension)).toEqual(book);
  });
});
