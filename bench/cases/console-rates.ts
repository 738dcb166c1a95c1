import { median, ratioOf, runRounds } from '../rounds.ts';
import type { Figure, Stage } from '../stage.ts';
import { timeCalls } from './console-work.ts';

/** Calls per second from the console to a vat and back, so many in flight, beside the floor's from its page or thread. */
export const measureConsole = async (
  stage: Stage,
  { name, inFlight, count }: { name: string; inFlight: number; count: number },
): Promise<readonly Figure[]> => {
  const ours = await stage.provideOurs();
  const floor = await stage.provideFloor();
  const rates = await runRounds(
    {
      ours: calls => ours.run(timeCalls, { count: calls, inFlight }),
      floor: calls => floor.calls(calls, inFlight),
    },
    stage.extent({ rounds: 11, count }),
  );
  return [
    {
      name,
      value: median(rates.ours),
      unit: 'round trips/s',
      floor: median(rates.floor),
      ratioToFloor: ratioOf(rates.ours, rates.floor),
    },
  ];
};
