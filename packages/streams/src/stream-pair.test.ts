import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runDuplexStreamTests } from './test/duplex-suite.ts';
import { makeInbox } from './inbox.ts';
import { makeStreamPair } from './stream-pair.ts';

runDuplexStreamTests('a pair in memory', options => {
  const { left, right, posts, postRaw } = makeStreamPair(options);
  return { left, right, leftPosts: () => posts().left, postRaw };
});

/** One microtask per post, and some more, brings everything to rest: nothing here waits for the host. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn += 1) await undefined;
};

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      from: fc.constantFrom('left', 'right'),
      size: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.constant('turn') },
  { weight: 1, arbitrary: fc.constant('fence') },
  { weight: 1, arbitrary: fc.constant('release') },
  { weight: 1, arbitrary: fc.constant('flush') },
);

it('delivers any interleaving of sends in order and whole, with any window', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      fc.nat(60),
      async (steps, window, receiveAt) => {
        const pair = makeStreamPair(window === undefined ? {} : { window });
        const sent: Record<string, unknown[]> = { left: [], right: [] };
        const got: Record<string, unknown[]> = { left: [], right: [] };
        const fences: { release(): void }[] = [];
        const receive = (): void => {
          pair.left.receive(
            message => got.right!.push(message),
            () => {},
          );
          pair.right.receive(
            message => got.left!.push(message),
            () => {},
          );
        };
        let serial = 0;
        for (const [index, action] of steps.entries()) {
          if (index === receiveAt) receive();
          if (action === 'turn') await undefined;
          else if (action === 'fence') fences.push(pair.fence());
          else if (action === 'release') fences.pop()?.release();
          else if (action === 'flush') pair.left.flush();
          else {
            const message = {
              serial: (serial += 1),
              body: Array(action.size).fill('x'),
            };
            sent[action.from]!.push(message);
            pair[action.from === 'left' ? 'left' : 'right'].send(message);
          }
        }
        if (receiveAt >= steps.length) receive();
        for (const fence of fences) fence.release();
        await settle();
        expect(got).toEqual(sent);
        expect(pair.held()).toBe(0);
      },
    ),
  );
});

it('holds delivery behind a fence until it is released', async () => {
  const pair = makeStreamPair();
  const got: unknown[] = [];
  pair.right.receive(
    message => got.push(message),
    () => {},
  );
  const fence = pair.fence();
  pair.left.send(1);
  await settle();
  pair.left.send(2);
  await settle();
  expect([got, pair.held()]).toEqual([[], 2]);
  fence.release();
  await settle();
  expect([got, pair.held()]).toEqual([[1, 2], 0]);
});

it('delivers clones: what the receiver gets is not what the sender holds', async () => {
  const pair = makeStreamPair();
  const sent = { at: new Date(0), list: [1n, undefined] };
  const got: unknown[] = [];
  pair.right.receive(
    message => got.push(message),
    () => {},
  );
  pair.left.send(sent);
  await settle();
  expect(got).toEqual([sent]);
  expect(got[0]).not.toBe(sent);
});

it('lets what onClose throws out to who closed, even from within a message', async () => {
  const { left, right } = makeStreamPair();
  const thrown: unknown[] = [];
  right.receive(
    () => {
      try {
        right.close();
      } catch (error) {
        thrown.push(error);
      }
    },
    () => {
      throw new Error('loud');
    },
  );
  left.send(1);
  await left.closed;
  expect(thrown).toEqual([new Error('loud')]);
});

it('gives the host what a receiver throws after the end, and still tells of the end', async () => {
  const told: unknown[] = [];
  const inbox = makeInbox<number>({
    limit: 9,
    label: 'inbox',
    sendAck: () => {},
    onFault: error => told.push(error),
  });
  inbox.receive({
    acknowledge: 'automatic',
    onMessage: () => {
      inbox.end(undefined, true);
      throw new Error('loud');
    },
    onClose: reason => told.push(reason),
  });
  expect(() => inbox.arrive([1, 2])).toThrow('loud');
  expect(told).toEqual([undefined]);
});

it('tells both ends when the wire is cut, and loses what was on its way', async () => {
  const pair = makeStreamPair();
  const got: unknown[] = [];
  const ends: unknown[] = [];
  for (const end of [pair.left, pair.right]) {
    end.receive(
      message => got.push(message),
      reason => ends.push(reason?.message),
    );
  }
  pair.left.send(1);
  pair.left.flush();
  pair.cut();
  await settle();
  expect([got, ends]).toEqual([[], ['the wire was cut', 'the wire was cut']]);
});
