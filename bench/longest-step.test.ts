import { expect, test } from 'vitest';
import { beginToWatch, endWatch } from './longest-step.ts';

const pause = (milliseconds: number): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, milliseconds));

const spin = (milliseconds: number): void => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

test.each([
  ['between two looks', () => pause(0)],
  ['before the last look', () => Promise.resolve()],
])('a step that blocks its thread is noticed: %s', async (_where, last) => {
  beginToWatch();
  await pause(20);
  spin(300);
  await last();
  expect(endWatch()).toBeGreaterThanOrEqual(300);
});

test('work in short steps is as long as one of these, not as all', async () => {
  beginToWatch();
  const start = performance.now();
  for (let step = 0; step < 40; step += 1) {
    spin(20);
    await pause(0);
  }
  expect(endWatch()).toBeLessThan((performance.now() - start) / 2);
});
