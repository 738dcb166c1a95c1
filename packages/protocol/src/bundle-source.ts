import { isBundleHash, type BundleHash } from './bundle.ts';
import { isFields, own, type Fields } from './fields.ts';
import { isName, NAME } from './names.ts';
import { showValue } from './show-value.ts';

/** Where a vat's code comes from. */
export type BundleSource =
  | { readonly url: string }
  | { readonly hash: BundleHash }
  | { readonly text: string };

/** Code that a person has stored, for configs and vats that name it by its hash. */
export type BundleStatus = {
  readonly name: string;
  readonly hash: BundleHash;
  /** UTF-16 units of its text. */
  readonly units: number;
};

/** By names. */
export type BundleSources = { readonly [name: string]: BundleSource };

/** Where code comes from, as a person or a program wrote it; undefined when that makes no sense. */
export const parseBundleSource = (
  bundle: unknown,
): BundleSource | undefined => {
  if (!isFields(bundle)) {
    return undefined;
  }
  const keys = Object.keys(bundle);
  const [key] = keys;
  const value = key === undefined ? undefined : bundle[key];
  if (keys.length === 1 && typeof value === 'string') {
    if (key === 'url') {
      return { url: value };
    }
    if (key === 'text') {
      return { text: value };
    }
    if (key === 'hash' && isBundleHash(value)) {
      return { hash: value };
    }
  }
  return undefined;
};

/** Reads `bundle` of a vat; adds what is wrong with it to the problems. */
export const parseSource = (
  fields: Fields,
  where: string,
  problems: string[],
): BundleSource => {
  const bundle = own(fields, 'bundle');
  const url = own(fields, 'bundleSpec');
  if (bundle === undefined && typeof url === 'string') {
    return { url };
  }
  const source = parseBundleSource(bundle);
  if (!source) {
    problems.push(
      isFields(bundle)
        ? `${where}: bundle is one of {"url": text}, {"hash": 128 hex digits}, {"text": text}`
        : `${where}: needs a bundle, one of {"url": …}, {"hash": …}, {"text": …}`,
    );
  }
  return source ?? { text: '' };
};

const MOST_BUNDLES = 100;

/** Reads `bundles` of a cluster config. */
export const parseBundles = (
  value: unknown,
  problems: string[],
): BundleSources => {
  if (!isFields(value) || Object.keys(value).length > MOST_BUNDLES) {
    problems.push(`bundles: is an object of at most ${MOST_BUNDLES} names`);
    return {};
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, bundle]) => {
      if (!isName(name)) {
        problems.push(
          `bundles: ${showValue(name)} is no name (${NAME.source})`,
        );
      }
      return [name, parseSource({ bundle }, `bundles.${name}`, problems)];
    }),
  );
};
