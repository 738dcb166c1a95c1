/** Sees to what is stored while no kernel runs: started for one order, ended after its answer. */
import { CooperageError } from '@cooperage/protocol';
import { makeClock } from './kernel-worker/clock.ts';
import type {
  FromStorageWorker,
  StorageAnswer,
  StorageOrder,
} from './storage-words.ts';
import {
  copyAll,
  restoreFrom,
  storeInstead,
} from './storage-worker/archive.ts';

declare const self: DedicatedWorkerGlobalScope;

const clock = makeClock();

const obey = (order: StorageOrder): Promise<unknown> => {
  switch (order.type) {
    case 'copy':
      return copyAll(clock);
    case 'restore':
      return restoreFrom(order.name, clock);
    case 'erase':
      return storeInstead(new Map(), clock);
  }
};

const answer = async (order: StorageOrder): Promise<StorageAnswer> => {
  try {
    return { ok: true, result: (await obey(order)) ?? null };
  } catch (problem) {
    return {
      ok: false,
      code: problem instanceof CooperageError ? problem.code : 'BACKUP_FAILED',
      problem: problem instanceof Error ? problem.message : String(problem),
    };
  }
};

const post = (word: FromStorageWorker): void => self.postMessage(word);

// Held until death, which gives no event: whoever waits for it knows then.
void navigator.locks.request(self.name, () => {
  post({ alive: self.name });
  return new Promise(() => {});
});

self.addEventListener('message', ({ data }: MessageEvent<StorageOrder>) => {
  void answer(data).then(post);
});
