import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { sampleConfig } from './samples.ts';

/**
 * Sends to the counter in a session that may be over without knowing it yet, and once more in a new one. What is in
 * flight at the loss rejects: that is the promise to clients, and this is what a client does about it.
 */
const retry = (method: string): string =>
  `(async () => {
    const send = async () => E(E(kernel).root('counter')).${method}();
    return send().catch(() => send());
  })()`;

describe('the extension', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
  });
  afterAll(() => extension.close());

  const increment = () =>
    extension.inConsole<number>(`E(E(kernel).root('counter')).increment()`);

  it('has a running kernel', async () => {
    expect(
      await extension.inConsole(
        `E(kernel).status().then(({ state }) => state)`,
      ),
    ).toBe('running');
  });

  it('launches a cluster from the console and passes a message', async () => {
    await extension.inConsole(`E(kernel).launch(${sampleConfig('counter')})`);
    expect([await increment(), await increment()]).toEqual([1, 2]);
  });

  it('refuses a page that is no client', async () => {
    const page = await extension.context.newPage();
    await page.goto(
      `chrome-extension://${extension.extensionId}/offscreen.html`,
    );
    const answer = await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const wanted = new MessageChannel();
      const { port1, port2 } = new MessageChannel();
      const answered = new Promise<unknown>(resolve => {
        port1.onmessage = ({ data }) => resolve(data);
      });
      registration.active?.postMessage(
        {
          tag: 'cooperage-connect',
          client: crypto.randomUUID(),
          port: wanted.port2,
          answer: port2,
        },
        [wanted.port2, port2],
      );
      return answered;
    });
    await page.close();
    expect(answer).toEqual({ ok: false, problem: 'this page may not connect' });
  });

  it('goes on after the kernel worker was lost', async () => {
    await extension.killKernelWorker();
    expect(await extension.inConsole(retry('increment'))).toBe(3);
  });

  it('goes on after the offscreen document was closed', async () => {
    await extension.closeOffscreen();
    expect(await extension.inConsole(retry('increment'))).toBe(4);
  });

  it('goes on after the process of the vats crashed', async () => {
    await extension.killSandboxProcess();
    expect(await extension.inConsole(retry('increment'))).toBe(5);
  });

  it('goes on after the extension was reloaded', async () => {
    await extension.reload();
    expect(await extension.inConsole(retry('read'))).toBe(5);
  });
});
