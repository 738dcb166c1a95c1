/** A number that depends on the words alone, spread over all 32 bits. */
const hashOf = (words: readonly (string | number)[]): number => {
  let hash = 0x811c9dc5;
  for (const unit of words.join('\u0000')) {
    hash = Math.imul(hash ^ (unit.codePointAt(0) ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
};

/** Draws from a seed: the same words draw the same number below the bound, whoever draws, and when. */
export const makeDraws =
  (seed: number) =>
  (below: number, ...words: readonly (string | number)[]): number =>
    hashOf([seed, ...words]) % below;

export type Draws = ReturnType<typeof makeDraws>;

/** One number after the other from a seed. */
export const makeSequence = (seed: number) => {
  const draw = makeDraws(seed);
  let count = 0;
  return (below: number): number => {
    count += 1;
    return draw(below, count);
  };
};
