import { median } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import { makeStoreConfig } from '../store-program.ts';
import {
  fillRows,
  launchAll,
  terminateAll,
  timeRestart,
} from './start-work.ts';

/** Long enough that a worker stands ready again, where one does. */
const PAUSE_MILLISECONDS = 500;

/**
 * What 100,000 rows in a vat's store add to its start: from `restart` to the
 * first answer, with the rows and without, in turns.
 */
export const vatStart100k: BenchCase = {
  name: 'vat-start-100k',
  figures: ['vat-start-100k'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    const { rounds, count } = stage.extent({ rounds: 7, count: 100_000 });
    const clusters = ['full', 'empty'];
    await ours.run(launchAll, { configs: clusters.map(makeStoreConfig) });
    await ours.run(fillRows, { cluster: 'full', count });
    const restart = async (cluster: string): Promise<number> => {
      await ours.idle();
      return ours.run(timeRestart, { cluster, pause: PAUSE_MILLISECONDS });
    };
    const full: number[] = [];
    const empty: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      full.push(await restart('full'));
      empty.push(await restart('empty'));
    }
    await ours.run(terminateAll, { clusters });
    return [
      {
        name: 'vat-start-100k',
        value: median(full.map((time, round) => time - (empty[round] ?? NaN))),
        unit: count === 100_000 ? 'ms more' : `ms more for ${count} rows`,
        floor: median(empty),
      },
    ];
  },
};
