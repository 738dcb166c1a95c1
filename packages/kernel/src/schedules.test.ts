import { afterAll, expect, it } from 'vitest';
import {
  resumeAt,
  runProgram,
  type Deed,
  type Freedom,
  type RunOptions,
} from './testing/crash-driver.ts';
import {
  exploreAll,
  replay,
  walkAtRandom,
  type Choose,
} from './testing/explore.ts';
import {
  choicesWanted,
  isFuzzing,
  searchAllowed,
  seedOr,
} from './testing/fuzz.ts';
import type { VatFault } from './testing/durable-vats.ts';
import { memoryStorage } from './testing/memory-crashes.ts';

/** Three vats, a few messages, and one thing that happens to them; what the vats do is drawn from one seed. */
type Case = {
  readonly title: string;
  readonly deeds: readonly Deed[];
  readonly faults?: readonly VatFault[];
  /** Whether all of it is gone through in an ordinary run of the tests. */
  readonly isSmall?: true;
  readonly freedom?: Freedom;
  readonly kernel?: NonNullable<RunOptions<never>['kernel']>;
};

const CASES: readonly Case[] = [
  {
    title: 'messages that meet',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'work', to: 1 },
    ],
  },
  {
    title: 'a worker is lost',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'lose', to: 0, what: 'worker' },
    ],
    isSmall: true,
  },
  {
    title: 'the process of all vats is lost',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'lose', to: 0, what: 'host' },
    ],
    isSmall: true,
  },
  {
    title: 'a vat is upgraded',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'upgrade', to: 0 },
    ],
    isSmall: true,
  },
  {
    title: 'a vat is upgraded, and a worker is lost',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'upgrade', to: 0 },
      { do: 'lose', to: 0, what: 'worker' },
    ],
  },
  {
    title: 'a vat is suspended and resumed',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'suspend', to: 1 },
      { do: 'resume', to: 1 },
    ],
  },
  {
    title: 'a vat is restarted',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'restart', to: 1 },
    ],
  },
  {
    title: 'the client leaves',
    deeds: [{ do: 'risk', to: 0 }, { do: 'leave' }],
    isSmall: true,
  },
  {
    title: 'garbage is collected',
    deeds: [{ do: 'work', to: 0 }, { do: 'collect' }],
    isSmall: true,
  },
  {
    title: 'a cluster comes, is sent to, and ends',
    deeds: [{ do: 'launch' }, { do: 'risk', to: 0 }, { do: 'terminate' }],
  },
  {
    title: 'an output is held, and time passes meanwhile',
    deeds: [{ do: 'work', to: 0 }],
    freedom: { times: 2 },
    kernel: { holdMilliseconds: 2, epochCranks: 2 },
    isSmall: true,
  },
  {
    title: 'a vat does not answer, and passes its deadline',
    deeds: [{ do: 'work', to: 0 }],
    faults: ['silent'],
    freedom: { times: 2 },
    isSmall: true,
  },
  {
    title: 'a vat breaks a rule',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'work', to: 1 },
    ],
    faults: ['illegal'],
  },
  {
    title: 'idle vats lose their workers, and get work',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'risk', to: 1 },
    ],
    freedom: { times: 3 },
    kernel: {
      evictMilliseconds: 20,
      rules: { onFault: 'restart', eviction: 'any' },
    },
  },
  {
    title:
      'what is sent to vats takes its time, and so does what is to be done soon',
    deeds: [{ do: 'work', to: 0 }],
    freedom: { areVatsSlow: true, isSoonFree: true },
  },
  {
    title: 'the kernel crashes while there is work',
    deeds: [{ do: 'work', to: 0 }],
    freedom: { mayCrash: true },
    isSmall: true,
  },
  {
    title: 'a vat is made and governed',
    deeds: [
      { do: 'birth', to: 1 },
      { do: 'govern', to: 0 },
    ],
  },
  {
    title: 'the kernel crashes while a vat is made',
    deeds: [{ do: 'birth', to: 1 }],
    freedom: { mayCrash: true },
  },
  {
    title: 'the kernel crashes in an upgrade',
    deeds: [
      { do: 'work', to: 0 },
      { do: 'upgrade', to: 0 },
    ],
    freedom: { mayCrash: true, times: 1 },
  },
];

const gone = { ways: 0, cases: 0, whole: 0, states: 0 };
/** Of each case that was searched in order. */
const searched: string[] = [];
afterAll(() =>
  console.log(
    [`interleavings: ${JSON.stringify(gone)}`, ...searched].join('\n'),
  ),
);

/** Runs the case once as chosen; after a crash that was chosen, to its end in the first order. */
const runCase =
  ({ deeds, faults = [], freedom = {}, kernel = {} }: Case) =>
  async (schedule: Choose): Promise<void> => {
    const program = { deeds, seed: 1, faults, faultsOneIn: 1 };
    const options = { program, storage: memoryStorage, kernel };
    const first = await runProgram({ ...options, freedom, schedule });
    expect(first.problems).toEqual([]);
    if (first.end === 'crashed') {
      const { problems } = await resumeAt(
        { ...options, schedule: () => 0 },
        first,
        first.moments.at(-1)!,
      );
      expect(problems).toEqual([]);
    }
  };

it.each(CASES)(
  '$title: whatever happens first, all that is sure is done once, and every table holds at each step',
  async each => {
    const run = runCase(each);
    const planned = choicesWanted();
    if (planned) {
      await replay(planned, run);
      return;
    }
    gone.cases += 1;
    let isWhole = false;
    if (each.isSmall || isFuzzing) {
      const found = await exploreAll(searchAllowed(1_000), run);
      ({ isWhole } = found);
      gone.ways += found.runs;
      gone.states += found.states;
      gone.whole += Number(isWhole);
      searched.push(
        `${each.title}: ${found.runs} ways, ${found.states} states, ${isWhole ? 'all there are' : 'cut off'}`,
      );
    }
    expect(isWhole || !each.isSmall || isFuzzing).toBe(true);
    const isEnough = isWhole ? (runs: number) => runs >= 3 : searchAllowed(6);
    gone.ways += (await walkAtRandom(seedOr(1), isEnough, run)).runs;
  },
  3_600_000,
);
