import { bundleOf, PROGRAM } from '../program.ts';
import { median } from '../rounds.ts';
import type { BenchCase, Ours } from '../stage.ts';
import { beginFlood, timePacedCalls, waitForCranks } from './flood-work.ts';
import { latencies } from './latencies.ts';
import { launchAll, terminateAll } from './start-work.ts';

/** Milliseconds between two calls of the bystander's. */
const PACE = 10;

/** Calls between two looks at whether the flood has made its cranks. */
const PORTION = 100;

/** With so many calls it is clear that it makes none. */
const MOST_CALLS = 9_000;

/**
 * Each crank of `flood` names nearly as many things as it may (docs/limits.md),
 * 20,000, in messages that name nearly as many as they may, 10,000: that takes the
 * kernel longer than as many syscalls as may be, since these come with answers.
 */
const FLOODER = `imports => {
  const { E, Far } = imports['@endo/far'];
  return {
    buildRootObject: () => {
      const things = harden(Array.from({ length: 9_990 }, () => Far('Thing', {})));
      let cranks = 0;
      let told = [];
      return Far('Flooder', {
        flood: async sink => {
          for (;;) {
            cranks += 1;
            told = told.filter(({ count, tell }) => cranks < count || tell());
            await Promise.all(Array.from({ length: 2 }, () => E(sink).take(things)));
          }
        },
        afterCranks: count =>
          new Promise(tell => told.push({ count: cranks + count, tell })),
      });
    },
  };
}`;

const SINK = `imports => ({
  buildRootObject: () => imports['@endo/far'].Far('Sink', { take: () => {} }),
})`;

const NEIGHBOR = 'neighbor';
const FLOOD = 'flood';

const NEIGHBOR_CONFIG = {
  name: NEIGHBOR,
  vats: { [NEIGHBOR]: { bundle: bundleOf(PROGRAM) } },
};

const FLOOD_CONFIG = {
  name: FLOOD,
  bootstrap: 'flooder',
  vats: {
    // Nothing but the measurement ends it.
    flooder: { bundle: bundleOf(FLOODER), deadline: 600_000 },
    sink: { bundle: bundleOf(SINK) },
  },
};

/** The bystander's calls while so many cranks of the flood are made, and how many of these there were in a second. */
const measureFlood = async (ours: Ours, cranks: number) => {
  await ours.run(beginFlood, { config: FLOOD_CONFIG });
  const start = performance.now();
  const calls: number[] = [];
  let isOver = false;
  const watch = async (): Promise<void> => {
    await ours.run(waitForCranks, { cluster: FLOOD, cranks });
    isOver = true;
  };
  const call = async (): Promise<void> => {
    const work = { cluster: NEIGHBOR, count: PORTION, pace: PACE };
    while (!isOver) {
      if (calls.length >= MOST_CALLS) {
        throw Error(`${FLOOD} has not made ${cranks} cranks`);
      }
      calls.push(...(await ours.run(timePacedCalls, work)));
    }
  };
  await Promise.all([watch(), call()]);
  const seconds = (performance.now() - start) / 1000;
  await ours.run(terminateAll, { clusters: [FLOOD] });
  return { calls, cranksPerSecond: cranks / seconds };
};

/**
 * Calls from the console to a vat, a hundred in a second, while no other vat
 * works and while one repeats the largest cranks that it may make, messages to a
 * vat of its own cluster, in turns.
 */
export const bystanderFlood: BenchCase = {
  name: 'bystander-flood',
  figures: ['bystander-flood', 'bystander-flood-p95', 'bystander-flood-cranks'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.startOurs();
    try {
      await ours.run(launchAll, { configs: [NEIGHBOR_CONFIG] });
      const { rounds, count } = stage.extent({ rounds: 5, count: 2 });
      const work = { cluster: NEIGHBOR, count: 3 * PORTION, pace: PACE };
      const idle: number[][] = [];
      const flooded: number[][] = [];
      const cranks: number[] = [];
      await ours.run(timePacedCalls, { ...work, count: PORTION });
      for (let round = 0; round < rounds; round += 1) {
        await ours.idle();
        idle.push(await ours.run(timePacedCalls, work));
        const { calls, cranksPerSecond } = await measureFlood(ours, count);
        flooded.push(calls);
        cranks.push(cranksPerSecond);
      }
      return [
        ...latencies('bystander-flood', { calls: flooded, idle }),
        {
          name: 'bystander-flood-cranks',
          value: median(cranks),
          unit: 'cranks/s',
        },
      ];
    } finally {
      await ours.stop();
    }
  },
};
