import { median, ratioOf, runRounds } from '../rounds.ts';
import type { BenchCase, Epoch, Ours } from '../stage.ts';
import { timeRoundTrips, timeStream } from './console-work.ts';

/** Bounds that are compared with the kernel's own. */
const BOUNDS: Readonly<Record<string, Epoch>> = {
  'each crank': { epochCranks: 1, epochMilliseconds: 1_000 },
  '8 ms': { epochCranks: 256, epochMilliseconds: 8 },
  '32 ms': { epochCranks: 1_024, epochMilliseconds: 32 },
  '128 ms': { epochCranks: 4_096, epochMilliseconds: 128 },
};

/** How the bounds of an epoch bear on round trips between vats: ours to the same kernel with other bounds. */
export const epochs: BenchCase = {
  name: 'epochs',
  figures: ['epochs-seq', 'epochs-stream'],
  platforms: ['node'],
  measure: async stage => {
    if (stage.isQuick) {
      return []; // five kernels take their time
    }
    const names = Object.keys(BOUNDS);
    const kernels = await Promise.all(
      Object.values(BOUNDS).map(bounds => stage.startOurs('durable', bounds)),
    );
    const ours = await stage.provideOurs();
    const compare = async (
      name: string,
      contend: (ours: Ours, count: number) => Promise<number>,
      count: number,
    ) => {
      const rates = await runRounds<string>(
        {
          ours: each => contend(ours, each),
          ...Object.fromEntries(
            kernels.map((kernel, index) => [
              names[index] ?? '',
              (each: number) => contend(kernel, each),
            ]),
          ),
        },
        stage.extent({ rounds: 9, count }),
      );
      const own = rates['ours'] ?? [];
      return {
        name,
        value: median(own),
        unit: 'round trips/s',
        peers: Object.fromEntries(
          names.map(each => [each, ratioOf(own, rates[each] ?? [])]),
        ),
      };
    };
    try {
      return [
        await compare(
          'epochs-seq',
          (each, count) => each.run(timeRoundTrips, { count }),
          1_000,
        ),
        await compare(
          'epochs-stream',
          (each, count) => each.run(timeStream, { count, inFlight: 1_000 }),
          4_000,
        ),
      ];
    } finally {
      await Promise.all(kernels.map(kernel => kernel.stop()));
    }
  },
};
