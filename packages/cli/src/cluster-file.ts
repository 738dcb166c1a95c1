import {
  parseClusterConfig,
  type BundleSource,
  type ClusterConfig,
} from '@cooperage/protocol';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleSource, isSource } from './bundle-source.ts';
import { Problem } from './problem.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const reasonOf = (problem: unknown): string =>
  problem instanceof Error ? problem.message : String(problem);

const readJson = (path: string): unknown => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (problem) {
    throw new Problem(`${path} can't be read: ${reasonOf(problem)}`);
  }
  try {
    return JSON.parse(text);
  } catch (problem) {
    throw new Problem(`${path} is no JSON: ${reasonOf(problem)}`);
  }
};

/** What a vat, or an entry of `bundles`, says of its code that is a place, relative to the cluster's file. */
const placeOf = (vat: Fields): string | undefined => {
  const bundle = isFields(vat['bundle']) ? vat['bundle'] : {};
  const place =
    vat['bundle'] === undefined
      ? vat['bundleSpec']
      : (bundle['path'] ?? bundle['url']);
  return typeof place === 'string' ? place : undefined;
};

const absolute = (place: string, base: URL): string => {
  try {
    return new URL(place, base).href;
  } catch {
    throw new Problem(`${JSON.stringify(place)} is no path and no URL`);
  }
};

const resolveVat = (vat: unknown, base: URL): unknown => {
  const place = isFields(vat) ? placeOf(vat) : undefined;
  if (!isFields(vat) || place === undefined) {
    return vat;
  }
  const { bundleSpec: _, ...rest } = vat;
  return { ...rest, bundle: { url: absolute(place, base) } };
};

const mapFields = (
  fields: Fields,
  change: (value: unknown) => unknown,
): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, change(value)]),
  );

/** A config's places made absolute; what is no config stays as it is. */
const resolvePlaces = (config: unknown, base: URL): unknown => {
  if (!isFields(config) || !isFields(config['vats'])) {
    return config;
  }
  const { vats, bundles } = config;
  return {
    ...config,
    vats: mapFields(vats, vat => resolveVat(vat, base)),
    ...(isFields(bundles) && {
      bundles: mapFields(bundles, bundle => {
        const resolved = resolveVat({ bundle }, base);
        return isFields(resolved) ? resolved['bundle'] : bundle;
      }),
    }),
  };
};

/**
 * Reads a cluster's file: a config, or a sample with its config inside. Places
 * of bundles are relative to the file.
 *
 * @throws {Problem} that names the file and lists all that is wrong with the config
 */
export const readClusterFile = (path: string): ClusterConfig => {
  const json = readJson(path);
  const config =
    isFields(json) && isFields(json['config']) ? json['config'] : json;
  const found = parseClusterConfig(
    resolvePlaces(config, pathToFileURL(resolve(path))),
  );
  if (!found.ok) {
    throw new Problem(
      [`${path} is no cluster config:`, ...found.problems].join('\n  - '),
    );
  }
  return found.value;
};

const bundleModule = async (source: BundleSource): Promise<BundleSource> => {
  const url = 'url' in source ? new URL(source.url) : undefined;
  return url?.protocol === 'file:' && isSource(url)
    ? { text: await bundleSource(url) }
    : source;
};

/** The config with a bundle in the place of each module (`.ts`, `.js`). */
export const bundleModules = async (
  config: ClusterConfig,
): Promise<ClusterConfig> => {
  const vats = await Promise.all(
    Object.entries(config.vats).map(
      async ([name, vat]) =>
        [name, { ...vat, bundle: await bundleModule(vat.bundle) }] as const,
    ),
  );
  const bundles = await Promise.all(
    Object.entries(config.bundles).map(
      async ([name, source]) => [name, await bundleModule(source)] as const,
    ),
  );
  return {
    ...config,
    vats: Object.fromEntries(vats),
    bundles: Object.fromEntries(bundles),
  };
};
