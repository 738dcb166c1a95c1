import {
  makeWorld,
  SCENARIOS,
  TEST_CONFIGS,
  type Scenario,
  type Step,
} from '@cooperage/kit/acceptance';
import { afterAll, afterEach, describe, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import { sampleConfig } from './samples.ts';

/** The sample clusters' names; the text of their configs is JSON, and so a literal. */
const SAMPLES = ['chat', 'counter', 'demo', 'everything', 'market', 'rogue'];
const configs = (): string =>
  [
    ...SAMPLES.map(name => `${name}: ${sampleConfig(name)}`),
    `...${JSON.stringify(TEST_CONFIGS)}`,
  ].join(', ');

const play = (extension: Extension, step: Step): Promise<void> =>
  extension.inConsole(`(async () => {
    const world = (${String(makeWorld)})({ E, Far, kernel, home }, { ${configs()} });
    await (${String(step)})(world);
  })()`);

/** Leaves the kernel as a scenario wants to find it: empty. */
const CLEAR = `(async () => {
  const { clusters, home } = await E(kernel).status();
  for (const { name } of home) await E(kernel).forget(name);
  for (const { name } of clusters) await E(kernel).terminate(name);
})()`;

describe('with a kernel, vats and a console in Chromium', () => {
  const profile = makeProfile();
  let extension: Extension | undefined;
  const start = async (): Promise<Extension> => {
    extension ??= await startExtension({ profile: profile.path });
    return extension;
  };
  const kill = async (): Promise<void> => {
    await extension?.killBrowser();
    extension = undefined;
  };

  afterEach(async () => {
    await (await start()).inConsole(CLEAR);
  });
  afterAll(async () => {
    await extension?.close();
    profile.dispose();
  });

  const run = async ({ steps }: Scenario): Promise<void> => {
    for (const [index, step] of steps.entries()) {
      if (index > 0) {
        await kill();
      }
      await play(await start(), step);
    }
  };

  it.each(SCENARIOS.map(scenario => [scenario.title, scenario] as const))(
    '%s',
    (_title, scenario) => run(scenario),
    60_000,
  );
});
