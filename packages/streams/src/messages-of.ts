import type { DuplexStream } from './duplex.ts';
import { makeBoundedQueue } from './queue.ts';

type Waiting<In> = {
  resolve(result: IteratorResult<In, undefined>): void;
  reject(reason: Error): void;
};

/**
 * The messages of a stream for a `for await` loop: the receiver of the stream, for code that is not hot (a promise per
 * message). Backpressure: a message counts as taken, so that the other side's window moves on, only when the loop asks
 * for the next one. At most `limit` messages (4096) wait for the loop; one more, which only a sender without a window
 * brings about, closes the stream with QueueFullError.
 *
 * The loop ends when the stream closes in good order, and throws the reason otherwise, after the messages that came
 * before. Leaving the loop early closes the stream.
 */
export const messagesOf = <In>(
  stream: DuplexStream<In, never>,
  { limit = 4096 }: { readonly limit?: number } = {},
): AsyncIterableIterator<In, undefined> => {
  const arrived = makeBoundedQueue<{ value: In }>(
    limit,
    `${limit} messages wait for the loop over a stream (limit ${limit})`,
  );
  const asked = makeBoundedQueue<Waiting<In>>(
    limit,
    `${limit} calls of next() wait for messages (limit ${limit})`,
  );
  let ending: { reason: Error | undefined } | undefined;

  const finish = ({ resolve, reject }: Waiting<In>): void => {
    if (ending?.reason === undefined) resolve({ done: true, value: undefined });
    else reject(ending.reason);
    // The reason is told once, as an iterator's error is.
    ending = { reason: undefined };
  };
  const give = ({ resolve }: Waiting<In>, value: In): void => {
    stream.acknowledge(1);
    resolve({ done: false, value });
  };

  stream.receive(
    value => {
      const next = asked.shift();
      if (next === undefined) arrived.push({ value });
      else give(next, value);
    },
    reason => {
      ending = { reason };
      for (let next = asked.shift(); next; next = asked.shift()) finish(next);
    },
    { acknowledge: 'manual' },
  );

  const iterator: AsyncIterableIterator<In, undefined> = {
    next: () =>
      new Promise((resolve, reject) => {
        const mine = { resolve, reject };
        const first = arrived.shift();
        if (first !== undefined) give(mine, first.value);
        else if (ending !== undefined) finish(mine);
        else asked.push(mine);
      }),
    return: () => {
      arrived.clear();
      stream.close();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return Object.freeze(iterator);
};
