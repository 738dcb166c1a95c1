import { CooperageError, ERROR_CODES } from '@cooperage/protocol';
import type { StorageAnswer, StorageOrder } from '../storage-words.ts';

/** Has one order at a time obeyed, each by a worker of its own. */
export const makeStorageOrders = (startWorker: () => Worker) => {
  let last: Promise<unknown> = Promise.resolve();

  const obey = (order: StorageOrder): Promise<StorageAnswer> =>
    new Promise((resolve, reject) => {
      const worker = startWorker();
      worker.onmessage = ({ data }: MessageEvent<StorageAnswer>) => {
        worker.terminate();
        resolve(data);
      };
      worker.onerror = ({ message }) => {
        worker.terminate();
        reject(
          new CooperageError(
            'BACKUP_FAILED',
            `The storage's worker failed: ${message ?? 'it could not be loaded'}`,
          ),
        );
      };
      worker.postMessage(order);
    });

  const give = (order: StorageOrder): Promise<unknown> => {
    const answered = last.then(async () => {
      const answer = await obey(order);
      if (!answer.ok) {
        const code = ERROR_CODES.find(each => each === answer.code);
        throw new CooperageError(code ?? 'BACKUP_FAILED', answer.problem);
      }
      return answer.result;
    });
    last = answered.catch(() => {}); // the one who ordered it hears of it
    return answered;
  };

  return Object.freeze({
    /** Rejects with a CooperageError that says what is in the way. */
    order: give,
    /** Resolves when no order is left that was given before: until then no kernel may open what is stored. */
    whenDone: async (): Promise<void> => void (await last),
  });
};
export type StorageOrders = ReturnType<typeof makeStorageOrders>;
