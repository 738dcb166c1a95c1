import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { clear } from './play.ts';
import { sampleConfig } from './samples.ts';

describe('a vat that says too much in one crank', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
  });
  afterEach(() => clear(extension));
  afterAll(() => extension.close());

  /** Milliseconds that a busy machine may add to most answers, and to the slowest. */
  const NOISE = 10;
  const LONG_NOISE = 1_000;

  /** What so many in a hundred of the values do not exceed. */
  const percentile = (share: number, values: readonly number[]): number =>
    [...values].sort((left, right) => left - right)[
      Math.ceil((share / 100) * values.length) - 1
    ] ?? NaN;

  const { rogue } = JSON.parse(sampleConfig('rogue')).vats;
  /** Long enough for a busy machine: it is not the deadline that shall end it. */
  const PATIENT = { deadline: 60_000 };

  it.each([
    [
      'a million messages along a promise',
      'flood(1_000_000, E(kernel).root("counter"))',
      // With the usual deadline, which must not come first.
      {},
      /^syscallsPerCrank: the crank reached 20001, the limit is 20000$/,
    ],
    [
      'a million messages to an object',
      'flood(1_000_000, await counter)',
      {},
      /^syscallsPerCrank: the crank reached 20001, the limit is 20000$/,
    ],
    [
      'a hundred megabytes of text',
      'bloat(50_000_000)',
      PATIENT,
      /^unitsPerCrank: the crank reached 50000003, the limit is 32000000$/,
    ],
    [
      'more references in one message than fit',
      'litter(10_001)',
      PATIENT,
      /^slotsPerMessage: the crank reached 10001, the limit is 10000$/,
    ],
  ])(
    'as %s, is stopped at a limit that its reason names; nothing of it arrives, and the others answer as before',
    async (_what, call, rules, reason) => {
      const config = { name: 'rogue', vats: { rogue: { ...rogue, ...rules } } };
      const found = await extension.inConsole<{
        idle: number[];
        meanwhile: number[];
        vat: object;
        isCounting: boolean;
      }>(`(async () => {
      await E(kernel).launch(${JSON.stringify(config)});
      await E(kernel).launch(${sampleConfig('counter')});
      const { rogue, counter } = home;
      let count = 0;
      let isCounting = true;
      const measure = async () => {
        const start = performance.now();
        count += 1;
        isCounting &&= count === await E(counter).increment();
        return performance.now() - start;
      };
      const idle = [];
      for (let rounds = 0; rounds < 50; rounds += 1) {
        idle.push(await measure());
      }
      E(rogue).${call}.catch(() => {});
      const meanwhile = [];
      let vat;
      do {
        meanwhile.push(await measure());
        const { clusters } = await E(kernel).status();
        vat = clusters.find(({ name }) => name === 'rogue').vats[0];
      } while (vat.state === 'running');
      return { idle, meanwhile, isCounting, vat };
    })()`);
      expect(found.vat).toMatchObject({
        state: 'suspended',
        reason: expect.stringMatching(reason),
        waiting: 1,
      });
      expect(found.isCounting).toBe(true);
      const { idle, meanwhile } = found;
      // Of a few values the middle one says nothing, and the slowest stands for all.
      if (meanwhile.length >= 20) {
        expect(percentile(50, meanwhile)).toBeLessThan(
          3 * percentile(50, idle) + NOISE,
        );
      }
      expect(percentile(95, meanwhile)).toBeLessThan(
        3 * percentile(95, idle) + LONG_NOISE,
      );
    },
  );
});
