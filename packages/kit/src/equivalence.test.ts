import './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { E } from '@endo/far';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  renewedCluster,
  runProgram,
  type Deed,
  type Renewal,
  type Step,
} from './equivalence.ts';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

const CLIENTS = 3;
const RUNS = Number(process.env['EQUIVALENCE_RUNS'] ?? 3);
const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 0);

const vat = fc.constantFrom('left', 'right', 'middle');
const number = fc.integer({ min: 1, max: 9 });

type Kind = Deed['kind'];
const KINDS: readonly Kind[] = [
  'put',
  'grow',
  'grow',
  'add',
  'addHeld',
  'hand',
  'hand',
  'addVia',
  'relay',
  'tag',
  'tagOf',
  'forget',
];

/** The deeds of a step: each by another client or with another name. */
const deeds: fc.Arbitrary<Step['deeds']> = fc
  .uniqueArray(
    fc.record({
      client: fc.integer({ min: 0, max: CLIENTS - 1 }),
      letter: fc.constantFrom('a', 'b', 'c'),
      kind: fc.constantFrom(...KINDS),
      vat,
      number,
    }),
    {
      minLength: 3,
      maxLength: 9,
      selector: each => `${each.client} ${each.letter}`,
    },
  )
  .map(all =>
    all.map(({ client, letter, ...fields }) => ({
      client,
      deed: { ...fields, name: `${letter}${client}` },
    })),
  );

const renewals: fc.Arbitrary<Renewal> = fc.record({
  vats: fc.oneof(
    fc.tuple(vat),
    fc.constantFrom(['left', 'right'], ['left', 'right', 'middle']),
  ),
  how: fc.constantFrom('upgrade', 'upgrade', 'restart', 'suspend', 'pause'),
  cranks: fc.integer({ min: 0, max: 24 }),
});

const steps = fc.array(
  fc.record({ deeds, renewals: fc.array(renewals, { maxLength: 3 }) }),
  { minLength: 4, maxLength: 7 },
);

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
    const clusters = ['calm', 'renewed'] as const;
    await E(kernel).launch(renewedCluster('calm'));
    await E(kernel).launch(renewedCluster('renewed', eviction));
    const { answers, rejected, renewed } = await runProgram(rig, clusters, {
      steps: program,
      clients: CLIENTS,
      listen: listener => {
        onCrank = listener;
      },
    });
    for (const cluster of clusters) {
      await E(kernel).terminate(cluster);
    }
    counted.renewals += renewed;
    counted.rejected += rejected;
    counted.answers += answers.length;
    for (const { deed, calm, stormy } of answers) {
      expect({ deed, answer: stormy }).toEqual({ deed, answer: calm });
    }
  };
  const property = fc.asyncProperty(steps, run);
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
