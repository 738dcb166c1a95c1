import { median, ratioOf, runRounds } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import { timeRoundTrips } from './console-work.ts';
import { collectNow } from './gc-work.ts';

/**
 * Round trips from a vat to another, so few that neither is reaped at work, and
 * the same with a collection, which reaps both, within what is timed. A vat at
 * work is reaped an eighth as often at most: every 20,000 deliveries.
 */
export const gcCost: BenchCase = {
  name: 'gc-cost',
  figures: ['gc-cost'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.startOurs();
    try {
      const trips = async (count: number): Promise<number> => {
        await ours.run(collectNow, {});
        return ours.run(timeRoundTrips, { count });
      };
      const rates = await runRounds(
        {
          off: trips,
          on: async count =>
            (await trips(count)) + (await ours.run(collectNow, {})),
        },
        stage.extent({ rounds: 9, count: 2_500 }),
      );
      return [
        {
          name: 'gc-cost',
          value: median(rates.on),
          unit: 'round trips/s',
          peers: { off: ratioOf(rates.on, rates.off) },
        },
      ];
    } finally {
      await ours.stop();
    }
  },
};
