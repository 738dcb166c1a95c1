import type { CDPSession } from 'playwright-core';

type Answer = { readonly id?: number; readonly result?: unknown };
type Target = {
  readonly targetId: string;
  readonly type: string;
  readonly url: string;
};

export type Send = (method: string, params?: object) => Promise<unknown>;

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

  const targets = async (): Promise<readonly Target[]> =>
    (await browser.send('Target.getTargets')).targetInfos;

  return {
    targets,
    /**
     * Speaks with the target whose URL has the words, while `use` runs; rejects when there is none. A service worker
     * with a session attached would never sleep, so none is kept.
     */
    speakWith: async <Result>(
      words: string,
      use: (send: Send) => Promise<Result>,
    ): Promise<Result> => {
      const found = (await targets()).find(({ url }) => url.includes(words));
      if (found === undefined) {
        throw new Error(`no target is called ${words}`);
      }
      const { sessionId } = await browser.send('Target.attachToTarget', {
        targetId: found.targetId,
        flatten: false,
      });
      const send: Send = (method, params = {}) =>
        new Promise((resolve, reject) => {
          calls += 1;
          pending.set(calls, resolve);
          const message = JSON.stringify({ id: calls, method, params });
          browser
            .send('Target.sendMessageToTarget', { sessionId, message })
            .catch(reject);
        });
      try {
        return await use(send);
      } finally {
        await browser
          .send('Target.detachFromTarget', { sessionId })
          .catch(() => {
            // The target went, and the session with it.
          });
      }
    },
    /**
     * Crashes the process of the target with this id. The session stays: one that is left
     * at once may go before the target has heard.
     */
    crash: async (targetId: string): Promise<void> => {
      const { sessionId } = await browser.send('Target.attachToTarget', {
        targetId,
        flatten: false,
      });
      const message = JSON.stringify({ id: 0, method: 'Page.crash' });
      await browser.send('Target.sendMessageToTarget', { sessionId, message });
    },
  };
};
