import { median } from '../rounds.ts';
import type { BenchCase, Ours } from '../stage.ts';
import {
  beginSpinning,
  beginToiling,
  timeControl,
  timeEachCall,
} from './bystander-work.ts';
import { latencies } from './latencies.ts';
import { SPINNERS, spinnerConfig } from './spinner.ts';
import { launchAll, terminateAll } from './start-work.ts';

const NEIGHBOR = 'neighbor';

/** Steps of one delivery that ends: a good hundredth of a second. */
const STEPS = 10_000_000;

/** Who is at work beside: nobody, vats whose one delivery does not end, or vats with one delivery after the other. */
const BESIDE = {
  idle: { clusters: [], begin: undefined },
  one: { clusters: SPINNERS.slice(0, 1), begin: beginSpinning },
  cores: { clusters: SPINNERS, begin: beginSpinning },
  turns: { clusters: SPINNERS, begin: beginToiling },
} as const;

/** Milliseconds of each call, and of the slowest control word, while these are at work. */
const measureBeside = async (
  ours: Ours,
  { name, count }: { name: keyof typeof BESIDE; count: number },
) => {
  const { clusters, begin } = BESIDE[name];
  if (begin !== undefined) {
    const configs = clusters.map(spinnerConfig);
    await ours.run(begin, { configs, steps: STEPS });
  }
  const calls = await ours.run(timeEachCall, { cluster: NEIGHBOR, count });
  const words = await ours.run(timeControl, { clusters });
  return { calls, word: Math.max(...words) };
};

/**
 * A call from the console to a vat while no other vat works, while one spins,
 * while as many spin as there are processors, and while as many have one short
 * delivery after the other, which take all the places that there are for
 * deliveries; in turns. And how long the kernel takes meanwhile to answer what a
 * person says.
 */
export const bystander: BenchCase = {
  name: 'bystander',
  figures: [
    'bystander',
    'bystander-p95',
    'bystander-one',
    'bystander-one-p95',
    'bystander-turns',
    'bystander-turns-p95',
    'bystander-control',
  ],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    await ours.run(launchAll, { configs: [spinnerConfig(NEIGHBOR)] });
    const { rounds, count } = stage.extent({ rounds: 5, count: 100 });
    const seen: Record<keyof typeof BESIDE, number[][]> = {
      idle: [],
      one: [],
      cores: [],
      turns: [],
    };
    const names = ['idle', 'one', 'cores', 'turns'] as const;
    const words: number[] = [];
    await ours.run(timeEachCall, { cluster: NEIGHBOR, count });
    for (let round = 0; round < rounds; round += 1) {
      for (const name of names) {
        const { calls, word } = await measureBeside(ours, { name, count });
        seen[name].push(calls);
        if (name !== 'idle') {
          words.push(word);
        }
      }
    }
    await ours.run(terminateAll, { clusters: [NEIGHBOR] });
    return [
      ...latencies('bystander', { calls: seen.cores, idle: seen.idle }),
      ...latencies('bystander-one', { calls: seen.one, idle: seen.idle }),
      ...latencies('bystander-turns', { calls: seen.turns, idle: seen.idle }),
      { name: 'bystander-control', value: median(words), unit: 'ms' },
    ];
  },
};
