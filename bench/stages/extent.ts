import type { Rounds } from '../rounds.ts';

export type StageOptions = {
  readonly isQuick: boolean;
  /** The script of SwingSet's process, when it was asked for. */
  readonly swingset?: string;
};

const partOf = (number: number, divisor: number): number =>
  Math.ceil(number / divisor);

/**
 * A quick run makes one of the rounds, with an eighth of the work and a hundredth of
 * the warming up; or a twentieth of the work where there is but one round.
 */
export const shorten =
  (isQuick: boolean) =>
  ({ rounds, count, warm = count }: Rounds): Rounds => {
    if (!isQuick) {
      return { rounds, count, warm };
    }
    return rounds > 1
      ? {
          rounds: 1,
          count: partOf(count, 8),
          warm: partOf(warm, 100),
        }
      : { rounds, count: partOf(count, 20), warm: partOf(warm, 20) };
  };
