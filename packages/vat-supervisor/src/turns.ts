import harden from '@endo/harden';

/** Calls back once everything queued as a microtask has run: one turn of the event loop, without setTimeout's 4 ms. */
export const makePing = (): (() => Promise<void>) => {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise<void>(resolve => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
};
harden(makePing);

/** Resolves when the finalizers of what has just been collected have run: V8 runs them as a task of its own. */
export const makeFinalizerWait = (
  ping: () => Promise<void>,
): (() => Promise<void>) => {
  const later = setTimeout;
  return async () => {
    await new Promise<void>(resolve => void later(resolve, 0));
    await ping();
  };
};
harden(makeFinalizerWait);
