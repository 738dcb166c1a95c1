import type { BenchCase, Counters } from '../stage.ts';
import { timeCalls } from './console-work.ts';

const UNITS = ['statements', 'rows', 'bytes', 'commits'] as const;

/** What the database does for one call from the console, each after the answer of the one before. */
export const sqlPerCall: BenchCase = {
  name: 'sql-per-call',
  figures: [
    'sql-per-call',
    'sql-rows-per-call',
    'sql-bytes-per-call',
    'sql-commits-per-call',
  ],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    const { count } = stage.extent({ rounds: 1, count: 1_000 });
    await ours.run(timeCalls, { count: 10, inFlight: 1 });
    const before = await ours.counters();
    await ours.run(timeCalls, { count, inFlight: 1 });
    const after = await ours.counters();
    const each = (unit: keyof Counters): number =>
      (after[unit] - before[unit]) / count;
    return UNITS.map(unit => ({
      name: unit === 'statements' ? 'sql-per-call' : `sql-${unit}-per-call`,
      value: each(unit),
      unit,
    }));
  },
};
