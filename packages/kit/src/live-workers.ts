import type { Worker } from 'node:worker_threads';

const live = new Set<Worker>();

// Node tells of every worker that this process starts, whoever starts it.
process.on('worker', (worker: Worker) => {
  live.add(worker);
  worker.once('exit', () => live.delete(worker));
});

/** Resolves when all of them have ended, those being ended now; a worker that nobody ends keeps it open. */
export const whenWorkersEnded = async (): Promise<void> => {
  await Promise.all(
    [...live].map(
      worker => new Promise(resolve => worker.once('exit', resolve)),
    ),
  );
};
