import { SAMPLES } from '../packages/kit/src/before-lockdown.ts';
import '../packages/client/src/lockdown.ts';
import { startRig } from '../packages/kit/src/rig.ts';
import {
  BENCH_CONFIG,
  measureConsole,
  measureVat,
  type BenchOptions,
  type BenchRealm,
  type Case,
} from './realm.ts';

const caseOf = (name: string, value: number, unit: string): Case => ({
  name,
  platform: 'node',
  value,
  unit,
});

const perSecond = (count: number, milliseconds: number): number =>
  (count / milliseconds) * 1000;

/** A kernel over SQLite in memory with real vats in worker threads, nothing checked. */
export const measure = async ({
  isQuick,
}: BenchOptions): Promise<readonly Case[]> => {
  const rig = await startRig({ baseUrl: SAMPLES.baseUrl, isChecked: false });
  const { E, kernel } = rig.console;
  const realm = (count: number): BenchRealm => ({
    E: target => E(target) as ReturnType<BenchRealm['E']>,
    kernel,
    count,
  });
  try {
    await E(kernel).launch(SAMPLES.configs['demo']);
    await E(kernel).launch(BENCH_CONFIG);
    await measureConsole(realm(isQuick ? 200 : 1_000));
    await measureVat(realm(isQuick ? 200 : 1_000));
    await rig.kernel.idle();

    const calls = isQuick ? 200 : 1_000;
    const before = { ...rig.db.counters };
    await measureConsole(realm(calls));
    const after = { ...rig.db.counters };
    const each = (key: keyof typeof before): number =>
      (after[key] - before[key]) / calls;

    const trips = isQuick ? 2_000 : 10_000;
    const consoleTime = await measureConsole(realm(trips));
    const vatTime = await measureVat(realm(trips));
    return [
      caseOf('sql-per-call', each('statements'), 'statements'),
      caseOf('sql-rows-per-call', each('rows'), 'rows'),
      caseOf('sql-bytes-per-call', each('bytes'), 'bytes'),
      caseOf('sql-commits-per-call', each('commits'), 'commits'),
      caseOf('roundtrip-console', perSecond(trips, consoleTime), 'per second'),
      caseOf('roundtrip-vat', perSecond(trips, vatTime), 'per second'),
    ];
  } finally {
    await rig.stop();
    await SAMPLES.remove();
  }
};
