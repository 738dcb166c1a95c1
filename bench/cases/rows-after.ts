import type { BenchCase } from '../stage.ts';
import { measureGrowth } from './leaks.ts';

/** Rows of the kernel's database that 10,000 round trips leave behind. */
export const rowsAfter: BenchCase = {
  name: 'rows-after',
  figures: ['rows-after'],
  platforms: ['node'],
  measure: async stage => {
    const { grown } = await measureGrowth(stage, async ({ countRows }) =>
      countRows ? countRows() : NaN,
    );
    return [{ name: 'rows-after', value: grown, unit: 'rows' }];
  },
};
