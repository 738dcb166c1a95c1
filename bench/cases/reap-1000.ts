import { median } from '../rounds.ts';
import type { BenchCase, Ours } from '../stage.ts';
import { GARBAGE_CONFIG, collectDead } from './gc-work.ts';
import { launchAll } from './start-work.ts';

/** In megabytes: of the process of all vats, in Node that of the kernel too. NaN where neither can be told. */
const readMemory = async (ours: Ours): Promise<number> => {
  const renderers = await ours.rendererMemory?.();
  const bytes = renderers && Math.max(...renderers.values());
  return (bytes ?? (await ours.memoryUsed?.()) ?? NaN) / 1e6;
};

/**
 * A vat holds and lets go of 1,000 objects of another vat; then a collection, in
 * which that vat is reaped once. How many objects are gone everywhere; how long
 * the whole collection took, and what that is to one in which nothing was dead;
 * what the process has more afterwards.
 */
export const reap1000: BenchCase = {
  name: 'reap-1000',
  figures: ['reap-1000', 'reap-1000-time', 'reap-1000-memory'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.startOurs();
    try {
      await ours.run(launchAll, { configs: [GARBAGE_CONFIG] });
      const { rounds } = stage.extent({ rounds: 7, count: 1 });
      const { objects } = await ours.run(collectDead, { count: 0 });
      await ours.run(collectDead, { count: 1000 });
      const memory = await readMemory(ours);
      const gone: number[] = [];
      const times: number[] = [];
      const idleTimes: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const idle = await ours.run(collectDead, { count: 0 });
        const full = await ours.run(collectDead, { count: 1000 });
        gone.push(1000 - (full.objects - objects));
        times.push(full.milliseconds);
        idleTimes.push(idle.milliseconds);
      }
      return [
        { name: 'reap-1000', value: Math.min(...gone), unit: 'of 1,000' },
        {
          name: 'reap-1000-time',
          value: median(times),
          unit: 'ms',
          peers: { 'nothing dead': median(times) / median(idleTimes) },
        },
        {
          name: 'reap-1000-memory',
          value: (await readMemory(ours)) - memory,
          unit: 'MB',
        },
      ];
    } finally {
      await ours.stop();
    }
  },
};
