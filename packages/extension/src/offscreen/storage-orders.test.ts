import { expect, test } from 'vitest';
import type { FromStorageWorker, StorageOrder } from '../storage-words.ts';
import { makeStorageOrders } from './storage-orders.ts';

/** Workers that take their orders down, and answer when a test says what. */
const setUp = () => {
  const begun: string[] = [];
  const workers: Worker[] = [];
  const deaths = new Map<string, () => void>();
  let isResting = true;
  const orders = makeStorageOrders({
    startWorker: () => {
      const parts: unknown = {
        postMessage: ({ type }: StorageOrder) => begun.push(type),
        terminate: () => begun.push('ended'),
      };
      const worker = parts as Worker;
      workers.push(worker);
      return worker;
    },
    whenDead: name => new Promise(resolve => deaths.set(name, resolve)),
    isResting: () => isResting,
  });
  const answer = (data: FromStorageWorker): void => {
    const worker = workers.at(-1);
    worker?.onmessage?.(new MessageEvent('message', { data }));
  };
  const wake = (): void => {
    isResting = false;
  };
  return { orders, begun, answer, workers, deaths, wake };
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

test('who waits for the end of all waits also for an order that is given meanwhile', async () => {
  const { orders, answer, workers } = setUp();
  const told: string[] = [];
  const first = orders.order({ type: 'erase' });
  const done = orders.whenDone().then(() => told.push('done'));
  await expect.poll(() => workers.length).toBe(1);
  const second = orders
    .order({ type: 'erase' })
    .then(() => told.push('erased'));
  answer({ ok: true, result: null });
  await first;
  await expect.poll(() => workers.length).toBe(2);
  answer({ ok: true, result: null });
  await Promise.all([second, done]);
  expect(told).toEqual(['erased', 'done']);
});

test('a worker that dies without a word is no answer, and the next order is obeyed', async () => {
  const { orders, answer, workers, deaths } = setUp();
  const first = orders.order({ type: 'restore', name: 'a' });
  await expect.poll(() => workers.length).toBe(1);
  answer({ alive: 'storage-1-run' });
  deaths.get('storage-1-run')?.();
  await expect(first).rejects.toMatchObject({
    code: 'BACKUP_FAILED',
    message: "The storage's worker ended before its answer",
  });
  const second = orders.order({ type: 'erase' });
  await expect.poll(() => workers.length).toBe(2);
  answer({ ok: true, result: null });
  expect(await second).toBe(null);
});

test('once a kernel has the files, no order is obeyed', async () => {
  const { orders, workers, wake } = setUp();
  wake();
  await expect(orders.order({ type: 'erase' })).rejects.toMatchObject({
    code: 'BACKUP_FAILED',
  });
  expect(workers).toEqual([]);
});
