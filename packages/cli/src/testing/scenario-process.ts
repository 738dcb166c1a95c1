/**
 * A process that plays one step of each acceptance scenario that has it, each
 * in a folder of its own, and writes a JSON line for each: `{title, problem}`.
 * Kernels that have a step to come stay open: the kill of this process is how
 * they end.
 */
import '@cooperage/client/lockdown';
import {
  makeWorld,
  SCENARIOS,
  TEST_CONFIGS,
  type Configs,
  type Scenario,
} from '@cooperage/kit/acceptance';
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openKernel } from '../open-kernel.ts';

const [bundles = '', states = '', round = '0'] = process.argv.slice(2);
const number = Number(round);

type Place = { url: string };
type Sample = {
  readonly config: {
    readonly name: string;
    readonly vats: Record<string, { bundle: Place }>;
    readonly bundles?: Record<string, Place>;
  };
};

/** The sample clusters' configs by name, their URLs made absolute. */
const readConfigs = (): Configs => {
  const samples: Sample[] = JSON.parse(
    readFileSync(join(bundles, 'clusters.json'), 'utf8'),
  );
  const base = pathToFileURL(`${bundles}/`);
  for (const { config } of samples) {
    const { vats, bundles: named = {} } = config;
    for (const place of [
      ...Object.values(vats).map(({ bundle }) => bundle),
      ...Object.values(named),
    ]) {
      place.url = new URL(place.url, base).href;
    }
  }
  const configs = samples.map(({ config }) => [config.name, config]);
  return { ...Object.fromEntries(configs), ...TEST_CONFIGS };
};

const play = async (
  { steps }: Scenario,
  folder: string,
  configs: Configs,
): Promise<void> => {
  const { console: person, stop } = await openKernel({
    folder,
    isVerbose: false,
  });
  const { E, Far, kernel, home } = person;
  // The scenarios send what they like, without types of what they send it to.
  await steps[number]?.(makeWorld({ E, Far, kernel, home } as never, configs));
  if (number === steps.length - 1) {
    await stop();
  }
};

const configs = readConfigs();
for (const [index, scenario] of SCENARIOS.entries()) {
  if (number < scenario.steps.length) {
    const problem = await play(
      scenario,
      join(states, String(index)),
      configs,
    ).then(
      () => null,
      error => String(error?.stack ?? error),
    );
    const line = JSON.stringify({ title: scenario.title, problem });
    writeSync(1, `${line}\n`);
  }
}
writeSync(1, 'over\n');
