/** What a contender does once: milliseconds for so many of the case's units. */
export type Contender = (count: number) => Promise<number>;

export type Rounds = {
  /** How often each contender runs, in turn with the others, after it has run warm. */
  readonly rounds: number;
  /** Units of one run. */
  readonly count: number;
  /** Units of each contender's first runs, which don't count; as many as `count` unless given. */
  readonly warm?: number;
};

/** The middle of the values, or the mean of the middle two. NaN for none. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low = NaN, high = NaN] = [
    sorted[Math.ceil(middle) - 1],
    sorted[Math.floor(middle)],
  ];
  return (low + high) / 2;
};

/** What so many in a hundred of the values do not exceed. NaN for none. */
export const percentile = (share: number, values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[
    Math.ceil((share / 100) * values.length) - 1
  ] ?? NaN;

/**
 * How much the values grow from each to the next: the median of the slopes
 * between any two, which some that are far off don't bear on.
 */
export const slopeOf = (values: readonly number[]): number =>
  median(
    values.flatMap((value, index) =>
      values
        .slice(0, index)
        .map((before, other) => (value - before) / (index - other)),
    ),
  );

/** Units per second of each contender, one per round. */
export type Rates<Name extends string> = Readonly<
  Record<Name, readonly number[]>
>;

/**
 * Runs the contenders in turns, so that what slows the machine down for a while
 * slows all of them. Each round begins with another one.
 */
export const runRounds = async <Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  { rounds, count, warm = count }: Rounds,
): Promise<Rates<Name>> => {
  const names = Object.keys(contenders) as Name[];
  const rates = Object.fromEntries(
    names.map(name => [name, [] as number[]]),
  ) as Record<Name, number[]>;
  for (const name of [...names, ...names]) {
    await contenders[name](warm);
  }
  for (let round = 0; round < rounds; round += 1) {
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const milliseconds = await contenders[name](count);
      rates[name].push((count / milliseconds) * 1000);
    }
  }
  return rates;
};

/** The median of the rounds' ratios: both numbers of one were measured side by side. */
export const ratioOf = (
  values: readonly number[],
  bases: readonly number[],
): number =>
  median(values.map((value, round) => value / (bases[round] ?? NaN)));
