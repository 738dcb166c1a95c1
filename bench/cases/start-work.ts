/**
 * What consoles do in the cases about starts: functions that refer to their
 * parameters only, so that their text can be evaluated elsewhere.
 */
import type { Realm } from '../stage.ts';

/** Resolves when the kernel runs, which its clients are told again after a loss. */
export const whenRunning = async ({ send, kernel }: Realm): Promise<void> => {
  await send(kernel, 'status');
};

/** Sends one message to the vat of each cluster, one after another after pauses; gives the milliseconds to each answer. */
export const timeFirstAnswers = async (
  { send, kernel }: Realm,
  { clusters, pause }: { clusters: readonly string[]; pause: number },
): Promise<number[]> => {
  const times: number[] = [];
  for (const cluster of clusters) {
    const root = await send(kernel, 'root', cluster);
    await new Promise(resolve => void setTimeout(resolve, pause));
    const start = performance.now();
    await send(root, 'ping');
    times.push(performance.now() - start);
  }
  return times;
};

/** Milliseconds from the end of a cluster's worker to the first answer of the next one, after a pause. */
export const timeRestart = async (
  { send, kernel }: Realm,
  { cluster, pause }: { cluster: string; pause: number },
): Promise<number> => {
  const root = await send(kernel, 'root', cluster);
  await new Promise(resolve => void setTimeout(resolve, pause));
  const start = performance.now();
  await send(kernel, 'restart', cluster);
  await send(root, 'ping');
  return performance.now() - start;
};

/** Puts rows into the store of a cluster's vat, some in each delivery. */
export const fillRows = async (
  { send, kernel }: Realm,
  { cluster, count }: { cluster: string; count: number },
): Promise<void> => {
  const root = await send(kernel, 'root', cluster);
  for (let from = 0; from < count; from += 1_000) {
    await send(root, 'fill', from, Math.min(1_000, count - from));
  }
};

/** Launches each config after the one before. */
export const launchAll = async (
  { send, kernel }: Realm,
  { configs }: { configs: readonly unknown[] },
): Promise<void> => {
  for (const config of configs) {
    await send(kernel, 'launch', config);
  }
};

/** Terminates the clusters. */
export const terminateAll = async (
  { send, kernel }: Realm,
  { clusters }: { clusters: readonly string[] },
): Promise<void> => {
  for (const cluster of clusters) {
    await send(kernel, 'terminate', cluster);
  }
};
