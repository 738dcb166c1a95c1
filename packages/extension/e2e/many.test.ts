import { SUITES } from '@cooperage/kit/acceptance';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import {
  configOf,
  loseKernelWorker,
  playScenario,
  sweep,
  titled,
} from './play.ts';

const TEN = Array.from({ length: 10 }, (_, index) => `c${index}`);

describe('many vats', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
  });
  afterEach(() => sweep(extension));
  afterAll(() => extension.close());

  it.each(
    titled([
      ...SUITES.launch.filter(({ title }) => title.startsWith('ten ')),
      ...SUITES.rogue,
    ]),
  )('%s', async (_title, scenario) => {
    await playScenario(extension, scenario, [loseKernelWorker]);
  });

  it('runs ten clusters launched at once, while one more vat never returns', async () => {
    const { counter } = configOf('counter').vats;
    const configs = TEN.map(name => ({ name, vats: { [name]: counter } }));
    await extension.inConsole<void>(`(async () => {
      const configs = ${JSON.stringify([...configs, configOf('rogue')])};
      await Promise.all(configs.map(config => E(kernel).launch(config)));
    })()`);
    await extension.devtools.whenWorkers(1 + TEN.length + 1);
    const answers = await extension.inConsole<unknown>(`(async () => {
      globalThis.spinning = E(E(kernel).root('rogue')).spin().catch(reason => reason.message);
      const names = ${JSON.stringify(TEN)};
      const roots = await Promise.all(names.map(name => E(kernel).root(name)));
      const rounds = [];
      for (let round = 0; round < 5; round += 1) {
        rounds.push((await Promise.all(roots.map(root => E(root).increment()))).join());
      }
      return rounds;
    })()`);
    expect(answers).toEqual(
      [1, 2, 3, 4, 5].map(count => TEN.map(() => count).join()),
    );
    await extension.inConsole(`E(kernel).terminate('rogue')`);
    expect(await extension.inConsole(`globalThis.spinning`)).toMatch(
      /terminated/,
    );
    await extension.devtools.whenWorkers(1 + TEN.length);
    expect(await extension.inConsole(`E(E(kernel).root('c9')).read()`)).toBe(5);
  });
});
