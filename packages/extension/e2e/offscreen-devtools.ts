import type { CDPSession } from 'playwright-core';

type Answer = { readonly id?: number; readonly result?: unknown };
type Target = {
  readonly targetId: string;
  readonly type: string;
  readonly url: string;
};

/** Speaks the devtools protocol with targets that playwright does not show: the offscreen document and the sandboxed frame. */
export const makeDevtools = (browser: CDPSession) => {
  const pending = new Map<number, (result: unknown) => void>();
  let calls = 0;
  browser.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message) as Answer;
    if (id !== undefined) {
      pending.get(id)?.(result);
      pending.delete(id);
    }
  });

  let onChange = (): void => {};
  browser.on('Target.targetCreated', () => onChange());
  browser.on('Target.targetDestroyed', () => onChange());

  const targets = async (): Promise<readonly Target[]> =>
    (await browser.send('Target.getTargets')).targetInfos;

  const countWorkers = async (): Promise<number> =>
    (await targets()).filter(({ type }) => type === 'worker').length;

  return {
    targets,
    /** Dedicated workers of the browser: the kernel's, and one for each running vat. */
    countWorkers,
    /** Resolves when there are that many, now or later. */
    whenWorkers: (count: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          countWorkers().then(now => {
            if (now === count) {
              onChange = () => {};
              resolve();
            }
          }, reject);
        };
        onChange = check;
        browser
          .send('Target.setDiscoverTargets', { discover: true })
          .then(check, reject);
      }),
    /** A session with the target whose URL has the words; rejects when there is none. */
    attach: async (words: string) => {
      const found = (await targets()).find(({ url }) => url.includes(words));
      if (found === undefined) {
        throw new Error(`no target is called ${words}`);
      }
      const { sessionId } = await browser.send('Target.attachToTarget', {
        targetId: found.targetId,
        flatten: false,
      });
      return (method: string, params: object = {}): Promise<unknown> =>
        new Promise((resolve, reject) => {
          calls += 1;
          pending.set(calls, resolve);
          const message = JSON.stringify({ id: calls, method, params });
          browser
            .send('Target.sendMessageToTarget', { sessionId, message })
            .catch(reject);
        });
    },
  };
};
