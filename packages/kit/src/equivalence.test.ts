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
} from './equivalence.ts';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

const vat = fc.constantFrom('left', 'right');
const name = fc.constantFrom('a', 'b', 'c');
const number = fc.integer({ min: 1, max: 9 });

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant('put'), vat, name, number } as const),
  fc.record({ kind: fc.constant('grow'), vat, name } as const),
  fc.record({ kind: fc.constant('add'), vat, name, number } as const),
  fc.record({ kind: fc.constant('addHeld'), vat, name, number } as const),
  fc.record({ kind: fc.constant('hand'), vat, name } as const),
  fc.record({ kind: fc.constant('addVia'), vat, name, number } as const),
  fc.record({ kind: fc.constant('relay'), vat, name, number } as const),
  fc.record({ kind: fc.constant('tag'), vat, name, number } as const),
  fc.record({ kind: fc.constant('tagOf'), vat, name } as const),
  fc.record({ kind: fc.constant('forget'), vat, name } as const),
);

const renewals: fc.Arbitrary<Renewal> = fc.record({
  vats: fc.constantFrom(['left'], ['right'], ['left', 'right']),
  how: fc.constantFrom('upgrade', 'upgrade', 'restart'),
  cranks: fc.integer({ min: 0, max: 8 }),
});

const steps = fc.array(
  fc.record({ deed: deeds, renewal: fc.option(renewals, { freq: 2 }) }),
  { minLength: 6, maxLength: 14 },
);

it('a vat that is renewed at any crank answers as one that never was, but for promises that its heap was to decide', async () => {
  let onCrank = (): void => {};
  const rig = await rigs.start({
    storage: 'memory',
    afterCrank: () => onCrank(),
  });
  const { kernel } = rig.console;
  const counted = { renewals: 0, rejected: 0, answers: 0 };
  await fc.assert(
    fc.asyncProperty(steps, async program => {
      const clusters = ['calm', 'renewed'] as const;
      for (const cluster of clusters) {
        await E(kernel).launch(renewedCluster(cluster));
      }
      const { answers, rejected, renewed } = await runProgram(
        rig,
        clusters,
        program,
        listener => {
          onCrank = listener;
        },
      );
      for (const cluster of clusters) {
        await E(kernel).terminate(cluster);
      }
      counted.renewals += renewed;
      counted.rejected += rejected;
      counted.answers += answers.length;
      for (const { deed, calm, stormy } of answers) {
        expect({ deed, answer: stormy }).toEqual({ deed, answer: calm });
      }
    }),
    { numRuns: Number(process.env['EQUIVALENCE_RUNS'] ?? 3) },
  );
  // Most vats were renewed in the middle of something, and most answers came all the same.
  expect(counted.renewals).toBeGreaterThan(0);
  expect(counted.rejected).toBeLessThan(counted.answers / 2);
}, 600_000);
