import {
  EARLY_WORDS,
  RAW_ATTACKS,
  rawWorkerScript,
} from '@cooperage/kit/raw-attacks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { patchDist } from './patched-dist.ts';
import { clear } from './play.ts';
import { sampleConfig } from './samples.ts';

/**
 * Milliseconds that others may be kept waiting once: a second on a machine that has
 * nothing else to do (`STALL=1000`), more where other tests run beside.
 */
const STALL = Number(process.env['STALL'] ?? 5_000);

/** Run by each worker when it gets its port; empty for a vat as ever. */
const ATTACK = 'attack.js';

describe('a worker that speaks for itself', () => {
  let dist: ReturnType<typeof patchDist>;
  let extension: Extension;
  beforeAll(async () => {
    dist = patchDist(
      (real, url) => `'use strict'; {
        const [load, Channel] = [importScripts, MessageChannel];
        addEventListener('message', event => {
          load(${JSON.stringify(url(ATTACK))} + '?' + event.timeStamp);
          if (globalThis.attack !== undefined) {
            event.stopImmediatePropagation();
            globalThis.attack(event.data.port, Channel);
          }
        }, { once: true });
      }
      ${real}`,
    );
    dist.write(ATTACK, '');
    extension = await startExtension({ extensionDir: dist.folder });
  });
  afterEach(() => clear(extension));
  afterAll(async () => {
    try {
      await extension.close();
    } finally {
      dist.dispose();
    }
  });

  const { counter } = JSON.parse(sampleConfig('counter')).vats;
  const rawConfig = (rules = {}): string =>
    JSON.stringify({ name: 'raw', vats: { raw: { ...counter, ...rules } } });

  /** Launches the counter with a worker as ever; those of later launches run the script. */
  const launchBefore = async (script: string): Promise<void> => {
    dist.write(ATTACK, '');
    await extension.inConsole(
      `E(kernel).launch(${sampleConfig('counter')}).then(() => {})`,
    );
    dist.write(ATTACK, script);
  };

  it.each(RAW_ATTACKS)(
    'and says $what is suspended with a reason, and others wait only for a moment',
    async ({ strike, rules, reason }) => {
      await launchBefore(rawWorkerScript(strike));
      const found = await extension.inConsole<{
        idle: number;
        longest: number;
        isCounting: boolean;
        vat: { state: string; reason: string };
        inspected: string;
      }>(`(async () => {
        await E(kernel).launch(${rawConfig({ deadline: 60_000, ...rules })});
        const { raw, counter } = home;
        let count = 0;
        let isCounting = true;
        const measureTimes = async isOver => {
          let longest = 0;
          for (let rounds = 0; !(await isOver(rounds)); rounds += 1) {
            const start = performance.now();
            count += 1;
            isCounting &&= count === await E(counter).increment();
            longest = Math.max(longest, performance.now() - start);
          }
          return longest;
        };
        const vatNow = async () => {
          const { clusters } = await E(kernel).status();
          return clusters.find(({ name }) => name === 'raw').vats[0];
        };
        const idle = await measureTimes(rounds => rounds === 50);
        E(raw).attack().catch(() => {});
        const before = await measureTimes(async () => (await vatNow()).state === 'suspended');
        const after = await measureTimes(rounds => rounds === 20);
        const { reason: inspected } = await E(kernel).inspect('raw.raw');
        return { idle, longest: Math.max(before, after), isCounting, vat: await vatNow(), inspected };
      })()`);
      expect(found.vat.reason).toMatch(reason);
      expect(found.inspected).toBe(found.vat.reason);
      expect(found.isCounting).toBe(true);
      expect(found.longest).toBeLessThan(STALL + 5 * found.idle);
    },
    180_000,
  );

  it.each(EARLY_WORDS)(
    'and says $what is not launched',
    async ({ script, reason }) => {
      await launchBefore(script);
      const told = await extension.inConsole<string>(
        `E(kernel).launch(${rawConfig()}).then(() => 'launched', String)`,
      );
      expect(told).toMatch(reason);
      expect(await extension.inConsole(`E(home.counter).increment()`)).toBe(1);
    },
    120_000,
  );
});
