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

/** Collections of any kind after which V8 has moved an object that outlived them to the old generation. */
const OLD = 2;

type Sentinel = {
  object: object | undefined;
  /** Collections that it is known to have outlived. */
  outlived: number;
  isGone: boolean;
  /** One that is old when this one is gone. */
  heir: Sentinel | undefined;
};

/**
 * An object each whose death shows that the old generation was collected, if it
 * is old: a young one proves nothing, for minor collections take it.
 */
const makeSentinels = () => {
  const registry = new FinalizationRegistry<() => void>(tell => tell());
  /** Each collection takes an object that nobody has. */
  const countCollections = (sentinel: Sentinel): void =>
    registry.register({}, () => {
      sentinel.outlived += 1;
      if (sentinel.outlived < OLD) {
        countCollections(sentinel);
      }
    });
  const plant = (): Sentinel => {
    const object = {};
    const sentinel: Sentinel = {
      object,
      outlived: 0,
      isGone: false,
      heir: undefined,
    };
    registry.register(object, () => {
      sentinel.isGone = true;
      if (sentinel.heir) {
        sentinel.heir.outlived = OLD;
      }
    });
    countCollections(sentinel);
    return sentinel;
  };
  let aging = plant();
  const isOld = (): boolean => aging.outlived >= OLD;
  return {
    /** Whether the one that is kept is. */
    isOld,
    /** Lets go of the one that was planted last time, and plants the next. */
    release: (): { isGone: () => boolean; wasOld: boolean } => {
      const wasOld = isOld();
      const released = aging;
      aging = plant();
      // What takes an old one is a full collection, and whatever outlives that is old.
      released.heir = wasOld ? aging : undefined;
      released.object = undefined;
      return { isGone: () => released.isGone, wasOld };
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
 * gone, for 300 ms at most. A sentinel that may be young, as the first one, is
 * made old before, by buffers that can't be had. `allocate` makes a buffer, or
 * throws. Never longer than a few full collections; see docs/gc.md for what this
 * rests on.
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
  const askForTooLarge = async (): Promise<void> => {
    attempt(TOO_LARGE);
    await finalizersHaveRun();
  };
  const press = async (isGone: () => boolean): Promise<void> => {
    const end = now() + PRESSURE_MILLISECONDS;
    const held: unknown[] = [];
    while (!isGone() && held.length < PRESSURE.most && now() < end) {
      held.push(attempt(PRESSURE.bytes));
      await finalizersHaveRun();
    }
  };

  return async () => {
    await ping(); // what a turn has touched can only be collected after it
    for (let asked = 0; asked < OLD && !sentinels.isOld(); asked += 1) {
      await askForTooLarge();
    }
    const { isGone, wasOld } = sentinels.release();
    await ping();
    await askForTooLarge();
    if (!isGone()) {
      await press(isGone);
    }
    return wasOld && isGone();
  };
};
harden(makePressingCollector);

/** The one of Chrome's workers. */
export const makeChromeCollector = (): CollectGarbage => {
  const { now } = Date;
  return makePressingCollector(bytes => new ArrayBuffer(bytes), now);
};
harden(makeChromeCollector);
