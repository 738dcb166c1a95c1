/** Throws what the engine says of source that does not parse; runs nothing of it. */
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

/**
 * What is wrong with a program's syntax and in which line, or undefined. An
 * engine does not tell the line of source that it was given as a string, so this
 * looks for the shortest run of first lines that has the same complaint.
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
  let low = 1;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (complaint(parse, lines.slice(0, middle).join('\n')) === problem) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const line = (lines[low - 1] ?? '').trim().slice(0, 80);
  return `${problem} (line ${low}: ${line})`;
};
