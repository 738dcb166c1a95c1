import { Command } from 'commander';
import { call } from './call.ts';
import type { Place } from './open-kernel.ts';
import { describeProblem } from './problem.ts';
import { run } from './run.ts';
import { showStatus } from './show-status.ts';

type PlaceOptions = { readonly state: string; readonly verbose: boolean };

const placeOf = ({ state, verbose }: PlaceOptions): Place => ({
  folder: state,
  isVerbose: verbose,
});

/** A failure is told on the error output, and by the exit code. */
const tell =
  <Args extends readonly unknown[]>(work: (...args: Args) => Promise<void>) =>
  async (...args: Args): Promise<void> => {
    try {
      await work(...args);
    } catch (problem) {
      console.error(describeProblem(problem));
      process.exitCode = 1;
    }
  };

/** The command line. */
export const makeProgram = (): Command => {
  const program = new Command('cooperage').description(
    'Runs clusters of vats without a browser.',
  );
  const addCommand = (usage: string, description: string): Command =>
    program
      .command(usage)
      .description(description)
      .option('--state <folder>', 'where the state is kept', '.cooperage')
      .option('--verbose', 'show what vats log for debugging too', false);

  addCommand('run', 'launches a cluster, or goes on with it, until Ctrl-C')
    .argument('<cluster.json>', 'a cluster config')
    .option('--once', 'stop as soon as nothing is left to do', false)
    .action(
      tell((file: string, options: PlaceOptions & { readonly once: boolean }) =>
        run({ file, isOnce: options.once }, placeOf(options)),
      ),
    );
  addCommand(
    'call',
    'sends a message to the root of a vat and prints the answer',
  )
    .argument('<cluster>')
    .argument('<vat>')
    .argument('<method>')
    .argument('[arguments]', 'a JSON array', '[]')
    .action(
      tell(
        (
          cluster: string,
          vat: string,
          method: string,
          json: string,
          options: PlaceOptions,
        ) => call({ cluster, vat, method, json }, placeOf(options)),
      ),
    );
  addCommand('status', 'shows clusters and vats')
    .option('--json', 'as JSON, with everything', false)
    .action(
      tell((options: PlaceOptions & { readonly json: boolean }) =>
        showStatus(options, placeOf(options)),
      ),
    );
  return program;
};
