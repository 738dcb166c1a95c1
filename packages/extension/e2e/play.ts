import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  makeWorld,
  TEST_CONFIGS,
  type Scenario,
  type Step,
} from '@cooperage/kit/acceptance';
import { EXTENSION_DIR, type Extension } from './harness.ts';

export type Config = {
  readonly name: string;
  readonly vats: Readonly<Record<string, object>>;
};
type Sample = { readonly config: Config };
const samples: readonly Sample[] = JSON.parse(
  readFileSync(join(EXTENSION_DIR, 'samples.json'), 'utf8'),
);

/** The configs that scenarios know, by the names of their clusters. */
const CONFIGS: Readonly<Record<string, Config>> = {
  ...Object.fromEntries(samples.map(({ config }) => [config.name, config])),
  ...TEST_CONFIGS,
};

/** The config of a sample cluster. */
export const configOf = (name: string): Config => {
  const config = CONFIGS[name];
  if (config === undefined) {
    throw Error(`no sample is called ${name}`);
  }
  return config;
};

/** For `it.each`. */
export const titled = (scenarios: readonly Scenario[]) =>
  scenarios.map(scenario => [scenario.title, scenario] as const);

/** A way to lose the kernel or the vats, and to have an extension again. */
export type Lose = (extension: Extension) => Promise<Extension>;

/** The console's session may not know that it is over: what it was asked rejects, and the next question opens a new one. */
const reconnect = (extension: Extension): Promise<string> =>
  extension.inConsole(`(async () => {
    const ask = async () => (await E(kernel).status()).state;
    return ask().catch(ask);
  })()`);

export const loseKernelWorker: Lose = async extension => {
  await extension.killKernelWorker();
  await reconnect(extension);
  return extension;
};

export const loseOffscreen: Lose = async extension => {
  await extension.closeOffscreen();
  await reconnect(extension);
  return extension;
};

export const loseSandbox: Lose = async extension => {
  await extension.killSandboxProcess();
  return extension;
};

export const reloadExtension: Lose = async extension => {
  await extension.reload();
  return extension;
};

/** Evaluates a step in the console's realm, from its text. */
export const playStep = (extension: Extension, step: Step): Promise<void> =>
  extension.inConsole(
    `(async () => {
      const world = (${String(makeWorld)})({ E, Far, kernel, home }, ${JSON.stringify(CONFIGS)});
      await (${String(step)})(world);
    })()`,
  );

/** Plays all steps; between two of them something is lost, in the given ways by turns. */
export const playScenario = async (
  extension: Extension,
  { steps }: Scenario,
  ways: readonly Lose[],
): Promise<Extension> => {
  let current = extension;
  for (const [index, step] of steps.entries()) {
    const lose = ways[(index - 1) % ways.length];
    if (index > 0 && lose !== undefined) {
      current = await lose(current);
    }
    await playStep(current, step);
  }
  return current;
};

/** Ends every cluster and forgets what is kept: the next scenario starts with an empty kernel. */
export const sweep = (extension: Extension): Promise<void> =>
  extension.inConsole(`(async () => {
    const { clusters, home: kept } = await E(kernel).status();
    await Promise.all(kept.map(({ name }) => E(kernel).forget(name)));
    await Promise.all(clusters.map(({ name }) => E(kernel).terminate(name)));
  })()`);

/** The files in which the kernel and the vats keep what is durable: names in the pool's own headers. */
const listFiles = (extension: Extension): Promise<unknown> =>
  extension.inOffscreen(`(async () => {
    const found = [];
    const walk = async directory => {
      for await (const handle of directory.values()) {
        if (handle.kind === 'directory') {
          await walk(handle);
        } else {
          const file = await handle.getFile();
          const header = await file.slice(0, 512).text();
          const name = header.slice(0, header.indexOf('\\0'));
          if (name.startsWith('/')) found.push(name);
        }
      }
    };
    await walk(await navigator.storage.getDirectory());
    return found.sort();
  })()`);

/** What is there: clusters, kept names and sessions as the status tells them, files, and the workers that run. */
export const takeStock = async (extension: Extension) => {
  const { clusters, home, sessions } = await extension.inConsole<{
    clusters: unknown[];
    home: unknown[];
    sessions: number;
  }>(`E(kernel).status()`);
  return {
    clusters,
    home,
    sessions,
    files: await listFiles(extension),
    workers: await extension.devtools.countWorkers(),
  };
};
