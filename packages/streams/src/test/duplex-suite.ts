/** What every duplex stream does, whatever carries it: run against each adapter. */
import { afterEach, describe, expect, it } from 'vitest';
import type { DuplexStream, StreamOptions } from '../duplex.ts';
import { QueueFullError, StreamClosedError, StreamError } from '../errors.ts';

/** Two connected ends, and what the suite must know of their transport. */
export type DuplexPair = {
  readonly left: DuplexStream<unknown, unknown>;
  readonly right: DuplexStream<unknown, unknown>;
  /** How many times the left end has posted. */
  leftPosts(): number;
  /** Puts something on the wire to the right end that no stream would. */
  postRaw(data: unknown): void;
  /** Ends what the streams do not own. */
  dispose?(): unknown;
};

/** Makes a pair whose ends both have the given bounds. */
export type MakeDuplexPair = (
  options?: StreamOptions,
) => DuplexPair | Promise<DuplexPair>;

/** What a transport can't do. */
export type DuplexTraits = {
  /** Whether it transfers buffers; true by default. */
  readonly transfers?: boolean;
};

/** A receiver that remembers, and tells when the n-th message or the end is there. */
const collect = (stream: DuplexStream<unknown, unknown>) => {
  const messages: unknown[] = [];
  const ends: (Error | undefined)[] = [];
  const waiters: { count: number; resolve: () => void }[] = [];
  const end = new Promise<Error | undefined>(resolve => {
    stream.receive(
      message => {
        messages.push(message);
        for (const { count, resolve: tell } of waiters) {
          if (messages.length >= count) tell();
        }
      },
      reason => {
        ends.push(reason);
        resolve(reason);
      },
    );
  });
  const until = (count: number): Promise<unknown[]> =>
    new Promise(resolve => {
      const done = (): void => resolve(messages.slice());
      if (messages.length >= count) done();
      else waiters.push({ count, resolve: done });
    });
  return { messages, ends, end, until };
};

const numbers = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => index);

type Open = (options?: StreamOptions) => Promise<DuplexPair>;

const messageTests = (open: Open): void => {
  it('delivers in order, both ways', async () => {
    const { left, right } = await open();
    const atLeft = collect(left);
    const atRight = collect(right);
    for (const n of numbers(50)) {
      left.send({ n });
      right.send([n]);
    }
    expect(await atRight.until(50)).toEqual(numbers(50).map(n => ({ n })));
    expect(await atLeft.until(50)).toEqual(numbers(50).map(n => [n]));
  });

  it('posts the messages of one turn once', async () => {
    const { left, right, leftPosts } = await open();
    const atRight = collect(right);
    const before = leftPosts();
    for (const n of numbers(100)) left.send(n);
    expect(leftPosts() - before).toBe(0);
    expect(await atRight.until(100)).toEqual(numbers(100));
    expect(leftPosts() - before).toBe(1);
  });

  it('posts at once when flushed', async () => {
    const { left, right, leftPosts } = await open();
    const atRight = collect(right);
    const before = leftPosts();
    left.send('a');
    left.flush();
    left.flush();
    expect(leftPosts() - before).toBe(1);
    left.send('b');
    expect(await atRight.until(2)).toEqual(['a', 'b']);
    expect(leftPosts() - before).toBe(2);
  });

  it('splits a turn of very many messages and loses none', async () => {
    const { left, right } = await open();
    const atRight = collect(right);
    for (const n of numbers(10_000)) left.send(n);
    expect(await atRight.until(10_000)).toEqual(numbers(10_000));
  });

  it('lets a receiver send', async () => {
    const { left, right } = await open();
    const atLeft = collect(left);
    right.receive(
      message => right.send(`echo ${String(message)}`),
      () => {},
    );
    left.send('a');
    left.send('b');
    expect(await atLeft.until(2)).toEqual(['echo a', 'echo b']);
  });

  it('keeps messages for a receiver that comes late, and never calls it before receive returns', async () => {
    const { left, right } = await open();
    const atLeft = collect(left);
    // The answer to `mark` shows that what was sent before has arrived.
    const release = right.receive(
      message => {
        if (message !== 'mark') return;
        release();
        right.send('marked');
      },
      () => {},
    );
    left.send('mark');
    for (const n of numbers(3)) left.send(n);
    await atLeft.until(1);
    const atRight = collect(right);
    expect(atRight.messages).toEqual([]);
    left.send(3);
    expect(await atRight.until(4)).toEqual([0, 1, 2, 3]);
  });

  it('has one receiver at most', async () => {
    const { right } = await open();
    const release = right.receive(
      () => {},
      () => {},
    );
    const second = () =>
      right.receive(
        () => {},
        () => {},
      );
    expect(second).toThrow(/has a receiver already/);
    release();
    expect(second()).toBeTypeOf('function');
  });
};

