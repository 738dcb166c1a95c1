/** A bundle with a hash of its own for each number: the rig's hash is the length. */
export const codeOf = (number: number): string =>
  JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: 'x'.repeat(100 + number),
  });
export const hashOf = (text: string): string =>
  `${text.length}`.padStart(128, '0');

/** Code that a person may store. */
export const storedCode = (number: number): string => codeOf(500 + number);
