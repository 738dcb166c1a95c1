import { makeCpuMeter } from '../cpu-meter.ts';
import { median, ratioOf, runRounds } from '../rounds.ts';
import type { BenchCase } from '../stage.ts';
import { timeStream } from './console-work.ts';
import { contendPeers, ratiosToPeers } from './peers.ts';

const IN_FLIGHT = 1_000;

/** Round trips from a vat to another, 1,000 in flight, durable; the floor does one at a time, the peers as many as ours. */
export const stream1000: BenchCase = {
  name: 'stream-1000',
  figures: ['stream-1000', 'stream-1000-cpu'],
  platforms: ['node', 'chromium'],
  measure: async stage => {
    const ours = await stage.provideOurs();
    const floor = await stage.provideFloor();
    const peers = await contendPeers(stage, IN_FLIGHT);
    const meter = makeCpuMeter(stage.readCpu);
    const rates = await runRounds(
      meter.watch({
        ours: count => ours.run(timeStream, { count, inFlight: IN_FLIGHT }),
        floor: floor.roundTrips,
        ...peers,
      }),
      stage.extent({ rounds: 15, count: 2_000, warm: 6_000 }),
    );
    return [
      {
        name: 'stream-1000',
        value: median(rates.ours),
        unit: 'round trips/s',
        floor: median(rates.floor),
        ratioToFloor: ratioOf(rates.ours, rates.floor),
        peers: ratiosToPeers(rates),
      },
      {
        name: 'stream-1000-cpu',
        value: meter.microseconds('ours'),
        unit: 'µs of processor',
        floor: meter.microseconds('floor'),
        ratioToFloor: meter.ratio('ours', 'floor'),
        peers: { captp: meter.ratio('ours', 'captp') },
      },
    ];
  },
};
