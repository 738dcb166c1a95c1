import { makeCpuMeter } from '../cpu-meter.ts';
import { median, ratioOf, runRounds } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import { timeRoundTrips } from './console-work.ts';
import { contendPeers, ratiosToPeers } from './peers.ts';

/** Round trips from a vat to another, one at a time, durable. */
export const roundtripSeq: BenchCase = {
  name: 'roundtrip-seq',
  figures: ['roundtrip-seq', 'roundtrip-seq-cpu', 'roundtrip-seq-floor'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    const floor = await stage.provideFloor();
    const peers = await contendPeers(stage, 1);
    const meter = makeCpuMeter(stage.readCpu);
    const rates = await runRounds(
      meter.watch({
        ours: count => ours.run(timeRoundTrips, { count }),
        floor: floor.roundTrips,
        hops: floor.hops,
        ...peers,
      }),
      stage.extent({ rounds: 11, count: 2_000, warm: 10_000 }),
    );
    return [
      {
        name: 'roundtrip-seq',
        value: median(rates.ours),
        unit: 'round trips/s',
        floor: median(rates.floor),
        ratioToFloor: ratioOf(rates.ours, rates.floor),
        peers: ratiosToPeers(rates),
      },
      {
        name: 'roundtrip-seq-cpu',
        value: meter.microseconds('ours'),
        unit: 'µs of processor',
        floor: meter.microseconds('floor'),
        ratioToFloor: meter.ratio('ours', 'floor'),
        peers: { captp: meter.ratio('ours', 'captp') },
      },
      {
        name: 'roundtrip-seq-floor',
        value: median(rates.floor),
        unit: 'round trips/s',
        peers: { 'bare port hops': ratioOf(rates.floor, rates.hops) },
      },
    ];
  },
};
