import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeStorm, MAKER, PERSON } from './testing/lives-storm.ts';

/** Fewer when the tests themselves are tested: see scripts/mutation.mjs. */
const RUNS = Number(process.env['STORM_RUNS'] ?? 6);
const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 0);

it(
  'in any order of messages, faults, orders of persons and makers, births, aliases and times, the kernel goes on, or is stopped by a critical vat with nothing lost and goes on when it is opened again; each promise outside is settled once, and nothing is left at the end (2, 5, 6, 7, 9, 12)',
  async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(1_000), { minLength: 60, maxLength: 200, size: 'max' }),
        fc.record({
          onFault: fc.constantFrom('suspend', 'restart', 'terminate'),
          critical: fc.boolean(),
        }),
        async (numbers, rules) => {
          const storm = await makeStorm(numbers, rules);
          await storm.run();
          expect(await storm.end()).toEqual({
            status: 'running',
            problems: [],
            unsettled: [],
            left: [],
            busy: 0,
          });
          for (const [what, times] of storm.seen) {
            seen.set(what, (seen.get(what) ?? 0) + times);
          }
        },
      ),
      MINUTES > 0
        ? { numRuns: 1e6, interruptAfterTimeLimit: MINUTES * 60_000 }
        : { numRuns: RUNS },
    );
    if (RUNS > 20 || MINUTES > 1) {
      expect([...seen.keys()]).toEqual(
        expect.arrayContaining([
          ...PERSON,
          ...MAKER.map(method => `node.${method}`),
          'birth',
          'exit',
          'fault',
          'loss',
          'revoke',
          'stop',
          'timer',
        ]),
      );
    }
  },
  600_000 + MINUTES * 120_000,
);
