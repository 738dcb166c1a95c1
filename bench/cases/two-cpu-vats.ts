import { median, ratioOf, runRounds } from '../rounds.ts';
import type { BenchCase, Realm } from '../stage.ts';

/** Steps of one delivery: some hundredths of a second. */
const STEPS = 10_000_000;

type Work = {
  readonly vats: readonly string[];
  readonly count: number;
  readonly steps: number;
};

/** The deliveries are shared out among the vats, which get theirs one after another. */
const timeBurning = async (
  { send, kernel }: Realm,
  { vats, count, steps }: Work,
): Promise<number> => {
  const roots: unknown[] = [];
  for (const vat of vats) {
    roots.push(await send(kernel, 'root', 'bench', vat));
  }
  const start = performance.now();
  await Promise.all(
    roots.map(async root => {
      for (let burnt = 0; burnt < count / roots.length; burnt += 1) {
        await send(root, 'burn', steps);
      }
    }),
  );
  return performance.now() - start;
};

/** Deliveries that only compute: two vats at once to one, which is 2 where two cores are idle. */
export const twoCpuVats: BenchCase = {
  name: 'two-cpu-vats',
  figures: ['two-cpu-vats'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    const contend =
      (...vats: string[]) =>
      (count: number) =>
        ours.run(timeBurning, { vats, count, steps: STEPS });
    const rates = await runRounds(
      { one: contend('near'), two: contend('near', 'far') },
      stage.extent({ rounds: 11, count: 10 }),
    );
    return [
      {
        name: 'two-cpu-vats',
        value: median(rates.two),
        unit: 'deliveries/s',
        peers: { 'one vat': ratioOf(rates.two, rates.one) },
      },
    ];
  },
};
