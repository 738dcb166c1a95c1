import type { CDPSession } from 'playwright-core';

type Heard = {
  readonly id?: number;
  readonly result?: unknown;
  readonly method?: string;
  readonly params?: unknown;
};
export type Target = {
  readonly targetId: string;
  readonly type: string;
  readonly url: string;
  /** Of a worker: the document that has started it. */
  readonly parentId?: string;
};

export type Send = (method: string, params?: object) => Promise<unknown>;

/** Speaks the devtools protocol with targets that playwright does not show: the offscreen document and the sandboxed frame. */
export const makeDevtools = (browser: CDPSession) => {
  const pending = new Map<
    number,
    {
      readonly resolve: (result: unknown) => void;
      readonly reject: (problem: Error) => void;
    }
  >();
  /** Sessions of the workers of the target that is spoken with, as they are told. */
  let workers: string[] = [];
  let calls = 0;
  browser.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result, method, params } = JSON.parse(message) as Heard;
    if (id !== undefined) {
      pending.get(id)?.resolve(result);
      pending.delete(id);
    } else if (method === 'Target.attachedToTarget') {
      workers.push(String(Reflect.get(Object(params), 'sessionId')));
    }
  });

  const targets = async (): Promise<readonly Target[]> =>
    (await browser.send('Target.getTargets')).targetInfos;

  const speakWithTarget = async <Result>(
    targetId: string,
    use: (send: Send) => Promise<Result>,
  ): Promise<Result> => {
    const { sessionId } = await browser.send('Target.attachToTarget', {
      targetId,
      flatten: false,
    });
    const send: Send = (method, params = {}) =>
      new Promise((resolve, reject) => {
        calls += 1;
        pending.set(calls, { resolve, reject });
        const message = JSON.stringify({ id: calls, method, params });
        browser
          .send('Target.sendMessageToTarget', { sessionId, message })
          .catch(reject);
      });
    try {
      return await use(send);
    } finally {
      await browser.send('Target.detachFromTarget', { sessionId }).catch(() => {
        // The target went, and the session with it.
      });
    }
  };

  const speakWith = async <Result>(
    words: string,
    use: (send: Send) => Promise<Result>,
  ): Promise<Result> => {
    const found = (await targets()).find(({ url }) => url.includes(words));
    if (found === undefined) {
      throw new Error(`no target is called ${words}`);
    }
    return speakWithTarget(found.targetId, use);
  };

  /** Begins to look for a target; `found` resolves when there is one of whom `isIt` is true. */
  const watchFor = async (
    isIt: (target: Target) => boolean,
  ): Promise<{ readonly found: Promise<void> }> => {
    const found = new Promise<void>(resolve => {
      const look = ({ targetInfo }: { readonly targetInfo: Target }): void => {
        if (isIt(targetInfo)) {
          browser.off('Target.targetCreated', look);
          browser.off('Target.targetInfoChanged', look);
          resolve();
        }
      };
      browser.on('Target.targetCreated', look);
      browser.on('Target.targetInfoChanged', look);
    });
    await browser.send('Target.setDiscoverTargets', { discover: true });
    return { found };
  };

  return {
    targets,
    watchFor,
    /** Nobody will answer any more. */
    close: (): void => {
      pending.forEach(({ reject }) => reject(new Error('the browser is gone')));
      pending.clear();
    },
    /** Speaks with the target while `use` runs. */
    speakWithTarget,
    /**
     * Speaks with the target whose URL has the words, while `use` runs; rejects when there is none. A service worker
     * with a session attached would never sleep, so none is kept.
     */
    speakWith,
    /** Runs a text in every worker of the target whose URL has the words. They may not survive it, so nothing is awaited. */
    inWorkersOf: (words: string, expression: string): Promise<void> =>
      speakWith(words, async send => {
        workers = [];
        await send('Target.setAutoAttach', {
          autoAttach: true,
          waitForDebuggerOnStart: false,
          flatten: false,
        });
        const message = JSON.stringify({
          id: 0,
          method: 'Runtime.evaluate',
          params: { expression },
        });
        for (const sessionId of workers) {
          await send('Target.sendMessageToTarget', { sessionId, message });
        }
      }),
    /**
     * Says a word to the target that it may not survive, and so never answer. The session
     * stays: one that is left at once may go before the target has heard.
     */
    say: async (
      targetId: string,
      method: string,
      params: object = {},
    ): Promise<void> => {
      const { sessionId } = await browser.send('Target.attachToTarget', {
        targetId,
        flatten: false,
      });
      const message = JSON.stringify({ id: 0, method, params });
      await browser.send('Target.sendMessageToTarget', { sessionId, message });
    },
  };
};
