import harden from '@endo/harden';
import { makeFinalizerWait, makePing } from './turns.ts';

/**
 * Makes the engine collect garbage and run finalizers; it has done both when the
 * promise resolves. False means that there was no sign of a collection: then
 * what is dead may come out dead at some later time, and nothing else is wrong.
 */
export type CollectGarbage = () => Promise<boolean>;

/** For an engine that has a function for it, `gc`. */
export const makeDirectCollector = (gc: () => void): CollectGarbage => {
  const ping = makePing();
  const finalizersHaveRun = makeFinalizerWait(ping);
  return async () => {
    await ping(); // what a turn has touched can only be collected after it
    gc();
    await finalizersHaveRun();
    return true;
  };
};
harden(makeDirectCollector);

type Sentinel = { object: object | undefined; isGone: boolean };

/**
 * An object each whose death shows that the old generation was collected. One
 * is old when it has outlived a collection; a young one proves nothing, for
 * minor collections take it.
 */
const makeSentinels = () => {
  const registry = new FinalizationRegistry<Sentinel>(sentinel => {
    sentinel.isGone = true;
  });
  const plant = (): Sentinel => {
    const object = {};
    const sentinel = { object, isGone: false };
    registry.register(object, sentinel);
    return sentinel;
  };
  let aging = plant();
  return {
    /** Lets go of the one that was planted last time, and plants the next. */
    release: (): Sentinel => {
      const released = aging;
      aging = plant();
      released.object = undefined;
      return released;
    },
  };
};

/** More than Chrome can reserve: V8 collects all it can before it gives up. */
const TOO_LARGE = 2 ** 34;
/** Memory outside the heap counts too; nothing of it is ever touched, so none is used. */
const PRESSURE = { bytes: 2 ** 26, most: 16 };
const PRESSURE_MILLISECONDS = 300;

/**
 * For Chrome, which has no such function. A buffer that can't be had makes V8
 * collect fully; if the sentinel outlives that, large buffers press until it is
 * gone, for 300 ms at most. `allocate` makes a buffer, or throws. Never longer
 * than a few full collections; see docs/gc.md for what this rests on.
 */
export const makePressingCollector = (
  allocate: (bytes: number) => object,
  now: () => number,
): CollectGarbage => {
  const ping = makePing();
  const finalizersHaveRun = makeFinalizerWait(ping);
  const sentinels = makeSentinels();

  const attempt = (bytes: number): object | undefined => {
    try {
      return allocate(bytes);
    } catch {
      return undefined; // the failure is what this is for
    }
  };
  const press = async (sentinel: Sentinel): Promise<void> => {
    const end = now() + PRESSURE_MILLISECONDS;
    const held: unknown[] = [];
    while (!sentinel.isGone && held.length < PRESSURE.most && now() < end) {
      held.push(attempt(PRESSURE.bytes));
      await finalizersHaveRun();
    }
  };

  return async () => {
    const sentinel = sentinels.release();
    await ping(); // what a turn has touched can only be collected after it
    attempt(TOO_LARGE);
    await finalizersHaveRun();
    if (!sentinel.isGone) {
      await press(sentinel);
    }
    return sentinel.isGone;
  };
};
harden(makePressingCollector);

/** The one of Chrome's workers. */
export const makeChromeCollector = (): CollectGarbage => {
  const { now } = Date;
  return makePressingCollector(bytes => new ArrayBuffer(bytes), now);
};
harden(makeChromeCollector);
