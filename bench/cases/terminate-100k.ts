import { median } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import { launchAll, terminateAll } from './start-work.ts';
import { fillBig, TERMINATE_CONFIG, timeEnd } from './terminate-work.ts';

/**
 * A vat that exports 50,000 objects and imports as many is terminated while a
 * client asks for a neighbor's root again and again: the longest of all these
 * words, which is as long as the kernel's thread was ever blocked, a commit and a word more.
 */
export const terminate100k: BenchCase = {
  name: 'terminate-100k',
  figures: ['terminate-100k', 'terminate-100k-time'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.startOurs();
    try {
      const { rounds, count } = stage.extent({ rounds: 3, count: 50_000 });
      const longest: number[] = [];
      const times: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        await ours.run(launchAll, { configs: [TERMINATE_CONFIG] });
        await ours.run(fillBig, { count, batch: 500 });
        await ours.idle();
        const { words, milliseconds } = await ours.run(timeEnd, { vat: 'big' });
        longest.push(Math.max(...words));
        times.push(milliseconds);
        await ours.run(terminateAll, { clusters: [TERMINATE_CONFIG.name] });
        await ours.idle();
      }
      return [
        { name: 'terminate-100k', value: Math.max(...longest), unit: 'ms' },
        { name: 'terminate-100k-time', value: median(times), unit: 'ms' },
      ];
    } finally {
      await ours.stop();
    }
  },
};
