import harden from '@endo/harden';
import type { CollectGarbage } from './collect-garbage.ts';
import type { GcTools, MeterControl } from './liveslots.ts';
import { makePing } from './turns.ts';

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

/** Of what has died, one crank hears so much: each costs the vat, its store and the kernel some work, and others wait for the kernel meanwhile. */
const MOST_DEAD = 1_500;

/**
 * Registries whose finalizers wait until somebody lets them run. Liveslots is
 * made for that: an object may have come back long before its finalizer runs.
 */
const makeWaitingFinalizers = () => {
  let waiting: (() => void)[] = [];
  return {
    Registry: new Proxy(FinalizationRegistry, {
      construct: (target, [finalize]: [(held: unknown) => void]) =>
        new target(held => {
          waiting.push(() => finalize(held));
        }),
    }),
    count: () => waiting.length,
    /** Runs the first ones, as many as there are of so many; gives how many. */
    run: (most: number): number => {
      const due = waiting.slice(0, most);
      waiting = waiting.slice(most);
      due.forEach(finalize => finalize());
      return due.length;
    },
  };
};

/** What liveslots asks of its engine, and what it is told of the dead: in each crank no more than `mostDead`. */
export const makeGcTools = ({
  collectGarbage,
  onCollected = () => {},
  mostDead = MOST_DEAD,
}: {
  readonly collectGarbage: CollectGarbage;
  /** Told of each collection whether there was a sign of it. */
  readonly onCollected?: (isSure: boolean) => void;
  readonly mostDead?: number;
}) => {
  const finalizers = makeWaitingFinalizers();
  let left = mostDead;
  const tools: GcTools = Object.freeze({
    WeakRef,
    FinalizationRegistry: finalizers.Registry,
    waitUntilQuiescent: makePing(),
    gcAndFinalize: async () => {
      if (finalizers.count() < left) {
        onCollected(await collectGarbage());
      }
      left -= finalizers.run(left);
    },
    meterControl: makeMeterControl(),
  });
  return Object.freeze({
    tools,
    beginCrank: () => {
      left = mostDead;
    },
    /** Whether the crank has told all that it could: then there may be more. */
    hasMore: () => left === 0,
  });
};
harden(makeGcTools);
