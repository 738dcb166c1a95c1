import { median, ratioOf, runRounds } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import {
  renewedBundle,
  renewedConfig,
  timeBareStart,
  timeBeside,
  timeUpgrade,
} from './renewal-work.ts';
import { launchAll, terminateAll, timeRestart } from './start-work.ts';

/** Long enough that a worker stands ready again, where one does. */
const PAUSE_MILLISECONDS = 500;

const NAME = 'renewed';

/**
 * Other code for a running vat, and a new heap for one, each until the first
 * answer: beside the launch of a vat of the same code until its first answer.
 * And the round trips of two other vats while one is upgraded over and over.
 */
export const upgrade: BenchCase = {
  name: 'upgrade',
  figures: ['upgrade', 'restart', 'upgrade-bystander'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    await ours.run(launchAll, { configs: [renewedConfig(NAME)] });
    let version = 0;
    const nextBundle = () => {
      version += 1;
      return renewedBundle(version);
    };
    const pause = PAUSE_MILLISECONDS;
    const times = await runRounds(
      {
        upgrade: () =>
          ours.run(timeUpgrade, { name: NAME, bundle: nextBundle(), pause }),
        restart: () => ours.run(timeRestart, { cluster: NAME, pause }),
        start: () => {
          const name = 'bare';
          return ours.run(timeBareStart, {
            config: renewedConfig(name),
            name,
            pause,
          });
        },
      },
      { ...stage.extent({ rounds: 15, count: 1 }), count: 1, warm: 1 },
    );
    const bundles = [nextBundle(), nextBundle()];
    const beside = await runRounds(
      {
        alone: count =>
          ours.run(timeBeside, { name: NAME, bundles: [], count }),
        upgrading: count =>
          ours.run(timeBeside, { name: NAME, bundles, count }),
      },
      stage.extent({ rounds: 11, count: 2_000 }),
    );
    await ours.run(terminateAll, { clusters: [NAME] });
    const latency = (name: 'upgrade' | 'restart') => ({
      name,
      value: 1000 / median(times[name]),
      unit: 'ms',
      peers: { 'bare start': ratioOf(times.start, times[name]) },
    });
    return [
      latency('upgrade'),
      latency('restart'),
      {
        name: 'upgrade-bystander',
        value: median(beside.upgrading),
        unit: 'round trips/s',
        peers: { 'no upgrade': ratioOf(beside.upgrading, beside.alone) },
      },
    ];
  },
};
