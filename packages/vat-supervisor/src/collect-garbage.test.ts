import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  makeDirectCollector,
  makePressingCollector,
} from './collect-garbage.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void;

/** Counts what is collected of objects that nobody has. */
const makeLitter = () => {
  let collected = 0;
  const registry = new FinalizationRegistry<null>(() => {
    collected += 1;
  });
  return {
    drop: (count: number) => {
      for (let nth = 0; nth < count; nth += 1) {
        registry.register({}, null);
      }
    },
    collected: () => collected,
  };
};

/** Plays Chrome: the engine collects when a buffer of so many bytes is asked for. */
const makeEngine = (collectsAt: (bytes: number, nth: number) => boolean) => {
  const asked: number[] = [];
  return {
    asked,
    allocate: (bytes: number): object => {
      asked.push(bytes);
      if (collectsAt(bytes, asked.length)) {
        gc();
      }
      if (bytes >= 2 ** 34) {
        throw RangeError('Array buffer allocation failed');
      }
      return {};
    },
  };
};

/** So many collections, each seen by whoever watches for them. */
const collectBefore = async (collections: number): Promise<void> => {
  for (let nth = 0; nth < collections; nth += 1) {
    await makeDirectCollector(gc)();
  }
};

describe('a collector', () => {
  it('finds all that is dead by the function of the engine', async () => {
    const litter = makeLitter();
    const collect = makeDirectCollector(gc);
    litter.drop(1000);
    expect([await collect(), litter.collected()]).toEqual([true, 1000]);
  });

  // The engine of a busy machine may run finalizers a task later, when a buffer has been asked for: hence the tries.
  it(
    'finds it by a buffer that cannot be had, and asks for no other',
    { retry: 9 },
    async () => {
      const litter = makeLitter();
      const engine = makeEngine(bytes => bytes === 2 ** 34);
      const collect = makePressingCollector(engine.allocate, () => 0);
      await collectBefore(2);
      for (const count of [1, 2]) {
        litter.drop(1000);
        expect([await collect(), litter.collected()]).toEqual([
          true,
          count * 1000,
        ]);
      }
      expect(engine.asked).toEqual([2 ** 34, 2 ** 34]);
    },
  );

  it('presses with large buffers where that does not help', async () => {
    const litter = makeLitter();
    const engine = makeEngine((_bytes, nth) => nth === 4);
    const collect = makePressingCollector(engine.allocate, () => 0);
    await collectBefore(2);
    litter.drop(1000);
    expect([await collect(), litter.collected()]).toEqual([true, 1000]);
    // Finalizers have a task of their own: on a busy machine it may come one buffer later.
    const [first, ...others] = engine.asked;
    expect([first, ...new Set(others)]).toEqual([2 ** 34, 2 ** 26]);
    expect(others.length).toBeLessThanOrEqual(16);
  });

  it('says so when nothing was collected, after sixteen buffers or its time', async () => {
    const stubborn = makeEngine(() => false);
    const collect = makePressingCollector(stubborn.allocate, () => 0);
    const slow = makeEngine(() => false);
    let now = 0;
    const collectSlowly = makePressingCollector(
      slow.allocate,
      () => (now += 200),
    );
    await collectBefore(2);
    expect(await collect()).toBe(false);
    expect(stubborn.asked).toHaveLength(17);
    expect(await collectSlowly()).toBe(false);
    expect(slow.asked).toHaveLength(2);
  });

  it('is not misled by a collection of the young alone', async () => {
    const engine = {
      allocate: (bytes: number): object => {
        gc({ type: 'minor' });
        if (bytes >= 2 ** 34) {
          throw RangeError('Array buffer allocation failed');
        }
        return {};
      },
    };
    const collect = makePressingCollector(engine.allocate, () => 0);
    for (const _reap of ['the first, of a vat that is young', 'another']) {
      expect(await collect()).toBe(false);
    }
  });

  // A collection of the young takes such a sentinel in Chrome; in Node only a full one does.
  it('is not sure when a sentinel is gone that may have been young, since none was old before', async () => {
    const engine = makeEngine((_bytes, nth) => nth > 2);
    expect(await makePressingCollector(engine.allocate, () => 0)()).toBe(false);
    expect(engine.asked).toEqual([2 ** 34, 2 ** 34, 2 ** 34]);
  });

  it(
    'finds all that is dead also when it was just made: it asks until it can be sure',
    { retry: 9 },
    async () => {
      const litter = makeLitter();
      const engine = makeEngine(bytes => bytes === 2 ** 34);
      const collect = makePressingCollector(engine.allocate, () => 0);
      litter.drop(1000);
      expect([await collect(), litter.collected()]).toEqual([true, 1000]);
      expect(engine.asked).toEqual([2 ** 34, 2 ** 34, 2 ** 34]);
      expect(await collect()).toBe(true);
      expect(engine.asked).toHaveLength(4);
    },
  );
});
