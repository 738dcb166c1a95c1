import { median } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import { launchAll, terminateAll } from './start-work.ts';
import { fillBig, TERMINATE_CONFIG, timeEnd } from './terminate-work.ts';

/**
 * A vat that exports 50,000 objects and imports as many is terminated while a
 * client asks for a neighbor's root again and again: how long the kernel's thread
 * was blocked at most, commits among it, and the longest of all these words, which
 * waits for whatever is under way, and for a commit of its own.
 */
export const terminate100k: BenchCase = {
  name: 'terminate-100k',
  figures: ['terminate-100k', 'terminate-100k-word', 'terminate-100k-time'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.startOurs();
    try {
      const { rounds, count } = stage.extent({ rounds: 3, count: 50_000 });
      const steps: number[] = [];
      const longest: number[] = [];
      const times: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        await ours.run(launchAll, { configs: [TERMINATE_CONFIG] });
        await ours.run(fillBig, { count, batch: 500 });
        await ours.idle();
        const step = await ours.longestStep(async () => {
          const { words, milliseconds } = await ours.run(timeEnd, {
            vat: 'big',
          });
          longest.push(Math.max(...words));
          times.push(milliseconds);
        });
        steps.push(step);
        await ours.run(terminateAll, { clusters: [TERMINATE_CONFIG.name] });
        await ours.idle();
      }
      return [
        { name: 'terminate-100k', value: Math.max(...steps), unit: 'ms' },
        {
          name: 'terminate-100k-word',
          value: Math.max(...longest),
          unit: 'ms',
        },
        { name: 'terminate-100k-time', value: median(times), unit: 'ms' },
      ];
    } finally {
      await ours.stop();
    }
  },
};
