import { describe, expect, it } from 'vitest';
import type { ToKernelWorker } from '../control-words.ts';
import { makeKernelKeeper } from './kernel-keeper.ts';

/** Workers that only take down what they are told, and timers that a test lets run out. */
const makeScene = () => {
  const said: string[] = [];
  const workers: Worker[] = [];
  let startAgain = (): void => {};
  const timers: { milliseconds: number; callback: () => void }[] = [];
  const keeper = makeKernelKeeper({
    startWorker: name => {
      const parts: unknown = {
        postMessage: ({ type }: ToKernelWorker) => said.push(`${name} ${type}`),
        terminate: () => said.push(`${name} terminated`),
      };
      const worker = parts as Worker;
      workers.push(worker);
      return worker;
    },
    whenDead: () => new Promise(() => {}),
    every: () => () => {},
    now: () => 0,
    after: (milliseconds, callback) =>
      void timers.push({ milliseconds, callback }),
    onLaunch: () => {},
    onKill: () => {},
    onLook: () => {},
    askSites: async () => ({ ok: true, missing: [] }),
    onLost: () => said.push('lost'),
    serveInstead: (_client, { state }, start) => {
      said.push(`stand-in: ${state}`);
      startAgain = start;
    },
  });
  const hear = (data: unknown): void => {
    const worker = workers.at(-1);
    worker?.onmessage?.(new MessageEvent('message', { data }));
  };
  const expire = (): void =>
    timers.splice(0).forEach(({ callback }) => callback());
  const serve = (): void =>
    keeper.serve({
      client: 'n1',
      label: 'panel',
      privilege: 'read',
      port: new MessageChannel().port1,
    });
  return { keeper, said, hear, expire, serve, startAgain: () => startAgain() };
};

describe('stopping the kernel for an update', () => {
  it('ends when the kernel says that it has stopped, for all who wait', async () => {
    const { keeper, hear } = makeScene();
    const stops = Promise.all([keeper.stop(), keeper.stop()]);
    hear({ type: 'stopped' });
    expect(await stops).toEqual([undefined, undefined]);
  });

  it('ends by its deadline while a vat spins and the kernel never rests', async () => {
    const { keeper, said, expire } = makeScene();
    const stop = keeper.stop();
    expire();
    await stop;
    expect(said).toEqual(['kernel-1 ping', 'kernel-1 stop']);
  });

  it('ends when the kernel is lost over it', async () => {
    const { keeper, hear } = makeScene();
    const stop = keeper.stop();
    hear({ type: 'failed', reason: 'out of memory', rest: undefined });
    await stop;
  });
});

describe('a kernel that fails', () => {
  it('is started again twice, and a third failure in a row rests in safe mode', async () => {
    const { keeper, said, hear, expire, serve } = makeScene();
    for (let failure = 1; failure <= 3; failure += 1) {
      hear({ type: 'failed', reason: 'out of memory', rest: undefined });
      expire();
    }
    serve();
    await keeper.stop();
    expect(said).toEqual([
      'kernel-1 ping',
      'kernel-1 terminated',
      'lost',
      'kernel-2 ping',
      'kernel-2 terminated',
      'lost',
      'kernel-3 ping',
      'kernel-3 terminated',
      'lost',
      'stand-in: safe-mode',
    ]);
  });

  it.each(['critical-failed', 'storage-in-use'] as const)(
    'rests at once when it is said to (%s), and says that this is why',
    rest => {
      const { said, hear, serve } = makeScene();
      hear({ type: 'failed', reason: 'a test says so', rest });
      serve();
      expect(said.at(-1)).toBe(`stand-in: ${rest}`);
    },
  );

  it('rests at once when its storage failed, until a person starts it; another failure counts as the first then', () => {
    const { said, hear, expire, serve, startAgain } = makeScene();
    hear({ type: 'failed', reason: 'out of memory', rest: undefined });
    expire();
    hear({ type: 'failed', reason: 'disk full', rest: 'storage-failed' });
    expire();
    serve();
    said.length = 0;
    startAgain();
    startAgain();
    hear({ type: 'failed', reason: 'out of memory', rest: undefined });
    expire();
    hear({ type: 'failed', reason: 'out of memory', rest: undefined });
    expire();
    serve();
    expect(said).toEqual([
      'kernel-3 ping',
      'lost',
      'kernel-3 terminated',
      'lost',
      'kernel-4 ping',
      'kernel-4 terminated',
      'lost',
      'kernel-5 ping',
      'kernel-5 client',
    ]);
  });
});
