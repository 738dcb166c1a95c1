import { bundleOf, PROGRAM } from '../program.ts';
import type { BenchCase, Ours } from '../stage.ts';
import { launchAll, timeFirstAnswers, whenRunning } from './start-work.ts';

/** Until a worker stands ready, and what started has ended. */
const SETTLE_MILLISECONDS = 2_000;

const settledMemory = async (
  ours: Ours,
  isQuick: boolean,
): Promise<ReadonlyMap<number, number>> => {
  const pause = isQuick ? SETTLE_MILLISECONDS / 4 : SETTLE_MILLISECONDS;
  await new Promise(resolve => void setTimeout(resolve, pause));
  return (await ours.rendererMemory?.()) ?? new Map();
};

/**
 * What a running vat with a small bundle adds to the process of all vats: the
 * proportional set size with 50 of them, each of which has answered once, less
 * that with none. It is the process that has grown the most.
 */
export const vatMemory: BenchCase = {
  name: 'vat-memory',
  figures: ['vat-memory'],
  platforms: ['chromium'],
  measure: async stage => {
    const ours = await stage.startOurs();
    try {
      const { count } = stage.extent({ rounds: 1, count: 50 });
      const clusters = Array.from({ length: count }, (_, vat) => `vat${vat}`);
      const configs = clusters.map(name => ({
        name,
        vats: { [name]: { bundle: bundleOf(PROGRAM) } },
      }));
      await ours.run(launchAll, { configs });
      await ours.reload?.();
      await ours.run(whenRunning, {});
      const before = await settledMemory(ours, stage.isQuick);
      await ours.run(timeFirstAnswers, { clusters, pause: 0 });
      const after = await settledMemory(ours, stage.isQuick);
      const growths = [...after].map(
        ([id, bytes]) => bytes - (before.get(id) ?? bytes),
      );
      return growths.length === 0
        ? []
        : [
            {
              name: 'vat-memory',
              value: Math.max(...growths) / count / 1e6,
              unit: 'MB',
            },
          ];
    } finally {
      await ours.stop();
    }
  },
};
