import { CooperageError, ERROR_CODES } from '@cooperage/protocol';
import type {
  FromStorageWorker,
  StorageAnswer,
  StorageOrder,
} from '../storage-words.ts';

export type StorageOrdersOptions = {
  /** Starts it under that name. */
  readonly startWorker: (name: string) => Worker;
  /** Resolves when the named worker, known to live, is dead. */
  readonly whenDead: (name: string) => Promise<void>;
  /** No kernel has the files. */
  readonly isResting: () => boolean;
};

const failureOf = (what: string): CooperageError =>
  new CooperageError('BACKUP_FAILED', `The storage's worker ${what}`);

/** Has one order at a time obeyed, each by a worker of its own. */
export const makeStorageOrders = (options: StorageOrdersOptions) => {
  const { startWorker, whenDead, isResting } = options;
  let last: Promise<unknown> = Promise.resolve();
  let starts = 0;

  const obey = async (order: StorageOrder): Promise<StorageAnswer> => {
    starts += 1;
    const worker = startWorker(`storage-${starts}`);
    try {
      return await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<FromStorageWorker>) => {
          if ('alive' in data) {
            void whenDead(data.alive).then(() =>
              reject(failureOf('ended before its answer')),
            );
          } else {
            resolve(data);
          }
        };
        worker.onerror = ({ message }) =>
          reject(failureOf(`failed: ${message ?? 'it could not be loaded'}`));
        worker.postMessage(order);
      });
    } finally {
      worker.terminate();
    }
  };

  const give = async (order: StorageOrder): Promise<unknown> => {
    if (!isResting()) {
      throw new CooperageError(
        'BACKUP_FAILED',
        'A kernel has just been started over the files: ask it',
      );
    }
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
    /**
     * Resolves when no order is left, those included that were given meanwhile:
     * until then no kernel may open what is stored.
     */
    whenDone: async (): Promise<void> => {
      let seen;
      do {
        seen = last;
        await seen;
      } while (seen !== last);
    },
  });
};
export type StorageOrders = ReturnType<typeof makeStorageOrders>;
