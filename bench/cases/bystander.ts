import { availableParallelism } from 'node:os';
import { bundleOf } from '../program.ts';
import { median, ratioOf } from '../rounds.ts';
import type { BenchCase, Figure, Ours } from '../stage.ts';
import { beginSpinning, timeControl, timeEachCall } from './bystander-work.ts';
import { launchAll, terminateAll } from './start-work.ts';

const SOURCE = `imports => ({
  buildRootObject: () => imports['@endo/far'].Far('Spinner', {
    ping: () => 'pong',
    spin: () => { for (;;); },
  }),
})`;

const configOf = (name: string) => ({
  name,
  // Nothing but the measurement ends it.
  vats: { [name]: { bundle: bundleOf(SOURCE), deadline: 600_000 } },
});

const NEIGHBOR = 'neighbor';

/** The middle call's milliseconds and the slowest control word's, while so many vats spin. */
const measureBeside = async (
  ours: Ours,
  { clusters, count }: { clusters: readonly string[]; count: number },
) => {
  await ours.run(beginSpinning, { configs: clusters.map(configOf) });
  const calls = await ours.run(timeEachCall, { cluster: NEIGHBOR, count });
  const words = await ours.run(timeControl, { clusters });
  return { call: median(calls), word: Math.max(...words) };
};

/**
 * A call from the console to a vat while no other vat works, while one spins,
 * and while as many spin as there are processors, in turns; and how long the
 * kernel takes to answer `status`, `restart` and `terminate` meanwhile.
 */
export const bystander: BenchCase = {
  name: 'bystander',
  figures: ['bystander', 'bystander-one', 'bystander-control'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    const cores = Math.max(2, availableParallelism());
    const spinners = Array.from(
      { length: cores },
      (_, index) => `spin${index}`,
    );
    await ours.run(launchAll, { configs: [configOf(NEIGHBOR)] });
    const { rounds, count } = stage.extent({ rounds: 5, count: 100 });
    const runs = { idle: 0, one: 1, cores };
    const seen = { idle: [], one: [], cores: [] } as Record<
      keyof typeof runs,
      number[]
    >;
    const words: number[] = [];
    await ours.run(timeEachCall, { cluster: NEIGHBOR, count });
    for (let round = 0; round < rounds; round += 1) {
      for (const name of ['idle', 'one', 'cores'] as const) {
        const clusters = spinners.slice(0, runs[name]);
        const { call, word } = await measureBeside(ours, { clusters, count });
        seen[name].push(call);
        if (name !== 'idle') {
          words.push(word);
        }
      }
    }
    await ours.run(terminateAll, { clusters: [NEIGHBOR] });
    const figure = (name: string, times: readonly number[]): Figure => ({
      name,
      value: median(times),
      unit: 'ms',
      peers: { idle: ratioOf(times, seen.idle) },
    });
    return [
      figure('bystander', seen.cores),
      figure('bystander-one', seen.one),
      { name: 'bystander-control', value: median(words), unit: 'ms' },
    ];
  },
};
