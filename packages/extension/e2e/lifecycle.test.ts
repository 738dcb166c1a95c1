import { afterEach, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import { sampleConfig } from './samples.ts';

const launchCounter = `E(kernel).launch(${sampleConfig('counter')}).then(() => {})`;
const increment = `E(E(kernel).root('counter')).increment()`;

const isOffscreen = ({ url }: { readonly url: string }): boolean =>
  url.endsWith('/offscreen.html');

describe('the extension over its lives', () => {
  let extension: Extension | undefined;
  afterEach(async () => {
    await extension?.close();
    extension = undefined;
  });

  it('keeps a durable count when the browser is killed', async () => {
    const profile = makeProfile();
    const first = await startExtension({ profile: profile.path });
    await first.inConsole(launchCounter);
    await first.inConsole(increment);
    await first.killBrowser();
    extension = await startExtension({ profile: profile.path });
    expect(await extension.inConsole(increment)).toBe(2);
    await extension.close();
    extension = undefined;
    profile.dispose();
  });

  it('serves the console again after the service worker was stopped', async () => {
    extension = await startExtension();
    await extension.inConsole(launchCounter);
    await extension.inConsole(increment);
    await extension.stopServiceWorker();
    expect(await extension.inConsole(increment)).toBe(2);
    // The session of the worker that is gone has ended with it.
    expect(
      await extension.inConsole(
        `E(kernel).status().then(({ sessions }) => sessions)`,
      ),
    ).toBe(1);
  });

  it('is woken by its alarm when the browser has taken the offscreen document, and tells what came due', async () => {
    extension = await startExtension();
    const { devtools, inConsole } = extension;
    const [period, lost] = await inConsole<[number, number]>(`(async () => {
      await E(kernel).launch(${sampleConfig('reminders')});
      await E(E(kernel).root('reminders')).remind('tea', 500);
      return [(await chrome.alarms.get('watch')).periodInMinutes, Date.now()];
    })()`);
    expect(period).toBe(1);
    const [before] = (await devtools.targets()).filter(isOffscreen);
    await extension.closeOffscreen();
    const next = await devtools.watchFor(
      target => isOffscreen(target) && target.targetId !== before?.targetId,
    );
    // The minute is over.
    await inConsole(`chrome.alarms.create('watch', { when: Date.now() })`);
    await next.found;
    const due = await inConsole<readonly [string[], number]>(`(async () => {
      const reminders = E(kernel).root('reminders');
      const time = await E(reminders).whenDue(500);
      return [await E(reminders).listDue(), time];
    })()`);
    expect(due).toEqual([['tea'], expect.any(Number)]);
    expect(due[1]).toBeGreaterThan(lost);
  });

  it('tells panel and console why it is in safe mode after the kernel failed three times in a row', async () => {
    extension = await startExtension();
    await extension.inConsole(launchCounter);
    for (let loss = 1; loss <= 3; loss += 1) {
      await extension.inConsole(
        `E(kernel).status().catch(() => E(kernel).status()).then(() => {})`,
      );
      await extension.killKernelWorker();
    }
    expect(
      await extension.inConsole(
        `E(kernel).status().catch(() => E(kernel).status()).then(({ state, reason }) => [state, reason], ({ code, message }) => [code, message])`,
      ),
    ).toEqual([
      'KERNEL_FAILED',
      expect.stringContaining('started three times in vain'),
    ]);
    const panel = await extension.openPopup();
    await panel.getByText('started three times in vain').first().waitFor();
    // A person has it start again, and it is as it was.
    await panel.getByRole('button', { name: 'Start the kernel' }).click();
    await panel.getByText('running').first().waitFor();
    expect(await extension.inConsole(increment)).toBe(1);
  });

  it('waits for a quiet kernel, commits, and reloads when an update has come', async () => {
    extension = await startExtension();
    await extension.inConsole(launchCounter);
    await extension.inConsole(increment);
    const { whenReloaded, inConsole } = extension;
    // What Chromium does when it has fetched an update.
    await whenReloaded(() =>
      inConsole(
        `chrome.runtime.onUpdateAvailable.dispatch({ version: '9.9.9' })`,
      ),
    );
    expect(await extension.inConsole(increment)).toBe(2);
  });
});
