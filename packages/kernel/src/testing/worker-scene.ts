import {
  DEFAULT_VAT_LIMITS,
  encodeRows,
  makeVatId,
  type TraceEvent,
  type VatId,
} from '@cooperage/protocol';
import { makePhase } from '../phase.ts';
import type { VatLauncher } from '../ports.ts';
import { makeTellStart, type Start } from '../vats/start.ts';
import type { WorkerPowers } from '../vats/worker.ts';
import type { WorkerOwner } from '../vats/worker-owner.ts';
import { makeManualClock } from './manual-clock.ts';
import { makeRawVats, type Beginning, type Behavior } from './raw-vats.ts';

/** What a worker is told at its start. */
export const startOf = (
  vat: VatId,
  limits: Parameters<ReturnType<typeof makeTellStart>>[0]['limits'] = {},
): Start =>
  makeTellStart({})(
    { id: vat, name: 'vat', incarnation: 1, endowments: [], limits },
    { bundle: '', store: encodeRows([]) },
  );

/** What workers of raw vats need, without a kernel, and all that their owners are told. */
export const makeWorkerScene = ({
  behave = () => undefined,
  begin,
  wrap = launcher => launcher,
}: {
  behave?: Behavior;
  begin?: (label: string) => Beginning;
  wrap?: (launcher: VatLauncher) => VatLauncher;
} = {}) => {
  const raw = makeRawVats(behave, begin);
  const phase = makePhase();
  const { clock, advance, waits } = makeManualClock();
  const told: (readonly unknown[])[] = [];
  const logs: (readonly unknown[])[] = [];
  const traced: TraceEvent[] = [];
  const powers: WorkerPowers = {
    launcher: wrap(raw.launcher),
    clock,
    limits: DEFAULT_VAT_LIMITS,
    bootMilliseconds: 20_000,
    deliveryMilliseconds: 5_000,
    phase,
    onLog: (...line) => logs.push(line),
    onTrace: makeEvent => traced.push(makeEvent()),
  };
  let last = 0;
  return {
    ...{ raw, phase, clock, advance, waits, told, logs, traced, powers },
    /** A vat of that label, which is its party too. */
    name: (label: string) => {
      last += 1;
      return { vat: makeVatId(last), label, party: label };
    },
    ownerOf: (label: string): WorkerOwner => ({
      onReady: () => told.push([label, 'ready']),
      onDone: ({ crank }) => told.push([label, 'done', crank]),
      onFailed: problem => told.push([label, 'failed', problem]),
      onLost: (...loss) => told.push([label, 'lost', ...loss]),
      afterLoss: () => told.push([label, 'after loss']),
    }),
    /** Labels of those whose workers live. */
    living: () =>
      raw.all.filter(({ isKilled }) => !isKilled).map(({ label }) => label),
  };
};
