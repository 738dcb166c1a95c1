import type { Extension } from './harness.ts';

/** Dedicated workers of the browser: the kernel's, and one for each running vat. */
export const countWorkers = async ({ devtools }: Extension): Promise<number> =>
  (await devtools.targets()).filter(each => each.type === 'worker').length;

/** Resolves when there are that many, now or later: a worker that is ended goes a little later. */
export const whenWorkers = async (
  extension: Extension,
  count: number,
): Promise<void> => {
  const browser = await extension.context.browser()?.newBrowserCDPSession();
  if (browser === undefined) {
    throw new Error('no browser to speak with');
  }
  await new Promise<void>((resolve, reject) => {
    const check = (): void => {
      countWorkers(extension).then(now => {
        if (now === count) {
          resolve();
        }
      }, reject);
    };
    browser.on('Target.targetCreated', check);
    browser.on('Target.targetDestroyed', check);
    browser
      .send('Target.setDiscoverTargets', { discover: true })
      .then(check, reject);
  });
  await browser.detach();
};
