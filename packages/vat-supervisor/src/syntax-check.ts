import harden from '@endo/harden';

/** Throws what the engine says of a program that does not parse; runs nothing of it. */
export type Parse = (source: string) => void;

const complaint = (parse: Parse, source: string): string | undefined => {
  try {
    parse(source);
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error
      ? `${thrown.name}: ${thrown.message}`
      : String(thrown);
  }
};

/** SES refuses some text by a search, and tells the line in the function that it made of the text. */
const SES_LINE = /<unknown>:(\d+)/;
const LINES_BEFORE_BODY = 2;

/**
 * Two ends that no program has, with different complaints: whatever is said of
 * both alike was wrong before the end.
 */
const ENDS = Object.freeze(['\n@', '\nenum']);

/** The shortest run of first lines that has the complaint; all of them when it is about the end. */
const findLine = (
  parse: Parse,
  lines: readonly string[],
  problem: string,
): number => {
  let low = 1;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = lines.slice(0, middle).join('\n');
    if (ENDS.every(end => complaint(parse, start + end) === problem)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
};

/**
 * What is wrong with a program's syntax and in which line, or undefined. An
 * engine does not tell the line of source that it was given as a string, so this
 * searches for it by parsing the first half, quarter, and so on.
 */
export const problemOfSyntax = (
  parse: Parse,
  source: string,
): string | undefined => {
  const problem = complaint(parse, source);
  if (problem === undefined) {
    return undefined;
  }
  const lines = source.split('\n');
  const told = SES_LINE.exec(problem)?.[1];
  const line =
    told === undefined
      ? findLine(parse, lines, problem)
      : Number(told) - LINES_BEFORE_BODY;
  const text = (lines[line - 1] ?? '').trim().slice(0, 80);
  return `${problem.replace(SES_LINE, 'the code')} (line ${line}: ${text})`;
};
harden(problemOfSyntax);
