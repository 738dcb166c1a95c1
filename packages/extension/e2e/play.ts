import {
  makeWorld,
  TEST_CONFIGS,
  type Scenario,
  type Step,
} from '@cooperage/kit/acceptance';
import type { Extension } from './harness.ts';
import { sampleConfig } from './samples.ts';

/** The sample clusters' names; the text of their configs is JSON, and so a literal. */
const SAMPLES = [
  'chat',
  'counter',
  'demo',
  'everything',
  'market',
  'reminders',
  'rogue',
  'workshop',
];
const configs = (): string =>
  [
    ...SAMPLES.map(name => `${name}: ${sampleConfig(name)}`),
    `...${JSON.stringify(TEST_CONFIGS)}`,
  ].join(', ');

/** Evaluates a step in the console's realm, from its text. */
export const play = (extension: Extension, step: Step): Promise<void> =>
  extension.inConsole(`(async () => {
    const world = (${String(makeWorld)})({ E, Far, kernel, home }, { ${configs()} });
    await (${String(step)})(world);
  })()`);

/** For `it.each`. */
export const titled = (scenarios: readonly Scenario[]) =>
  scenarios.map(scenario => [scenario.title, scenario] as const);

/** Ends every cluster and forgets what is kept: a scenario wants to find an empty kernel. */
export const clear = (extension: Extension): Promise<void> =>
  extension.inConsole(`(async () => {
    const { clusters, home: kept } = await E(kernel).status();
    for (const { name } of kept) await E(kernel).forget(name);
    for (const { name } of clusters) await E(kernel).terminate(name);
  })()`);
