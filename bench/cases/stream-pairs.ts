import { makePairsConfig } from '../program.ts';
import { median, ratioOf, runRounds } from '../rounds.ts';
import type { BenchCase, Realm } from '../stage.ts';

const PAIRS = 4;
const IN_FLIGHT = 250;

type Work = {
  readonly pairs: number;
  readonly count: number;
  readonly inFlight: number;
};

/** The round trips are shared out among so many pairs that stream at once. */
const timePairs = async (
  { send, kernel }: Realm,
  { pairs, count, inFlight }: Work,
): Promise<number> => {
  const roots: unknown[][] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    roots.push([
      await send(kernel, 'root', 'pairs', `near${pair}`),
      await send(kernel, 'root', 'pairs', `far${pair}`),
    ]);
  }
  const start = performance.now();
  await Promise.all(
    roots.map(([near, far]) =>
      send(near, 'stream', count / pairs, far, inFlight),
    ),
  );
  return performance.now() - start;
};

/** Four pairs of vats, each with 250 round trips in flight, to one such pair. */
export const streamPairs: BenchCase = {
  name: 'stream-pairs',
  figures: ['stream-pairs'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.startOurs();
    try {
      await ours.run(
        ({ send, kernel }, config) =>
          send(kernel, 'launch', config).then(() => null),
        makePairsConfig(PAIRS),
      );
      const contend = (pairs: number) => (count: number) =>
        ours.run(timePairs, { pairs, count, inFlight: IN_FLIGHT });
      const rates = await runRounds(
        { one: contend(1), four: contend(PAIRS) },
        stage.extent({ rounds: 11, count: 4_000, warm: 12_000 }),
      );
      return [
        {
          name: 'stream-pairs',
          value: median(rates.four),
          unit: 'round trips/s',
          peers: { 'one pair': ratioOf(rates.four, rates.one) },
        },
      ];
    } finally {
      await ours.stop();
    }
  },
};
