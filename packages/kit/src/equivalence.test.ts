import './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { E } from '@endo/far';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runProgram, type Step } from './equivalence.ts';
import { CLIENTS, programs } from './testing/renewal-programs.ts';
import { renewedCluster } from './testing/renewed-vats.ts';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

const RUNS = Number(process.env['EQUIVALENCE_RUNS'] ?? 3);
const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 0);

const runAll = async (eviction: 'never' | 'any', runs: number) => {
  let onCrank = (): void => {};
  const rig = await rigs.start({
    storage: 'memory',
    afterCrank: () => onCrank(),
    // So short that whoever waits for another's answer may be evicted meanwhile.
    ...(eviction === 'any' && { evictMilliseconds: 1 }),
  });
  const { kernel } = rig.console;
  const counted = { renewals: 0, rejected: 0, answers: 0 };
  const end = Date.now() + MINUTES * 60_000;
  const run = async (program: Step[]): Promise<void> => {
    const sides = [
      { cluster: 'calm', rig: () => rig },
      { cluster: 'renewed', rig: () => rig },
    ] as const;
    await E(kernel).launch(renewedCluster('calm'));
    await E(kernel).launch(renewedCluster('renewed', eviction));
    const { answers, rejected, renewed } = await runProgram(sides, {
      steps: program,
      clients: CLIENTS,
      listen: listener => {
        onCrank = listener;
      },
    });
    for (const { cluster } of sides) {
      await E(kernel).terminate(cluster);
    }
    counted.renewals += renewed;
    counted.rejected += rejected;
    counted.answers += answers.length;
    for (const { deed, calm, stormy } of answers) {
      expect({ deed, answer: stormy }).toEqual({ deed, answer: calm });
    }
  };
  const property = fc.asyncProperty(programs(fc.constant(null)), run);
  await fc.assert(property, {
    numRuns: MINUTES > 0 ? 1_000_000 : runs,
    ...(MINUTES > 0 && {
      interruptAfterTimeLimit: Math.max(1, end - Date.now()),
    }),
  });
  // Most vats were renewed in the middle of something, and most answers came all the same.
  expect(counted.renewals).toBeGreaterThan(0);
  expect(counted.rejected).toBeLessThan(counted.answers / 2);
};

it(
  'vats that are renewed at any crank, while calls of several clients are in flight, answer as those that never were, but for promises that a heap was to decide',
  () => runAll('never', RUNS),
  600_000 + MINUTES * 120_000,
);

it(
  'so do vats that are evicted whenever they have nothing to do',
  () => runAll('any', Math.ceil(RUNS / 3)),
  600_000 + MINUTES * 120_000,
);
