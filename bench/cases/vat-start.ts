import { bundleOf, PROGRAM } from '../program.ts';
import { median } from '../rounds.ts';
import type { BenchCase, Figure, Ours } from '../stage.ts';
import {
  launchAll,
  terminateAll,
  timeFirstAnswers,
  whenRunning,
} from './start-work.ts';

/** Long enough that a worker stands ready again. */
const PAUSE_MILLISECONDS = 500;

const NAMES = Array.from({ length: 10 }, (_, index) => `start${index}`);

const configOf = (name: string) => ({
  name,
  vats: { [name]: { bundle: bundleOf(PROGRAM) } },
});

/** The first answers of ten vats, each in its turn, in a browser whose extension has just started again. */
const timeTen = async (
  ours: Ours,
  { rounds, pause }: { rounds: number; pause: number },
): Promise<readonly number[][]> => {
  const all: number[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    await ours.reload?.();
    await ours.run(whenRunning, {});
    all.push(await ours.run(timeFirstAnswers, { clusters: NAMES, pause }));
  }
  return all;
};

/**
 * Milliseconds from a message to a vat that sleeps to its answer: its worker,
 * its stored code and store, `startVat`, the message, the commit. The first vat
 * once the kernel runs, and the tenth while nine others run and nothing starts.
 */
export const vatStart: BenchCase = {
  name: 'vat-start',
  figures: ['vat-start-1', 'vat-start-10', 'vat-start-in-a-row'],
  platforms: ['chromium'],
  measure: async stage => {
    const ours = await stage.startOurs();
    const { rounds } = stage.extent({ rounds: 7, count: 1 });
    await ours.run(launchAll, { configs: NAMES.map(configOf) });
    const pause = stage.isQuick ? PAUSE_MILLISECONDS / 2 : PAUSE_MILLISECONDS;
    const paused = await timeTen(ours, { rounds, pause });
    const inARow = await timeTen(ours, { rounds, pause: 0 });
    await ours.run(terminateAll, { clusters: NAMES });
    await ours.stop();
    const figure = (name: string, times: readonly number[]): Figure => ({
      name,
      value: median(times),
      unit: 'ms',
    });
    const nth = (runs: readonly number[][], index: number): number[] =>
      runs.map(times => times[index] ?? NaN);
    return [
      figure('vat-start-1', nth(inARow, 0)),
      figure('vat-start-10', nth(paused, 9)),
      figure(
        'vat-start-in-a-row',
        inARow.flatMap(times => times.slice(1)),
      ),
    ];
  },
};
