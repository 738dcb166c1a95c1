import { median, ratioOf, type Contender } from './rounds.ts';

/**
 * Notes the processor time of contenders' runs, all threads together. It tells
 * how much work a thing is even while other programs keep the machine busy.
 */
export const makeCpuMeter = (readCpu: () => Promise<number>) => {
  const samples = new Map<string, number[]>();
  const samplesOf = (name: string): readonly number[] =>
    samples.get(name) ?? [];
  return {
    /** The same contenders, with their time noted. The first two runs are warming up. */
    watch: <Name extends string>(
      contenders: Readonly<Record<Name, Contender>>,
    ): Record<Name, Contender> => {
      const watched = Object.entries<Contender>(contenders).map(
        ([name, contend]): [string, Contender] => {
          const noted: number[] = [];
          samples.set(name, noted);
          let runs = 0;
          return [
            name,
            async count => {
              const before = await readCpu();
              const milliseconds = await contend(count);
              runs += 1;
              if (runs > 2) {
                noted.push(((await readCpu()) - before) / count);
              }
              return milliseconds;
            },
          ];
        },
      );
      return Object.fromEntries(watched) as Record<Name, Contender>;
    },
    /** Microseconds of each unit of the contender's: their median. */
    microseconds: (name: string): number => median(samplesOf(name)),
    /** How many times the one's time the other's is: more is better for the one. */
    ratio: (one: string, other: string): number =>
      ratioOf(samplesOf(other), samplesOf(one)),
  };
};
