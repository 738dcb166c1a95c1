import { expect, it } from 'vitest';
import { messagesOf } from './messages-of.ts';
import { makeStreamPair } from './stream-pair.ts';

it('yields every message and ends when the stream closes in good order', async () => {
  const { left, right } = makeStreamPair();
  left.send(1);
  left.send(2);
  left.close();
  const got: unknown[] = [];
  for await (const message of messagesOf(right)) got.push(message);
  expect(got).toEqual([1, 2]);
});

it('throws the reason after the messages that came before', async () => {
  const { left, right } = makeStreamPair();
  left.send(1);
  left.close(new Error('broken'));
  const messages = messagesOf(right);
  expect(await messages.next()).toEqual({ done: false, value: 1 });
  await expect(messages.next()).rejects.toThrow(/broken/);
  expect(await messages.next()).toEqual({ done: true, value: undefined });
});

it('answers those who asked before a message came, in order', async () => {
  const { left, right } = makeStreamPair();
  const messages = messagesOf(right);
  const asked = [messages.next(), messages.next(), messages.next()];
  left.send('a');
  left.send('b');
  left.close();
  expect(await Promise.all(asked)).toEqual([
    { done: false, value: 'a' },
    { done: false, value: 'b' },
    { done: true, value: undefined },
  ]);
});

it('holds a sender with a window back until the loop asks', async () => {
  const { left, right, posts } = makeStreamPair({ window: 2 });
  const messages = messagesOf(right, { limit: 2 });
  for (const n of [1, 2, 3, 4, 5]) left.send(n);
  const got: unknown[] = [];
  for (const _ of [1, 2, 3, 4, 5]) got.push((await messages.next()).value);
  expect(got).toEqual([1, 2, 3, 4, 5]);
  // The announcement of the window, then no post of more than two messages.
  expect(posts().left).toBeGreaterThanOrEqual(4);
});

it('closes the stream when more messages wait than its limit', async () => {
  const { left, right } = makeStreamPair();
  const messages = messagesOf(right, { limit: 2 });
  for (const n of [1, 2, 3]) left.send(n);
  expect(await right.closed).toMatchObject({
    code: 'QUEUE_FULL',
    message: expect.stringMatching(/limit 2/),
  });
  await messages.return?.();
});

it('closes the stream when the loop is left early', async () => {
  const { left, right } = makeStreamPair();
  left.send(1);
  for await (const message of messagesOf(right)) {
    expect(message).toBe(1);
    break;
  }
  expect(await left.closed).toBe(undefined);
});
