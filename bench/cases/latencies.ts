import { median, percentile, ratioOf } from '../rounds.ts';
import type { Figure } from '../stage.ts';

/** Milliseconds of each call, round by round. */
export type Calls = readonly (readonly number[])[];

/** The middle call, and the one that only five in a hundred are slower than, beside those of the rounds without neighbors at work. */
export const latencies = (
  name: string,
  { calls, idle }: { calls: Calls; idle: Calls },
): readonly Figure[] => {
  const figure = (own: string, share: number): Figure => {
    const [times = [], base = []] = [calls, idle].map(rounds =>
      rounds.map(each => percentile(share, each)),
    );
    return {
      name: own,
      value: median(times),
      unit: 'ms',
      peers: { idle: ratioOf(times, base) },
    };
  };
  return [figure(name, 50), figure(`${name}-p95`, 95)];
};
