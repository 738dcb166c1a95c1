import harden from '@endo/harden';
import type { GcTools, MeterControl } from './liveslots.ts';

/** Calls back once everything queued as a microtask has run: one turn of the event loop, without setTimeout's 4 ms. */
const makePing = (): (() => Promise<void>) => {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise<void>(resolve => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
};

const makeMeterControl = (): MeterControl => {
  let depth = 0;
  const runWithoutMetering = <Result>(task: () => Result): Result => {
    depth += 1;
    try {
      return task();
    } finally {
      depth -= 1;
    }
  };
  return Object.freeze({
    isMeteringDisabled: () => depth > 0,
    // Liveslots asserts these for an engine that meters; none does here.
    assertIsMetered: () => {},
    assertNotMetered: () => {},
    runWithoutMetering,
    runWithoutMeteringAsync: async <Result>(task: () => Promise<Result>) =>
      task(),
    unmetered:
      <Args extends unknown[], Result>(task: (...args: Args) => Result) =>
      (...args: Args) =>
        runWithoutMetering(() => task(...args)),
  });
};

/**
 * `collect` makes the engine collect garbage, as best as it can, before it
 * returns. Takes the platform's MessageChannel and setTimeout when called.
 */
export const makeGcTools = (collect: () => void): GcTools => {
  const ping = makePing();
  const later = setTimeout;
  const finalizersHaveRun = () =>
    new Promise<void>(resolve => void later(resolve, 0));
  return Object.freeze({
    WeakRef,
    FinalizationRegistry,
    waitUntilQuiescent: ping,
    gcAndFinalize: async () => {
      // What the turn before let go of can only be collected after it.
      await ping();
      collect();
      await finalizersHaveRun();
      await ping();
    },
    meterControl: makeMeterControl(),
  });
};
harden(makeGcTools);

/**
 * Chrome has no `gc()`, but collects fully before it gives up on a buffer that
 * can't be had. Engines that can reserve 16 GiB need a way of their own.
 */
export const collectByFailedAllocation = (): void => {
  try {
    void new ArrayBuffer(2 ** 34);
  } catch {
    // The failure is what this is for.
  }
};
harden(collectByFailedAllocation);
