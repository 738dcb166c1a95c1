import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { sampleConfig } from './samples.ts';
import { STANDING_WORKERS, whenWorkers } from './workers.ts';

const NAMES = Array.from({ length: 10 }, (_, index) => `c${index}`);

describe('ten clusters launched at once', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
    const { counter } = JSON.parse(sampleConfig('counter')).vats;
    const configs = NAMES.map(name => ({ name, vats: { [name]: counter } }));
    await extension.inConsole(`(async () => {
      const configs = ${JSON.stringify(configs)};
      await Promise.all(configs.map(config => E(kernel).launch(config)));
    })()`);
  });
  afterAll(() => extension.close());

  /** Increments all ten at once; gives the counts. */
  const round = () =>
    extension.inConsole<number[]>(
      `Promise.all(${JSON.stringify(NAMES)}.map(name => E(E(kernel).root(name)).increment()))`,
    );
  const all = (count: number) => NAMES.map(() => count);

  it('run, each in a worker of its own', async () => {
    await whenWorkers(extension, STANDING_WORKERS + NAMES.length);
    expect([await round(), await round()]).toEqual([all(1), all(2)]);
  });

  it('answer while a vat of one more cluster never returns, and when it was ended', async () => {
    await extension.inConsole(`(async () => {
      await E(kernel).launch(${sampleConfig('rogue')});
      globalThis.spinning = E(E(kernel).root('rogue')).spin().catch(reason => reason.message);
    })()`);
    await whenWorkers(extension, STANDING_WORKERS + NAMES.length + 1);
    expect([await round(), await round()]).toEqual([all(3), all(4)]);
    await extension.inConsole(`E(kernel).terminate('rogue')`);
    expect(await extension.inConsole(`globalThis.spinning`)).toMatch(
      /cluster rogue was terminated/,
    );
    await whenWorkers(extension, STANDING_WORKERS + NAMES.length);
    expect(await round()).toEqual(all(5));
  });

  it('restart together, each where it was', async () => {
    await extension.inConsole(
      `Promise.all(${JSON.stringify(NAMES)}.map(name => E(kernel).restart(name))).then(() => {})`,
    );
    expect(await round()).toEqual(all(6));
  });
});
