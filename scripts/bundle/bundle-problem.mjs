/**
 * What is wrong with a vat's source or its bundle, in words for its author.
 * The message is whole: sentence, place as `file:line:column`, and the line.
 */
export class BundleProblem extends Error {
  /**
   * @param {string} sentence
   * @param {{ file: string, text: string, offset: number }} [place]
   */
  constructor(sentence, place) {
    super(place === undefined ? sentence : `${locate(place)}: ${sentence}`);
    this.name = 'BundleProblem';
    if (place !== undefined) {
      this.message += `\n${quoteLine(place)}`;
    }
  }
}

/** @param {{ text: string, offset: number }} place */
const lineAndColumn = ({ text, offset }) => {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
};

/** @param {{ file: string, text: string, offset: number }} place */
const locate = ({ file, text, offset }) => {
  const { line, column } = lineAndColumn({ text, offset });
  return `${file}:${line}:${column}`;
};

/** @param {{ text: string, offset: number }} place */
const quoteLine = place => {
  const { line, column } = lineAndColumn(place);
  const shown = place.text.split('\n')[line - 1] ?? '';
  const number = String(line);
  const gutter = ' '.repeat(number.length);
  return `  ${number} | ${shown}\n  ${gutter} | ${' '.repeat(column - 1)}^`;
};
