import { median } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import { beginSpinning } from './bystander-work.ts';
import { SPINNERS, spinnerConfig } from './spinner.ts';

/** How long a kernel takes to stop while as many vats spin as there are processors: its deliveries in flight have a tenth of a second to end. */
export const bystanderStop: BenchCase = {
  name: 'bystander-stop',
  figures: ['bystander-stop'],
  platforms: ['node'],
  measure: async stage => {
    const { rounds } = stage.extent({ rounds: 5, count: 1 });
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const ours = await stage.startOurs();
      await ours.run(beginSpinning, { configs: SPINNERS.map(spinnerConfig) });
      const start = performance.now();
      await ours.stop();
      times.push(performance.now() - start);
    }
    return [{ name: 'bystander-stop', value: median(times), unit: 'ms' }];
  },
};
