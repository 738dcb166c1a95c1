import type { BenchCase } from '../stage.ts';
import { alias } from './alias.ts';
import { bystander } from './bystander.ts';
import { bystanderFlood } from './bystander-flood.ts';
import { bystanderStop } from './bystander-stop.ts';
import { store } from './store.ts';
import { console100 } from './console-100.ts';
import { consoleSeq } from './console-seq.ts';
import { epochs } from './epochs.ts';
import { gcCost } from './gc-cost.ts';
import { heapAfter } from './heap-after.ts';
import { reap1000 } from './reap-1000.ts';
import { roundtripConsole } from './roundtrip-console.ts';
import { roundtripSeqMemory } from './roundtrip-seq-memory.ts';
import { roundtripSeq } from './roundtrip-seq.ts';
import { sqlPerCall } from './sql-per-call.ts';
import { sqlPerRoundtrip } from './sql-per-roundtrip.ts';
import { terminate100k } from './terminate-100k.ts';
import { vatMemory } from './vat-memory.ts';
import { vatStart100k } from './vat-start-100k.ts';
import { vatStart } from './vat-start.ts';
import { stream1000 } from './stream-1000.ts';
import { streamPairs } from './stream-pairs.ts';
import { twoCpuVats } from './two-cpu-vats.ts';
import { upgrade } from './upgrade.ts';

/** In the order in which they are measured. */
export const CASES: readonly BenchCase[] = [
  roundtripSeq,
  roundtripSeqMemory,
  stream1000,
  streamPairs,
  consoleSeq,
  console100,
  roundtripConsole,
  sqlPerCall,
  sqlPerRoundtrip,
  epochs,
  alias,
  vatStart,
  vatStart100k,
  upgrade,
  vatMemory,
  store,
  bystander,
  bystanderStop,
  bystanderFlood,
  twoCpuVats,
  heapAfter,
  reap1000,
  gcCost,
  terminate100k,
];
