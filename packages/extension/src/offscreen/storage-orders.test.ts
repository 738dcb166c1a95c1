import { expect, test } from 'vitest';
import type { StorageAnswer, StorageOrder } from '../storage-words.ts';
import { makeStorageOrders } from './storage-orders.ts';

/** Workers that take their orders down, and answer when a test says what. */
const setUp = () => {
  const begun: string[] = [];
  const workers: Worker[] = [];
  const orders = makeStorageOrders(() => {
    const parts: unknown = {
      postMessage: ({ type }: StorageOrder) => begun.push(type),
      terminate: () => begun.push('ended'),
    };
    const worker = parts as Worker;
    workers.push(worker);
    return worker;
  });
  const answer = (data: StorageAnswer): void => {
    const worker = workers.at(-1);
    worker?.onmessage?.(new MessageEvent('message', { data }));
  };
  return { orders, begun, answer, workers };
};

test('obeys one order after the other, each by a worker of its own, and says what is in the way', async () => {
  const { orders, begun, answer } = setUp();
  const first = orders.order({ type: 'restore', name: 'a' });
  const second = orders.order({ type: 'copy' });
  await expect.poll(() => begun).toEqual(['restore']);
  answer({ ok: false, code: 'BACKUP_FAILED', problem: 'it is torn' });
  await expect(first).rejects.toMatchObject({
    code: 'BACKUP_FAILED',
    message: 'it is torn',
  });
  await expect.poll(() => begun).toEqual(['restore', 'ended', 'copy']);
  answer({ ok: true, result: 7 });
  expect(await second).toBe(7);
});

test('who waits for the end of all waits also for orders that wait themselves, and for one that fails', async () => {
  const { orders, begun, answer, workers } = setUp();
  await orders.whenDone();
  const told: string[] = [];
  const first = orders.order({ type: 'erase' }).then(() => told.push('erased'));
  const second = orders
    .order({ type: 'restore', name: 'a' })
    .catch(({ message }) => told.push(message));
  const done = orders.whenDone().then(() => told.push('done'));
  await expect.poll(() => begun).toEqual(['erase']);
  answer({ ok: true, result: null });
  await first;
  await expect.poll(() => workers.length).toBe(2);
  expect(told).toEqual(['erased']);
  const failure: unknown = { message: 'gone' };
  workers[1]?.onerror?.(failure as ErrorEvent);
  await Promise.all([second, done]);
  expect(told).toEqual(['erased', "The storage's worker failed: gone", 'done']);
});
