import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { clear } from './play.ts';
import { sampleConfig } from './samples.ts';

/** The sample vats in a cluster of one each, with what the config of a vat may say more. */
const configOf = (sample: string, name: string, rules: object = {}): string => {
  const { vats } = JSON.parse(sampleConfig(sample));
  return JSON.stringify({
    name,
    vats: { [sample]: { ...vats[sample], ...rules } },
  });
};

const vatOf = (extension: Extension, cluster: string) =>
  extension.inConsole<{
    state: string;
    incarnation: number;
    reason?: string;
  }>(
    `E(kernel).status().then(({ clusters }) => clusters.find(({ name }) => name === '${cluster}').vats[0])`,
  );

describe('the loss of vats', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
  });
  afterEach(() => clear(extension));
  afterAll(() => extension.close());

  const launch = (...configs: readonly string[]) =>
    extension.inConsole(
      `Promise.all([${configs.join()}].map(config => E(kernel).launch(config))).then(() => {})`,
    );

  /** Resolves when the frame that hosts vats has been replaced; with how long that took from now, in milliseconds. */
  const armReplacement = () =>
    extension.inOffscreen(`void (globalThis.replaced = new Promise(resolve => {
      const before = performance.now();
      new MutationObserver((_, observer) => {
        observer.disconnect();
        resolve(performance.now() - before);
      }).observe(document.body, { childList: true });
    }))`);

  /** Has a vat that will not end its delivery for long. */
  const spin = async (cluster: string): Promise<void> => {
    await extension.inConsole(`(async () => {
      const rogue = await E(kernel).root('${cluster}');
      void E(rogue).spin().catch(() => {});
      // Behind the first on the same way: the kernel has it, and so the first is in flight.
      await E(kernel).status();
    })()`);
  };

  it('with their process is noticed within a second while a delivery is in flight, and is no fault of its vat', async () => {
    await launch(
      configOf('rogue', 'spinner', { deadline: 600_000 }),
      configOf('counter', 'bystander'),
    );
    await spin('spinner');
    await armReplacement();
    await extension.killSandboxProcess();
    expect(await extension.inOffscreen(`globalThis.replaced`)).toBeLessThan(
      1_000,
    );
    // The spinner was in flight, so it comes back alone; its second loss would be its own.
    await extension.inConsole(`E(kernel).terminate('spinner').then(() => {})`);
    expect(
      await extension.inConsole(`E(E(kernel).root('bystander')).increment()`),
    ).toBe(1);
    expect(await vatOf(extension, 'bystander')).toMatchObject({
      state: 'running',
      incarnation: 2,
    });
  });

  it('is not found where there is none: a host whose thread is stalled keeps its vats, and they answer', async () => {
    await launch(configOf('counter', 'counter'), configOf('rogue', 'spinner'));
    await spin('spinner');
    const stall = extension.devtools.speakWith('/vat-host.html', send =>
      send('Runtime.evaluate', {
        expression: `for (const end = performance.now() + 3_000; performance.now() < end;);`,
      }),
    );
    const count = () =>
      extension.inConsole<number>(`E(home.counter).increment()`);
    expect([await count(), await count()]).toEqual([1, 2]);
    await stall;
    expect(await count()).toBe(3);
    expect(await vatOf(extension, 'counter')).toMatchObject({
      incarnation: 1,
    });
  });

  /** Counts until the counter has lost its heap: each count comes, before and after. */
  const countOverLoss = () =>
    extension.inConsole<{ counts: number[]; vat: object }>(`(async () => {
      const counts = [];
      let vat;
      do {
        counts.push(await E(home.counter).increment());
        const { clusters } = await E(kernel).status();
        [vat] = clusters.find(({ name }) => name === 'counter').vats;
      } while (vat.incarnation === 1);
      return { counts, vat };
    })()`);

  it('by an uncaught error in a worker is noticed at once, long before any deadline', async () => {
    await launch(configOf('counter', 'counter', { deadline: 600_000 }));
    await extension.breakVatWorkers();
    const { counts, vat } = await countOverLoss();
    expect(vat).toMatchObject({ state: 'running', incarnation: 2 });
    expect(counts).toEqual(counts.map((_, index) => index + 1));
  });

  it('without a word is found by the deadline of the delivery that meets it', async () => {
    await launch(
      configOf('counter', 'counter', { deadline: 500, onFault: 'restart' }),
    );
    await extension.killVatWorkers();
    const { counts, vat } = await countOverLoss();
    expect(vat).toMatchObject({ state: 'running', incarnation: 2 });
    expect(counts).toEqual(counts.map((_, index) => index + 1));
  });
});
