import { slopeOf } from '../rounds.ts';
import type { BenchCase, Ours } from '../stage.ts';
import { timeRoundTrips, timeStream } from './console-work.ts';

/** After so much traffic what is made once has been made: until some 180,000 round trips V8 keeps compiling. */
const WARM_ROUNDS = 20;

/** Half of the round trips one at a time, half as a stream; ends when the kernel is idle. */
const makeTraffic = async (ours: Ours, count: number): Promise<void> => {
  await ours.run(timeRoundTrips, { count: count / 2 });
  await ours.run(timeStream, { count: count / 2, inFlight: 500 });
  await ours.idle();
};

/** How far the values lie about a line of that slope. */
const spreadAbout = (slope: number, values: readonly number[]): number => {
  const rest = values.map((value, index) => value - slope * index);
  return Math.max(...rest) - Math.min(...rest);
};

/**
 * What round trips leave behind: rows of the kernel's database, and bytes in the
 * heap of its thread. Both are taken after every 10,000: a heap varies by some
 * kilobytes of which no message is the cause, so what one leaves is the slope
 * over all these sizes, and they lie about that line by the spread.
 */
export const heapAfter: BenchCase = {
  name: 'heap-after',
  figures: ['rows-after', 'heap-after', 'heap-after-spread'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const count = stage.isQuick ? 400 : 10_000;
    const { rounds } = stage.extent({ rounds: 10, count });
    const ours = await stage.startOurs();
    try {
      const warmRounds = stage.isQuick ? 1 : WARM_ROUNDS;
      for (let round = 0; round < warmRounds; round += 1) {
        await makeTraffic(ours, count);
      }
      const sizes = [await ours.heapUsed()];
      const rows = [await ours.countRows()];
      for (let round = 0; round < rounds; round += 1) {
        await makeTraffic(ours, count);
        sizes.push(await ours.heapUsed());
        rows.push(await ours.countRows());
      }
      const slope = slopeOf(sizes);
      return [
        {
          name: 'rows-after',
          value: (rows.at(-1) ?? NaN) - (rows[0] ?? NaN),
          unit: 'rows',
        },
        { name: 'heap-after', value: slope / count, unit: 'bytes/round trip' },
        {
          name: 'heap-after-spread',
          value: spreadAbout(slope, sizes) / 1000,
          unit: 'kB',
        },
      ];
    } finally {
      await ours.stop();
    }
  },
};
