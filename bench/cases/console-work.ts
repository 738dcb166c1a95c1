/**
 * What consoles do in the cases: functions that refer to their parameters only,
 * so that their text can be evaluated elsewhere. Each gives milliseconds.
 */
import type { Realm } from '../stage.ts';

/** Round trips from `near` to `far`, one at a time. */
export const timeRoundTrips = async (
  { send, kernel }: Realm,
  { count }: { count: number },
): Promise<number> => {
  const near = await send(kernel, 'root', 'bench', 'near');
  const far = await send(kernel, 'root', 'bench', 'far');
  const start = performance.now();
  await send(near, 'roundTrips', count, far);
  return performance.now() - start;
};

/** Round trips from `near` to `far`, so many in flight. */
export const timeStream = async (
  { send, kernel }: Realm,
  { count, inFlight }: { count: number; inFlight: number },
): Promise<number> => {
  const near = await send(kernel, 'root', 'bench', 'near');
  const far = await send(kernel, 'root', 'bench', 'far');
  const start = performance.now();
  await send(near, 'stream', count, far, Math.min(count, inFlight));
  return performance.now() - start;
};

/** Calls from the console to `far`, so many in flight. */
export const timeCalls = async (
  { send, kernel }: Realm,
  { count, inFlight }: { count: number; inFlight: number },
): Promise<number> => {
  const far = await send(kernel, 'root', 'bench', 'far');
  const chain = async (): Promise<void> => {
    for (let calls = 0; calls < count / inFlight; calls += 1) {
      await send(far, 'ping');
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, chain));
  return performance.now() - start;
};
