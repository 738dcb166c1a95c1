import { median, ratioOf, runRounds } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import { ALIAS_CONFIG, endAlias, launchAlias, timeWay } from './alias-work.ts';

/** Round trips by a revocable alias, beside the same without it: `value` is µs, and the ratio that of the times. */
export const alias: BenchCase = {
  name: 'alias',
  figures: ['alias'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    await ours.run(launchAlias, { config: ALIAS_CONFIG });
    const rates = await runRounds(
      {
        alias: count => ours.run(timeWay, { count, way: 'alias' }),
        direct: count => ours.run(timeWay, { count, way: 'direct' }),
      },
      stage.extent({ rounds: 21, count: 500, warm: 1_000 }),
    );
    await ours.run(endAlias, {});
    return [
      {
        name: 'alias',
        value: 1e6 / median(rates.alias),
        unit: 'µs a round trip',
        peers: { 'direct send': ratioOf(rates.direct, rates.alias) },
      },
    ];
  },
};
