import { SAMPLES } from './before-lockdown.ts';
import '@cooperage/client/lockdown';
import type { VatLauncher } from '@cooperage/kernel';
import { makeThreadVats } from '@cooperage/node';
import { E } from '@endo/far';
import { afterAll, describe, expect, it } from 'vitest';
import { makeNodeVats } from './node-vats.ts';
import { EARLY_WORDS, RAW_ATTACKS, rawWorkerScript } from './raw-attacks.ts';
import type { Rig } from './rig.ts';
import { useRigs } from './testing/rigs.ts';

afterAll(() => SAMPLES.remove());
const rigs = useRigs();
const { baseUrl, configs } = SAMPLES;

/**
 * Milliseconds that others may be kept waiting once: a second on a machine that has
 * nothing else to do (`STALL=1000`), more where other tests run beside.
 */
const STALL = Number(process.env['STALL'] ?? 5_000);

/** Vats as ever, but the one called raw is a thread that runs only that script. */
const withRaw = (script: string): VatLauncher => {
  const real = makeNodeVats();
  const raw = makeThreadVats({
    script: `const { parentPort } = require('node:worker_threads'); const Channel = MessageChannel;
${script}
globalThis.attack(parentPort, Channel);`,
  });
  return {
    launch: (vat, label) => (label === 'raw' ? raw : real).launch(vat, label),
  };
};

const rawConfig = (rules = {}) => {
  const counter = configs['counter']?.vats['counter'];
  return harden({ name: 'raw', vats: { raw: { ...counter, ...rules } } });
};

const start = async (script: string) => {
  const rig = await rigs.start({ baseUrl, vats: withRaw(script) });
  await E(rig.console.kernel).launch(configs['counter']);
  const counter = (await E(rig.console.kernel).root('counter')) as {
    increment(): Promise<number>;
  };
  let count = 0;
  /** How long the counter takes to answer. */
  const measure = async (): Promise<number> => {
    const begin = performance.now();
    count += 1;
    expect(await E(counter).increment()).toBe(count);
    return performance.now() - begin;
  };
  return { rig, measure };
};

const measureTimes = async (
  measure: () => Promise<number>,
  isOver: (rounds: number) => boolean,
): Promise<number> => {
  let longest = 0;
  for (let rounds = 0; !isOver(rounds); rounds += 1) {
    longest = Math.max(longest, await measure());
  }
  return longest;
};

const stateOf = ({ kernel }: Rig) =>
  kernel.status().clusters.find(({ name }) => name === 'raw')?.vats[0];

/** Code that keeps typed arrays, whose bytes are on no heap: of no more than a gigabyte, lest a failure of the test takes the machine. */
const HOG = JSON.stringify({
  moduleFormat: 'cooperageScript',
  imports: ['@endo/far'],
  source: `imports => ({
    buildRootObject: () =>
      imports['@endo/far'].Far('root', {
        fill: () => {
          const kept = [];
          while (kept.length < 60) kept.push(new Uint8Array(2 ** 24).fill(1));
          for (;;);
        },
      }),
  })`,
});

describe('a thread that speaks for itself', () => {
  it.each(RAW_ATTACKS)(
    'and says $what is suspended with a reason, and others wait only for a moment',
    async ({ strike, rules, reason }) => {
      const { rig, measure } = await start(rawWorkerScript(strike));
      const { kernel } = rig.console;
      await E(kernel).launch(rawConfig({ deadline: 60_000, ...rules }));
      const idle = await measureTimes(measure, rounds => rounds === 50);
      const raw = (await E(kernel).root('raw')) as { attack(): Promise<void> };
      E(raw)
        .attack()
        .catch(() => {});
      const longest = await measureTimes(
        measure,
        () => stateOf(rig)?.state === 'suspended',
      );
      const after = await measureTimes(measure, rounds => rounds === 20);
      expect(stateOf(rig)?.reason).toMatch(reason);
      expect(await E(kernel).inspect('raw.raw')).toMatchObject({
        reason: expect.stringMatching(reason),
      });
      expect(Math.max(longest, after)).toBeLessThan(STALL + 5 * idle);
    },
    240_000,
  );

  it.each(EARLY_WORDS)(
    'and says $what is not launched',
    async ({ script, reason }) => {
      const { rig, measure } = await start(script);
      const problem = await E(rig.console.kernel)
        .launch(rawConfig())
        .catch((error: unknown) => error);
      expect(String(problem)).toMatch(reason);
      expect(stateOf(rig)).toBe(undefined);
      await measure();
    },
    240_000,
  );
});

describe('a vat whose code fills the memory of the process with bytes outside of its heap', () => {
  it('is found and suspended, and others go on', async () => {
    const vats = makeNodeVats({ growthMegabytes: 200 });
    const rig = await rigs.start({ baseUrl, vats });
    const { kernel } = rig.console;
    await E(kernel).launch(configs['counter']);
    await E(kernel).launch({
      name: 'raw',
      vats: {
        raw: { bundle: { text: HOG }, deadline: 20_000 },
      },
    });
    const hog = (await E(kernel).root('raw')) as { fill(): Promise<void> };
    E(hog)
      .fill()
      .catch(() => {});
    while (stateOf(rig)?.state !== 'suspended') {
      await E(kernel).inspect('raw.raw');
    }
    expect(stateOf(rig)?.reason).toMatch(
      /^the vats at work have taken more than 210 MB of memory$/,
    );
    const counter = (await E(kernel).root('counter')) as {
      increment(): Promise<number>;
    };
    expect(await E(counter).increment()).toBe(1);
  }, 240_000);
});
