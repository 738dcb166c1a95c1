import { openDoor, type Door } from '@cooperage/node';
import type { KernelOptions } from '@cooperage/kernel';
import { showLogText, type ClusterConfig } from '@cooperage/protocol';
import { bundleModules, readClusterFile } from './cluster-file.ts';
import { openKernel, type OpenKernel, type Place } from './open-kernel.ts';
import { Problem } from './problem.ts';

const say = (text: string): void => console.error(text);

/** Resolves with the first signal to stop; a second one then ends the process at once, as it is used to. */
const whenToldToStop = (): Promise<void> =>
  new Promise(resolve => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const stop = (): void => {
      signals.forEach(each => process.off(each, stop));
      resolve();
    };
    signals.forEach(each => process.on(each, stop));
  });

const rejectWhenFailed = (kernel: OpenKernel): Promise<never> =>
  new Promise((_, reject) => {
    kernel
      .watch(({ state, reason }) => {
        if (state !== 'running') {
          reject(new Problem(`the kernel is ${state}: ${reason}`));
        }
      })
      .catch(reject);
  });

/** Launches the cluster unless the folder has it. */
const provideCluster = async (
  { console: { kernel }, status }: OpenKernel,
  config: ClusterConfig,
): Promise<void> => {
  const here = status().clusters.find(({ name }) => name === config.name);
  if (here) {
    say(`${config.name} goes on from the state of its last commit`);
    if (here.bootstrapProblem !== undefined) {
      say(
        `its bootstrap came to nothing: ${showLogText(here.bootstrapProblem)}`,
      );
    }
    return;
  }
  say(`launching ${config.name}`);
  const { vats } = await kernel.launch(await bundleModules(config));
  say(`launched ${config.name}: ${Object.keys(vats).join(', ')}`);
};

/** Lets "call" and "status" in; without a door they have to wait until the run is over. */
const openDoorOrSay = async (
  kernel: OpenKernel,
  folder: string,
): Promise<Door | undefined> => {
  try {
    return await openDoor(folder, kernel.serve);
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : String(problem);
    say(`"cooperage call" can't reach this run: ${why}`);
    return undefined;
  }
};

export type Run = {
  /** A cluster's file. */
  readonly file: string;
  /** Whether to stop as soon as nothing is left to do. */
  readonly isOnce: boolean;
  /** What a person may set of the kernel's ways; as usual where absent. */
  readonly settings: Pick<
    KernelOptions,
    'parallel' | 'epochCranks' | 'epochMilliseconds'
  >;
};

/**
 * Runs a cluster until the process is told to stop, or the kernel fails, which
 * rejects. Whenever the process is killed, the next run goes on from the last
 * commit.
 */
export const run = async (
  { file, isOnce, settings }: Run,
  place: Place,
): Promise<void> => {
  const config = readClusterFile(file);
  const toldToStop = whenToldToStop();
  const kernel = await openKernel(place, settings);
  const door = await openDoorOrSay(kernel, place.folder);
  const work = async (): Promise<void> => {
    await provideCluster(kernel, config);
    if (isOnce) {
      await kernel.finish();
    } else {
      say(`running; state in ${place.folder}; Ctrl-C stops`);
      await toldToStop;
    }
  };
  try {
    await Promise.race([work(), toldToStop, rejectWhenFailed(kernel)]);
    say('stopping');
  } catch (problem) {
    // Whatever else went wrong then is a consequence.
    const { state, reason } = kernel.status();
    throw ['failed', 'storage-failed', 'critical-failed'].includes(state)
      ? new Problem(`the kernel has failed: ${reason}`)
      : problem;
  } finally {
    try {
      await kernel.stop();
    } finally {
      door?.close();
    }
  }
  say('stopped');
};
