import { showValue } from './show-value.ts';

/**
 * A bundle is JSON text, stored by the SHA-512 of its UTF-8 bytes. Its
 * `moduleFormat` says how the supervisor loads it:
 *
 * - `cooperageScript`: `{ moduleFormat, source, imports }`. `source` is a script
 *   whose completion value is a function `imports => namespace`; `imports` names
 *   the modules it takes from the supervisor's own hardened copies (PROVIDED_MODULES).
 * - `cooperageModule`: `{ moduleFormat, record }`. `record` is one ES module
 *   precompiled by `@endo/module-source`; it may import PROVIDED_MODULES.
 * - `endoScript`, `endoZipBase64`, `nestedEvaluate`, `getExport`: the field's
 *   own, loaded by `@endo/import-bundle`.
 */
export type BundleText = string;

/** 128 lower-case hexadecimal digits. */
export type BundleHash = string;

export const isBundleHash = (value: unknown): value is BundleHash =>
  typeof value === 'string' && /^[0-9a-f]{128}$/.test(value);

export const MODULE_FORMATS = Object.freeze([
  'cooperageScript',
  'cooperageModule',
  'endoScript',
  'endoZipBase64',
  'nestedEvaluate',
  'getExport',
] as const);
export type ModuleFormat = (typeof MODULE_FORMATS)[number];

/** What vat code may import and the supervisor has: one hardened copy of each. */
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
] as const);

/** Bytes of a bundle's text at most: 16 MiB. */
export const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Checks the outside of a bundle: JSON, an object, a known format, a size.
 * Gives the problem in words, or undefined when there is none.
 */
export const problemOfBundle = (text: string): string | undefined => {
  if (text.length > MAX_BUNDLE_BYTES) {
    return `the bundle has ${text.length} characters, more than ${MAX_BUNDLE_BYTES}`;
  }
  let bundle: unknown;
  try {
    bundle = JSON.parse(text);
  } catch {
    return `a bundle is JSON; this text starts with ${JSON.stringify(text.slice(0, 40))}`;
  }
  if (!isRecord(bundle) || !Object.hasOwn(bundle, 'moduleFormat')) {
    return 'a bundle is a JSON object with a moduleFormat';
  }
  const format = bundle['moduleFormat'];
  if (!MODULE_FORMATS.some(known => known === format)) {
    return `moduleFormat ${showValue(format)} is not one of ${MODULE_FORMATS.join(', ')}`;
  }
  return undefined;
};
