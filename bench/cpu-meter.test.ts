import { expect, test } from 'vitest';
import { makeCpuMeter } from './cpu-meter.ts';

test('the processor time of a unit is the median of the runs after the first two', async () => {
  let cpu = 0;
  const meter = makeCpuMeter(() => Promise.resolve(cpu));
  const costs = [1_000, 1_000, 10, 20, 30];
  const { ours, floor } = meter.watch({
    ours: (count: number) => {
      cpu += count * (costs.shift() ?? 0);
      return Promise.resolve(1);
    },
    floor: (count: number) => {
      cpu += count * 5;
      return Promise.resolve(1);
    },
  });
  for (let run = 0; run < 5; run += 1) {
    await ours(2);
    await floor(4);
  }
  expect([
    meter.microseconds('ours'),
    meter.microseconds('floor'),
    meter.ratio('ours', 'floor'),
  ]).toEqual([20, 5, 0.25]);
});
