import fc from 'fast-check';
import { expect, it } from 'vitest';
import { tryEach } from './testing/fuzz.ts';
import { makeStorm, MAKER, PERSON } from './testing/lives-storm.ts';

/** Fewer when the tests themselves are tested: see scripts/mutation.mjs. */
const RUNS = Number(process.env['STORM_RUNS'] ?? 6);
const SEEDS = Array.from({ length: RUNS }, (_, index) => index + 1);

const storms = fc.record({
  numbers: fc.array(fc.nat(1_000), {
    minLength: 60,
    maxLength: 200,
    size: 'max',
  }),
  onFault: fc.constantFrom('suspend', 'restart', 'terminate'),
  critical: fc.boolean(),
});

it('in any order of messages, faults, orders of persons and makers, births, aliases and times, the kernel goes on, or is stopped by a critical vat with nothing lost and goes on when it is opened again; each promise outside is settled once, and nothing is left at the end (2, 5, 6, 7, 9, 12)', async () => {
  const seen = new Map<string, number>();
  const tried = await tryEach(storms, SEEDS, async ({ numbers, ...rules }) => {
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
  });
  console.log(
    `storms: ${JSON.stringify({ tried, ...Object.fromEntries(seen) })}`,
  );
  const times = (...all: readonly string[]): number =>
    all.reduce((sum, what) => sum + (seen.get(what) ?? 0), 0);
  if (tried >= 6) {
    // Those by which a vat's life goes on otherwise come in every run of the tests.
    expect(times('birth')).toBeGreaterThanOrEqual(tried);
    expect(times('loss', 'fault')).toBeGreaterThanOrEqual(tried);
    expect(times('upgrade', 'node.upgrade')).toBeGreaterThan(0);
  }
  if (tried > 20) {
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
}, 14_400_000);
