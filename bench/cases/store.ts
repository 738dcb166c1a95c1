import { median, ratioOf, runRounds } from '../rounds.ts';
import type { BenchCase, Figure } from '../stage.ts';

const ROWS = 10_000;

/**
 * The vat's thread alone: a delivery that increments a number in the baggage,
 * and one that goes through 1,000 keys of a map, in a vat with 10,000 rows; over
 * the store that vats have and over a bare Map with a sorted array of its keys.
 * Time is the processors', since nothing waits here. `ratioToFloor` is of times: less is better.
 */
export const store: BenchCase = {
  name: 'store',
  figures: ['store-increment', 'store-iterate'],
  platforms: ['node'],
  measure: async stage => {
    // Liveslots is for a locked realm: this one, in Node alone.
    const { makeStoreVats } = await import('../stages/store-vat.ts');
    const { ours, bare } = await makeStoreVats(ROWS);
    const compare = async (
      name: string,
      { call, count }: { call: [string, ...number[]]; count: number },
    ): Promise<Figure> => {
      const contend = (vat: typeof ours) => async (times: number) => {
        const before = process.cpuUsage();
        for (let done = 0; done < times; done += 1) {
          await vat(...call);
        }
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      };
      const rates = await runRounds(
        { ours: contend(ours), floor: contend(bare) },
        stage.extent({ rounds: 9, count }),
      );
      return {
        name,
        value: 1e6 / median(rates.ours),
        unit: 'µs',
        floor: 1e6 / median(rates.floor),
        ratioToFloor: ratioOf(rates.floor, rates.ours),
      };
    };
    return [
      await compare('store-increment', { call: ['increment'], count: 500 }),
      await compare('store-iterate', { call: ['iterate', 1_000], count: 250 }),
    ];
  },
};
