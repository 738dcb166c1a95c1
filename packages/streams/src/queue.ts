import { QueueFullError } from './errors.ts';

/** First in, first out; `shift` costs the same whatever the length. */
export type Queue<T> = {
  push(item: T): void;
  /** Takes the oldest item; undefined if the queue is empty. */
  shift(): T | undefined;
  clear(): void;
  size(): number;
};

/** An array with a moving head, since `Array.prototype.shift` moves every item of a long array. */
export const makeQueue = <T>(): Queue<T> => {
  let items: (T | undefined)[] = [];
  let head = 0;
  return Object.freeze({
    push: (item: T) => {
      items.push(item);
    },
    shift: () => {
      if (head === items.length) return undefined;
      const item = items[head];
      items[head] = undefined;
      head += 1;
      if (head === items.length) {
        items = [];
        head = 0;
      } else if (head >= 1024 && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
    clear: () => {
      items = [];
      head = 0;
    },
    size: () => items.length - head,
  });
};

/** A queue whose `push` throws QueueFullError, with `complaint` as its message, beyond `limit` items. */
export const makeBoundedQueue = <T>(
  limit: number,
  complaint: string,
): Queue<T> => {
  const queue = makeQueue<T>();
  return Object.freeze({
    ...queue,
    push: (item: T) => {
      if (queue.size() >= limit) throw new QueueFullError(complaint);
      queue.push(item);
    },
  });
};