const closeTests = (open: Open): void => {
  it('closes both ends in good order, after what was sent before', async () => {
    const { left, right } = await open();
    const atLeft = collect(left);
    const atRight = collect(right);
    left.send('last');
    left.close();
    expect(await left.closed).toBe(undefined);
    expect(await right.closed).toBe(undefined);
    await Promise.all([atLeft.end, atRight.end]);
    expect(atRight.messages).toEqual(['last']);
    expect([atLeft.ends, atRight.ends]).toEqual([[undefined], [undefined]]);
    expect(() => left.send('x')).toThrow(StreamClosedError);
    expect(() => right.send('x')).toThrow(StreamClosedError);
    await expect(right.whenReady()).rejects.toThrow(StreamClosedError);
  });

  it('tells the other end the reason, from either side', async () => {
    for (const side of ['left', 'right'] as const) {
      const pair = await open();
      const far = pair[side === 'left' ? 'right' : 'left'];
      const atFar = collect(far);
      const reason = new StreamError('RPC_MALFORMED', 'it made no sense');
      pair[side].close(reason);
      pair[side].close(new Error('too late'));
      expect(await pair[side].closed).toBe(reason);
      const told = await atFar.end;
      expect(told).toBeInstanceOf(StreamClosedError);
      expect(told).toMatchObject({
        code: 'STREAM_CLOSED',
        remote: { message: 'it made no sense', code: 'RPC_MALFORMED' },
      });
      expect(await far.closed).toBe(told);
    }
  });

  it('delivers what waits, then the end, to a receiver that comes after the close', async () => {
    const { left, right } = await open();
    left.send('a');
    left.close(new Error('done'));
    await right.closed;
    const atRight = collect(right);
    expect((await atRight.end)?.message).toMatch(/done/);
    expect(atRight.messages).toEqual(['a']);
  });

  it('closes with the error of a receiver that throws, and keeps its text to itself', async () => {
    const { left, right } = await open();
    const atLeft = collect(left);
    const fault = new TypeError('secret');
    let seen = 0;
    let told: Error | undefined;
    right.receive(
      () => {
        seen += 1;
        throw fault;
      },
      reason => {
        told = reason;
      },
    );
    left.send(1);
    left.send(2);
    expect(await right.closed).toMatchObject({
      code: 'STREAM_RECEIVER',
      cause: fault,
    });
    expect(told).toBe(await right.closed);
    const atOther = await atLeft.end;
    expect(atOther).toMatchObject({ remote: { code: 'STREAM_RECEIVER' } });
    expect(atOther?.message).not.toMatch(/secret/);
    expect(seen).toBe(1);
  });

  it.each([
    ['a text', 'hello'],
    ['null', null],
    ['a record of no kind', { hello: 1 }],
    ['a close without a proper reason', { close: { name: 1 } }],
    ['an ack that was not owed', { ack: 1 }],
    ['an ack of nothing', { ack: 0 }],
    ['a window that is no count', { window: 'wide' }],
    ['a batch of nothing', []],
  ])('closes when %s is on the wire', async (_what, data) => {
    const { left, right, postRaw } = await open();
    const atLeft = collect(left);
    postRaw(data);
    expect(await right.closed).toMatchObject({ code: 'STREAM_MALFORMED' });
    expect(await atLeft.end).toMatchObject({
      remote: { code: 'STREAM_MALFORMED' },
    });
  });
};

