/**
 * The modules that a vat takes from its supervisor: the same list as
 * `PROVIDED_MODULES` of packages/protocol/src/bundle.ts, which Node can't
 * import without a build; a test holds the two together.
 *
 * @type {readonly string[]}
 */
export const PROVIDED_MODULES = Object.freeze([
  '@agoric/vat-data',
  '@endo/errors',
  '@endo/eventual-send',
  '@endo/exo',
  '@endo/far',
  '@endo/marshal',
  '@endo/pass-style',
  '@endo/patterns',
  '@endo/promise-kit',
]);
