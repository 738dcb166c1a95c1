import type { Ours, Stage } from '../stage.ts';
import { timeRoundTrips, timeStream } from './console-work.ts';

/** Half of the round trips one at a time, half as a stream; ends when the kernel is idle. */
const makeTraffic = async (ours: Ours, count: number): Promise<void> => {
  await ours.run(timeRoundTrips, { count: count / 2 });
  await ours.run(timeStream, { count: count / 2, inFlight: 500 });
  await ours.idle();
};

/** What 10,000 round trips (fewer in a quick run) have added to a size, after as many that made everything warm. */
export const measureGrowth = async (
  stage: Stage,
  measure: (ours: Ours) => Promise<number>,
): Promise<{ readonly grown: number; readonly count: number }> => {
  const { count } = stage.extent({ rounds: 1, count: 10_000 });
  const ours = await stage.startOurs();
  try {
    await makeTraffic(ours, count);
    const before = await measure(ours);
    await makeTraffic(ours, count);
    return { grown: (await measure(ours)) - before, count };
  } finally {
    await ours.stop();
  }
};
