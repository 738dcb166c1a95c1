/** What consoles do while vats are at work; like `console-work.ts`. */
import type { Realm } from '../stage.ts';

/** Milliseconds of each of so many calls to the vat of a cluster, one at a time. */
export const timeEachCall = async (
  { send, kernel }: Realm,
  { cluster, count }: { cluster: string; count: number },
): Promise<number[]> => {
  const root = await send(kernel, 'root', cluster);
  const times: number[] = [];
  for (let call = 0; call < count; call += 1) {
    const start = performance.now();
    await send(root, 'ping');
    times.push(performance.now() - start);
  }
  return times;
};

/** Launches clusters whose vats then begin a delivery that does not end; resolves when each has been handed it. */
export const beginSpinning = async (
  { send, kernel }: Realm,
  { configs }: { configs: readonly { readonly name: string }[] },
): Promise<void> => {
  for (const config of configs) {
    await send(kernel, 'launch', config);
  }
  for (const { name } of configs) {
    const root = await send(kernel, 'root', name);
    await send(root, 'ping'); // an idle vat is handed what comes next at once
    send(root, 'spin').catch(() => {}); // it ends with its cluster
  }
  await send(kernel, 'status');
};

/** Launches clusters whose vats then get one delivery of so many steps after the other until they end. */
export const beginToiling = async (
  { send, kernel }: Realm,
  {
    configs,
    steps,
  }: { configs: readonly { readonly name: string }[]; steps: number },
): Promise<void> => {
  for (const config of configs) {
    await send(kernel, 'launch', config);
  }
  for (const { name } of configs) {
    const root = await send(kernel, 'root', name);
    const toil = async (): Promise<void> => {
      for (;;) {
        await send(root, 'toil', steps);
      }
    };
    for (const each of [toil(), toil()]) {
      each.catch(() => {}); // it ends with its cluster
    }
    await send(root, 'ping');
  }
};

/**
 * Milliseconds of a person's words: `status`, then of each cluster the words
 * that stop its vat, let it go on, and give it a new heap, after each of which it
 * is at work again, and `terminate`.
 */
export const timeControl = async (
  { send, kernel }: Realm,
  { clusters }: { clusters: readonly string[] },
): Promise<number[]> => {
  const time = async (method: string, ...args: unknown[]): Promise<number> => {
    const start = performance.now();
    await send(kernel, method, ...args);
    return performance.now() - start;
  };
  const times = [await time('status')];
  for (const method of ['suspend', 'resume', 'restart', 'terminate']) {
    for (const cluster of clusters) {
      times.push(await time(method, cluster));
    }
  }
  return times;
};
