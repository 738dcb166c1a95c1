import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { LEDGER, makeLane, readBook } from './ledger.ts';

describe('a browser that gives the extension little room', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
    await extension.inConsole(`E(kernel).launch(${LEDGER}).then(() => {})`);
  });
  afterAll(() => extension.close());

  it('has the kernel rest before the storage is full, with a sentence; with more room it goes on', async () => {
    const lane = makeLane('lane', 'book');
    expect(await lane.send(extension, 5)).toBe(5);
    const book = await readBook(extension);
    const panel = await extension.openPopup();
    await panel.getByText('running', { exact: true }).first().waitFor();
    await panel.getByText(/ stored$/).waitFor();

    const devtools = await extension.context.newCDPSession(panel);
    const origin = `chrome-extension://${extension.extensionId}`;
    const { usage } = await devtools.send('Storage.getUsageAndQuota', {
      origin,
    });
    await devtools.send('Storage.overrideQuotaForOrigin', {
      origin,
      quotaSize: usage + 10_000_000,
    });
    await extension.killKernelWorker(); // the next one asks when it starts
    await panel.getByText('storage failed', { exact: true }).waitFor();
    await panel
      .getByText(/has stopped before the storage is full: .* are left/)
      .first()
      .waitFor();

    await devtools.send('Storage.overrideQuotaForOrigin', { origin });
    await panel.getByRole('button', { name: 'Start the kernel' }).click();
    await panel.getByText('running', { exact: true }).first().waitFor();
    await panel.close();
    expect(await readBook(extension)).toEqual(book);
  });
});
