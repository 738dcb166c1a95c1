import { Command, InvalidArgumentError } from 'commander';
import { backup, restore } from './backup.ts';
import { call } from './call.ts';
import { check } from './check.ts';
import type { Place } from './open-kernel.ts';
import { describeProblem } from './problem.ts';
import { run, type Run } from './run.ts';
import { showStatus } from './show-status.ts';
import { upgrade } from './upgrade.ts';

type PlaceOptions = { readonly state: string; readonly verbose: boolean };

type RunOptions = PlaceOptions &
  Run['settings'] & {
    readonly once: boolean;
  };

const wholeNumber =
  (most: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > most) {
      throw new InvalidArgumentError(
        `It is a whole number from 1 to ${most.toLocaleString('en')}.`,
      );
    }
    return value;
  };

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

/** What "run" takes and does. */
const addRun = (command: Command): void => {
  command
    .argument('<cluster.json>', 'a cluster config')
    .option('--once', 'stop as soon as nothing is left to do', false)
    .option(
      '--parallel <vats>',
      'how many vats work at once: as many as cores, or 2, unless given; 1 is a strict global order',
      wholeNumber(1_000),
    )
    .option(
      '--epoch-cranks <count>',
      'after so many deliveries, at the latest, what they did is committed (default: 1024)',
      wholeNumber(1_000_000),
    )
    .option(
      '--epoch-milliseconds <time>',
      'and after that time, later where commits are slow (default: 32)',
      wholeNumber(1_000),
    )
    .action(
      tell((file: string, { once, state, verbose, ...settings }: RunOptions) =>
        run({ file, isOnce: once, settings }, placeOf({ state, verbose })),
      ),
    );
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

  addRun(
    addCommand('run', 'launches a cluster, or goes on with it, until Ctrl-C'),
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
  addCommand('upgrade', 'gives a vat new code over what it has stored')
    .argument('<cluster>')
    .argument('<vat>')
    .argument('<code>', 'a module or a bundle, by its path or URL')
    .option('--parameters <json>', 'new parameters; as before without them')
    .action(
      tell(
        (
          cluster: string,
          vat: string,
          code: string,
          options: PlaceOptions & { readonly parameters?: string },
        ) =>
          upgrade(
            { cluster, vat, code, parameters: options.parameters },
            placeOf(options),
          ),
      ),
    );
  addCommand('check', 'looks through all that is stored for damage').action(
    tell(({ state }: PlaceOptions) => check(state)),
  );
  addCommand('backup', 'copies all that is stored into one file')
    .argument('<file>', 'is made; must not exist')
    .action(
      tell((file: string, { state }: PlaceOptions) => backup(file, state)),
    );
  addCommand('restore', 'makes a new state folder of what a backup holds')
    .argument('<file>', 'a backup')
    .action(
      tell((file: string, { state }: PlaceOptions) => restore(file, state)),
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
