// @ts-check
/**
 * Which figures the cases give, and where.
 *
 * @typedef {Pick<import('./stage.ts').BenchCase, 'name' | 'figures' | 'platforms'>} Case
 */

/**
 * The cases that are asked for, by their names or by those of their figures; all, when no name is given.
 * @template {Case} Found
 * @param {readonly Found[]} cases
 * @param {readonly string[]} names
 * @returns {readonly Found[]}
 */
export const findCases = (cases, names) =>
  names.length === 0
    ? cases
    : cases.filter(({ name, figures }) =>
        [name, ...figures].some(each => names.includes(each)),
      );

/**
 * Where a figure is measured: nowhere, if no case gives it.
 * @param {readonly Case[]} cases
 * @param {string} figure
 */
export const platformsOf = (cases, figure) =>
  cases.find(({ figures }) => figures.includes(figure))?.platforms ?? [];

/** @param {{ name: string, platform: string }} result */
export const keyOf = ({ name, platform }) => `${platform} ${name}`;

/**
 * The key of each result that the cases give on the platforms, in the order of the cases.
 * @param {readonly Case[]} cases
 * @param {readonly string[]} platforms
 */
export const keysOf = (cases, platforms) =>
  new Set(
    cases.flatMap(each =>
      each.figures.flatMap(name =>
        each.platforms
          .filter(platform => platforms.includes(platform))
          .map(platform => keyOf({ name, platform })),
      ),
    ),
  );
