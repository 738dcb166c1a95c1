import type { Extension } from './harness.ts';

/** The kernel's, and the one that stands ready for the next vat. */
export const STANDING_WORKERS = 2;

/** The browser's names of the dedicated workers: the standing ones, and one for each running vat. */
const workerIds = async ({ devtools }: Extension): Promise<readonly string[]> =>
  (await devtools.targets())
    .filter(({ type }) => type === 'worker')
    .map(({ targetId }) => targetId);

/** Resolves with the workers when they are as wanted, now or later: a worker that is ended goes a little later. */
export const whenWorkersAre = async (
  extension: Extension,
  isWanted: (ids: readonly string[]) => boolean,
): Promise<readonly string[]> => {
  const browser = await extension.context.browser()?.newBrowserCDPSession();
  if (browser === undefined) {
    throw new Error('no browser to speak with');
  }
  const wanted = await new Promise<readonly string[]>((resolve, reject) => {
    const check = (): void => {
      workerIds(extension).then(now => {
        if (isWanted(now)) {
          resolve(now);
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
  return wanted;
};

/** Resolves when there are that many. */
export const whenWorkers = (
  extension: Extension,
  count: number,
): Promise<readonly string[]> =>
  whenWorkersAre(extension, ({ length }) => length === count);
