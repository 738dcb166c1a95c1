import fc from 'fast-check';

declare const process: {
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** What `scripts/fuzz.mjs` asks for; nothing in an ordinary run of the tests. */
const wanted = {
  seed: process.env['FUZZ_SEED'],
  milliseconds: Number(process.env['FUZZ_MINUTES'] ?? 0) * 60_000,
  schedule: process.env['SCHEDULE'],
};

/** At how many inputs a suite that counts them may end before its time is up; 0 when that is not asked for. */
export const inputsWanted = Number(process.env['FUZZ_INPUTS'] ?? 0);

/** Whether more is asked for than an ordinary run of the tests does. */
export const isFuzzing = wanted.seed !== undefined;

/** Tells a search when to end: after so many runs, or when fuzzing once the time is up. */
export const searchAllowed = (most: number): ((runs: number) => boolean) => {
  const begin = Date.now();
  return runs =>
    isFuzzing ? Date.now() - begin >= wanted.milliseconds : runs >= most;
};

/** The seed of an ordinary run, or the one that is asked for. */
export const seedOr = (usual: number): number => Number(wanted.seed ?? usual);

/** The choices that are to be made again, as a failure has told them. */
export const choicesWanted = (): readonly number[] | undefined =>
  wanted.schedule?.split('.').map(Number);

/** A smaller value that fails too, in words; only sought when there is time. */
const makeSmaller = async <Value>(
  arbitrary: fc.Arbitrary<Value>,
  seed: number,
  work: (value: Value, seed: number) => Promise<void>,
): Promise<string> => {
  if (!isFuzzing) {
    return '';
  }
  const property = fc.asyncProperty(arbitrary, value => work(value, seed));
  const found = await fc.check(property, {
    seed,
    numRuns: 1,
    interruptAfterTimeLimit: 60_000,
  });
  return found.counterexample === null
    ? ''
    : `a smaller one: ${fc.stringify(found.counterexample)}\n`;
};

/**
 * The seeds to be tried: the fixed ones in an ordinary run; when fuzzing, those
 * from the given one on until the time is up, or it is enough.
 */
export function* seedsToTry(
  fixed: Iterable<number>,
  isEnough = (): boolean => false,
): Generator<number, void> {
  if (wanted.seed === undefined) {
    yield* fixed;
    return;
  }
  const begin = Date.now();
  for (let seed = Number(wanted.seed); ; seed += 1) {
    yield seed;
    if (Date.now() - begin >= wanted.milliseconds || isEnough()) {
      return;
    }
  }
}

/** What a failure says: the seed, and how to see it again, in the suite if it is named. */
export const toSeeAgain = (seed: number, suite?: string): string =>
  `seed ${seed} fails; to see it again: npm run fuzz -- --minutes 0 --seed ${seed}${suite === undefined ? '' : ` --only ${suite}`}`;

/**
 * Tries one random value for each seed: for the fixed seeds in an ordinary run,
 * so that chance never decides whether it is green; when fuzzing, for the seeds
 * from the given one on until the time is up. Whatever fails is said with the
 * seed that makes it fail again.
 */
export const tryEach = async <Value>(
  arbitrary: fc.Arbitrary<Value>,
  fixed: readonly number[],
  work: (value: Value, seed: number) => Promise<void>,
  /** Inputs tried so far, by a suite that counts them. */
  inputs = (): number => 0,
): Promise<number> => {
  const isEnough = (): boolean => inputsWanted > 0 && inputs() >= inputsWanted;
  let tried = 0;
  for (const seed of seedsToTry(fixed, isEnough)) {
    const [value] = fc.sample(arbitrary, { seed, numRuns: 1 });
    await work(value as Value, seed).catch(async (problem: unknown) => {
      throw Error(
        `${toSeeAgain(seed)}\n${fc.stringify(value)}\n${await makeSmaller(arbitrary, seed, work)}${String(problem)}`,
        { cause: problem },
      );
    });
    tried += 1;
  }
  return tried;
};
