import { startExtension } from '../packages/extension/e2e/harness.ts';
import { sampleConfig } from '../packages/extension/e2e/samples.ts';
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
  platform: 'chromium',
  value,
  unit,
});

const setup = (): string => `(async () => {
  await E(kernel).launch(${sampleConfig('demo')});
  await E(kernel).launch(${JSON.stringify(BENCH_CONFIG)});
})()`;

type Counters = Record<'commits' | 'statements' | 'rows' | 'bytes', number>;

/** The built extension in Chromium: the console is the service worker's, the storage OPFS. */
export const measure = async ({
  isQuick,
}: BenchOptions): Promise<readonly Case[]> => {
  const extension = await startExtension();
  const counters = (): Promise<Counters> =>
    extension.inConsole(
      `E(kernel).status().then(({ commits, sql }) => ({ commits, ...sql }))`,
    );
  const run = (
    work: (realm: BenchRealm) => Promise<number>,
    count: number,
  ): Promise<number> =>
    extension.inConsole(`(${String(work)})({ E, kernel, count: ${count} })`);
  try {
    await extension.inConsole(setup());
    await run(measureConsole, 300);
    await run(measureVat, 300);

    const trips = isQuick ? 1_000 : 5_000;
    const before = await counters();
    const consoleTime = await run(measureConsole, trips);
    const after = await counters();
    const each = (key: keyof Counters): number =>
      (after[key] - before[key]) / trips;
    const vatTime = await run(measureVat, trips);
    return [
      caseOf('sql-per-call', each('statements'), 'statements'),
      caseOf('sql-rows-per-call', each('rows'), 'rows'),
      caseOf('sql-bytes-per-call', each('bytes'), 'bytes'),
      caseOf('sql-commits-per-call', each('commits'), 'commits'),
      caseOf('roundtrip-console', (trips / consoleTime) * 1000, 'per second'),
      caseOf('roundtrip-vat', (trips / vatTime) * 1000, 'per second'),
    ];
  } finally {
    await extension.close();
  }
};
