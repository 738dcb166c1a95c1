import type { VatId } from './refs.ts';

/** What was found when all that is stored was looked through. */
export type CheckResult = {
  readonly files: number;
  readonly bytes: number;
  /** Versions that have written into it, as `liveslots 0.11.0`; absent where no kernel runs. */
  readonly writers?: readonly string[];
  /** Vats whose file can't be used. */
  readonly damaged: readonly {
    readonly vat: VatId;
    /** As `demo.bob`; absent where no kernel runs. */
    readonly name?: string;
    readonly problem: string;
  }[];
};

const countedFiles = (count: number): string =>
  count === 1 ? '1 file' : `${count.toLocaleString('en-US')} files`;

/** What a check of all that is stored has found, as lines for people. */
export const describeCheck = ({
  files,
  bytes,
  damaged,
  writers = [],
}: CheckResult): readonly string[] => [
  damaged.length === 0
    ? `${countedFiles(files)} (${bytes.toLocaleString('en-US')} bytes) looked through: all sound`
    : `${countedFiles(files)} looked through: ${damaged.length === 1 ? 'one vat has a file that' : `${damaged.length} vats have files that`} can’t be used`,
  ...damaged.map(
    ({ name, vat, problem }) =>
      `${name === undefined ? vat : `${name} (${vat})`}: ${problem}`,
  ),
  ...(writers.length > 0 ? [`written by ${writers.join(', ')}`] : []),
];
