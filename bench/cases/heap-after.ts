import type { BenchCase } from '../stage.ts';
import { measureGrowth } from './leaks.ts';

/** What each of 10,000 round trips leaves in the heap of the kernel's thread. */
export const heapAfter: BenchCase = {
  name: 'heap-after',
  figures: ['heap-after'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const { grown, count } = await measureGrowth(stage, ({ heapUsed }) =>
      heapUsed(),
    );
    return [
      { name: 'heap-after', value: grown / count, unit: 'bytes/round trip' },
    ];
  },
};
