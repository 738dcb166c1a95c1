import { makeSequence } from './draws.ts';

/**
 * Asked which of so many things happens next. `state` gives all that the future
 * depends on, as text. Undefined when the run may end here: from this state on
 * all has been gone through, or will be.
 */
export type Choose = (of: number, state: () => string) => number | undefined;

/** What happened of a search. */
export type Exploration = {
  readonly runs: number;
  /** Whether every way was gone; false when there were more than allowed. */
  readonly isWhole: boolean;
  /** States in which there was a choice, each counted once. */
  readonly states: number;
};

const hashOf = (text: string): string => {
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b);
    high ^= high >>> 13;
  }
  return `${(low >>> 0).toString(36)}.${(high >>> 0).toString(36)}.${text.length.toString(36)}`;
};

/** One run, whose failure is told with the choices that lead to it. */
const runOnce = async (
  run: (choose: Choose) => Promise<void>,
  decide: (at: number, of: number, state: () => string) => number | undefined,
): Promise<{ chosen: number; of: number }[]> => {
  const made: { chosen: number; of: number }[] = [];
  try {
    await run((of, state) => {
      const chosen = decide(made.length, of, state);
      if (chosen !== undefined) {
        made.push({ chosen, of });
      }
      return chosen;
    });
  } catch (problem) {
    const choices = made.map(({ chosen }) => chosen).join('.');
    throw Error(
      `${String(problem)}\nto see it again: SCHEDULE=${choices || '0'}, and this test alone`,
      { cause: problem },
    );
  }
  return made;
};

const plannedAt = (
  planned: readonly number[],
  at: number,
  of: number,
): number | undefined => {
  const chosen = planned[at];
  if (chosen !== undefined && chosen >= of) {
    throw Error(
      `there is no choice ${chosen} at place ${at}, only ${of}: the program is another, or a run is not the same for the same choices`,
    );
  }
  return chosen;
};

/** Makes these choices, and after them the first one always. */
export const replay = async (
  planned: readonly number[],
  run: (choose: Choose) => Promise<void>,
): Promise<void> => {
  await runOnce(run, (at, of) => plannedAt(planned, at, of) ?? 0);
};

/**
 * Runs again and again, each time with other choices, until every way to choose
 * was gone or enough were; the last choice varies first. A state in which an
 * earlier run has been is not gone on from a second time, unless `isEveryWay`.
 * A run must do the same for the same choices.
 */
export const exploreAll = async (
  isEnough: (runs: number) => boolean,
  run: (choose: Choose) => Promise<void>,
  { isEveryWay = false }: { isEveryWay?: boolean } = {},
): Promise<Exploration> => {
  const seen = new Set<string>();
  let planned: number[] = [];
  for (let runs = 1; ; runs += 1) {
    const made = await runOnce(run, (at, of, state) => {
      const chosen = plannedAt(planned, at, of);
      if (chosen !== undefined) {
        return chosen;
      }
      const here = hashOf(state());
      const isKnown = seen.has(here);
      seen.add(here);
      return isKnown && !isEveryWay ? undefined : 0;
    });
    const turn = made.findLastIndex(({ chosen, of }) => chosen + 1 < of);
    if (turn < 0 || isEnough(runs)) {
      return { runs, isWhole: turn < 0, states: seen.size };
    }
    planned = made.slice(0, turn + 1).map(({ chosen }) => chosen);
    planned[turn] = (planned[turn] ?? 0) + 1;
  }
};

/**
 * Runs again and again with choices drawn from the seed. Two runs that have come
 * to the same state and choose the same must come to the same state again:
 * throws when they do not, for then the text of a state leaves something out.
 */
export const walkAtRandom = async (
  seed: number,
  isEnough: (runs: number) => boolean,
  run: (choose: Choose) => Promise<void>,
): Promise<Exploration> => {
  const seen = new Set<string>();
  const following = new Map<string, string>();
  for (let runs = 1; ; runs += 1) {
    const draw = makeSequence(seed + 7919 * runs);
    let last: string | undefined;
    await runOnce(run, (_, of, state) => {
      const text = state();
      const here = `${hashOf(text)} of ${of}`;
      seen.add(here);
      const before = last === undefined ? here : following.get(last);
      if (last !== undefined && before === undefined) {
        following.set(last, here);
      } else if (before !== here) {
        throw Error(
          `two runs were in the same state and chose the same, and are not in the same state now: ${text}`,
        );
      }
      const chosen = draw(of);
      last = `${here} ${chosen}`;
      return chosen;
    });
    if (isEnough(runs)) {
      return { runs, isWhole: false, states: seen.size };
    }
  }
};