const boundTests = (open: Open): void => {
  it('closes when more messages wait for a receiver than inboxLimit, and names it', async () => {
    const { left, right } = await open({ inboxLimit: 3 });
    const atLeft = collect(left);
    for (const n of numbers(4)) left.send(n);
    const reason = await right.closed;
    expect(reason).toBeInstanceOf(QueueFullError);
    expect(reason?.message).toMatch(/inboxLimit 3/);
    expect((await atLeft.end)?.message).toMatch(/inboxLimit 3/);
  });

  it('sends no more than its window ahead, refuses what exceeds the outbox, and goes on when taken', async () => {
    const { left, right } = await open({ window: 4, outboxLimit: 2 });
    await left.whenReady();
    for (const n of numbers(6)) left.send(n);
    expect(() => left.send('refused')).toThrow(QueueFullError);
    expect(() => left.send('refused')).toThrow(/outboxLimit 2/);
    const ready = left.whenReady();
    const atRight = collect(right);
    await ready;
    left.send(6);
    expect(await atRight.until(7)).toEqual(numbers(7));
  });

  it('acknowledges by hand only what the receiver says', async () => {
    const { left, right } = await open({ window: 2 });
    const taken: unknown[] = [];
    const atLeft = collect(left);
    right.receive(
      message => {
        taken.push(message);
        right.send('got one');
      },
      () => {},
      { acknowledge: 'manual' },
    );
    for (const n of numbers(4)) left.send(n);
    await atLeft.until(2);
    expect(taken).toEqual([0, 1]);
    right.acknowledge(2);
    await atLeft.until(4);
    expect(taken).toEqual(numbers(4));
  });

  it('closes on a sender that exceeds its own window', async () => {
    const { right, postRaw } = await open();
    right.receive(
      () => {},
      () => {},
      { acknowledge: 'manual' },
    );
    postRaw({ window: 2 });
    postRaw([1, 2]);
    postRaw([3]);
    expect(await right.closed).toMatchObject({
      code: 'QUEUE_FULL',
      message: expect.stringMatching(/its own window of 2/),
    });
  });

  it('closes on a sender that announces its window again', async () => {
    const { right, postRaw } = await open();
    postRaw({ window: 2 });
    postRaw({ window: 2 });
    expect(await right.closed).toMatchObject({ code: 'STREAM_MALFORMED' });
  });

  it('rejects who waits for a window when the stream closes', async () => {
    const { left } = await open({ window: 1 });
    left.send(1);
    left.send(2);
    const ready = left.whenReady();
    left.close(new Error('enough'));
    await expect(ready).rejects.toThrow(/closed: enough/);
  });
};

const transferTests = (open: Open): void => {
  it('transfers buffers of several messages in one post', async () => {
    const { left, right, leftPosts } = await open();
    const atRight = collect(right);
    const before = leftPosts();
    const one = new Uint8Array([1, 2]);
    const two = new Uint8Array([3]);
    left.send({ one }, [one.buffer]);
    left.send('between');
    left.send({ two }, [two.buffer]);
    expect(await atRight.until(3)).toEqual([
      { one: new Uint8Array([1, 2]) },
      'between',
      { two: new Uint8Array([3]) },
    ]);
    expect([one.byteLength, two.byteLength]).toEqual([0, 0]);
    expect(leftPosts() - before).toBe(1);
  });

  it('closes on a message that cannot be cloned', async () => {
    const { left, right } = await open();
    const atRight = collect(right);
    left.send(() => {});
    expect(await left.closed).toMatchObject({ code: 'STREAM_UNSENDABLE' });
    expect(await atRight.end).toMatchObject({
      remote: { code: 'STREAM_UNSENDABLE' },
    });
  });

  it('closes on an array that is long but empty', async () => {
    const { right, postRaw } = await open();
    const hollow: unknown[] = [];
    hollow.length = 2 ** 32 - 1;
    postRaw(hollow);
    expect(await right.closed).toMatchObject({ code: 'STREAM_MALFORMED' });
  });
};

const noTransferTests = (open: Open): void => {
  it('closes on a message with a transfer list', async () => {
    const { left } = await open();
    left.send('x', [new ArrayBuffer(1)]);
    expect(await left.closed).toMatchObject({ code: 'STREAM_UNSENDABLE' });
  });
};

/** Runs the acceptance suite; each test makes a fresh pair and closes both ends after itself. */
export const runDuplexStreamTests = (
  name: string,
  makePair: MakeDuplexPair,
  { transfers = true }: DuplexTraits = {},
): void => {
  describe(`duplex stream over ${name}`, () => {
    const opened: DuplexPair[] = [];
    const open: Open = async options => {
      const pair = await makePair(options);
      opened.push(pair);
      return pair;
    };
    afterEach(async () => {
      for (const { left, right, dispose } of opened.splice(0)) {
        left.close();
        right.close();
        await dispose?.();
      }
    });
    messageTests(open);
    closeTests(open);
    boundTests(open);
    if (transfers) transferTests(open);
    else noTransferTests(open);
  });
};
