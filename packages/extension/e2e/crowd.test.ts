import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { loseKernelWorker } from './losses.ts';
import { sampleConfig } from './samples.ts';

const NAMES = Array.from({ length: 50 }, (_, index) => `v${index}`);

describe('fifty vats', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
    const { counter } = JSON.parse(sampleConfig('counter')).vats;
    const config = {
      name: 'crowd',
      bootstrap: 'v0',
      vats: Object.fromEntries(NAMES.map(name => [name, counter])),
    };
    await extension.inConsole(
      `E(kernel).launch(${JSON.stringify(config)}).then(() => {})`,
    );
  });
  afterAll(() => extension.close());

  /** Has all of them count at once; gives what they counted to, and their incarnations. */
  const count = () =>
    extension.inConsole<{
      counts: number[];
      incarnations: number[];
    }>(`(async () => {
      const counts = await Promise.all(${JSON.stringify(NAMES)}.map(
        name => E(E(kernel).root('crowd', name)).increment(),
      ));
      const [{ vats }] = await E(kernel).clusters();
      return { counts, incarnations: vats.map(({ incarnation }) => incarnation) };
    })()`);
  const all = (counts: number, incarnations: number) => ({
    counts: NAMES.map(() => counts),
    incarnations: NAMES.map(() => incarnations),
  });

  it('start at once, and again at once in a new kernel, and no deadline ends any of them', async () => {
    expect(await count()).toEqual(all(1, 1));
    extension = await loseKernelWorker(extension);
    expect(await count()).toEqual(all(2, 2));
  });

  it('are ended by no stall of the kernel’s thread', async () => {
    await extension.devtools.inWorkersOf(
      '/offscreen.html',
      // Beyond the deadline of a delivery, and not yet beyond what the watchdog bears.
      `{
        const stalling = new MessageChannel();
        stalling.port1.onmessage = () => {
          for (const end = performance.now() + 7_000; performance.now() < end;);
        };
        setTimeout(() => stalling.port2.postMessage(0), 20);
      }`,
    );
    expect(await count()).toEqual(all(3, 2));
    expect(await count()).toEqual(all(4, 2));
  });
});
