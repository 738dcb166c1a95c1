import type { BenchCase, Counters } from '../stage.ts';
import { timeStream } from './console-work.ts';

const UNITS = ['statements', 'rows', 'bytes', 'commits'] as const;

/** What the database does for one round trip from a vat to another, of a stream with 1,000 in flight. */
export const sqlPerRoundtrip: BenchCase = {
  name: 'sql-per-roundtrip',
  figures: [
    'sql-per-roundtrip',
    'sql-rows-per-roundtrip',
    'sql-bytes-per-roundtrip',
    'sql-commits-per-roundtrip',
  ],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    const { count } = stage.extent({ rounds: 1, count: 5_000 });
    const work = { count, inFlight: 1_000 };
    await ours.run(timeStream, work);
    const before = await ours.counters();
    await ours.run(timeStream, work);
    const after = await ours.counters();
    const each = (unit: keyof Counters): number =>
      (after[unit] - before[unit]) / count;
    return UNITS.map(unit => ({
      name:
        unit === 'statements'
          ? 'sql-per-roundtrip'
          : `sql-${unit}-per-roundtrip`,
      value: each(unit),
      unit,
    }));
  },
};
