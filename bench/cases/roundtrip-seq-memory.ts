import { makeCpuMeter } from '../cpu-meter.ts';
import { median, ratioOf, runRounds, type Contender } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import { timeRoundTrips } from './console-work.ts';

/** Round trips from a vat to another, one at a time, nothing durable; beside SwingSet when it was asked for. */
export const roundtripSeqMemory: BenchCase = {
  name: 'roundtrip-seq-memory',
  figures: ['roundtrip-seq-memory', 'roundtrip-seq-memory-cpu'],
  platforms: ['node'],
  measure: async stage => {
    const ours = await stage.provideOurs('memory');
    const floor = await stage.provideFloor('memory');
    const swingset = await stage.provideSwingSet();
    const meter = makeCpuMeter(stage.readCpu);
    const contenders: Record<string, Contender> = {
      ours: count => ours.run(timeRoundTrips, { count }),
      floor: floor.roundTrips,
      ...(swingset && {
        swingset: (count: number) => swingset.roundTrips(count, 1),
      }),
    };
    const rates = await runRounds(
      meter.watch(contenders),
      stage.extent({ rounds: 15, count: 500, warm: 10_000 }),
    );
    const { ours: own = [], floor: base = [], swingset: other } = rates;
    return [
      {
        name: 'roundtrip-seq-memory',
        value: median(own),
        unit: 'round trips/s',
        floor: median(base),
        ratioToFloor: ratioOf(own, base),
        ...(other && { peers: { swingset: ratioOf(own, other) } }),
      },
      {
        name: 'roundtrip-seq-memory-cpu',
        value: meter.microseconds('ours'),
        unit: 'µs of processor',
        floor: meter.microseconds('floor'),
        ratioToFloor: meter.ratio('ours', 'floor'),
      },
    ];
  },
};
