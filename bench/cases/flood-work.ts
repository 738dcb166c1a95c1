/** What consoles do for `bystander-flood`; like `console-work.ts`. */
import type { Realm } from '../stage.ts';

/**
 * Milliseconds of so many calls to the vat of a cluster. They come at a pace,
 * whether those before have been answered or not, as from people who know
 * nothing of each other: who asks one at a time meets a long wait but once. A
 * call that could not leave in time, since this thread had no turn, has waited too.
 */
export const timePacedCalls = async (
  { send, kernel }: Realm,
  { cluster, count, pace }: { cluster: string; count: number; pace: number },
): Promise<number[]> => {
  const root = await send(kernel, 'root', cluster);
  const timeFrom = async (due: number): Promise<number> => {
    await send(root, 'ping');
    return performance.now() - due;
  };
  const calls: Promise<number>[] = [];
  let due = performance.now();
  while (calls.length < count) {
    due += pace;
    const wait = due - performance.now();
    if (wait > 0) {
      await new Promise(resolve => void setTimeout(resolve, wait));
      // How exact a timer is does not count.
      const now = performance.now();
      due = now < due + pace ? now : due;
    }
    calls.push(timeFrom(due));
  }
  return Promise.all(calls);
};

/** Launches the cluster, whose vat `flooder` then makes one crank after the other; resolves when it has begun the second. */
export const beginFlood = async (
  { send, kernel }: Realm,
  { config }: { config: { readonly name: string } },
): Promise<void> => {
  await send(kernel, 'launch', config);
  const flooder = await send(kernel, 'root', config.name, 'flooder');
  const sink = await send(kernel, 'root', config.name, 'sink');
  send(flooder, 'flood', sink).catch(() => {}); // it ends with its cluster
  await send(flooder, 'afterCranks', 1);
};

/** Resolves when the vat has begun so many cranks more. */
export const waitForCranks = async (
  { send, kernel }: Realm,
  { cluster, cranks }: { cluster: string; cranks: number },
): Promise<void> => {
  const flooder = await send(kernel, 'root', cluster, 'flooder');
  await send(flooder, 'afterCranks', cranks);
};
