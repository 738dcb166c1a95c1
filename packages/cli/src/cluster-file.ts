import {
  parseClusterConfig,
  type ClusterConfig,
  type VatConfig,
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

/** What a vat says of its code that is a place, relative to the cluster's file. */
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

/** A config's places made absolute; what is no config stays as it is. */
const resolvePlaces = (config: unknown, base: URL): unknown => {
  if (!isFields(config) || !isFields(config['vats'])) {
    return config;
  }
  const vats = Object.entries(config['vats']).map(([name, vat]) => [
    name,
    resolveVat(vat, base),
  ]);
  return { ...config, vats: Object.fromEntries(vats) };
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

const bundleVat = async (vat: VatConfig): Promise<VatConfig> => {
  const url = 'url' in vat.bundle ? new URL(vat.bundle.url) : undefined;
  return url?.protocol === 'file:' && isSource(url)
    ? { ...vat, bundle: { text: await bundleSource(url) } }
    : vat;
};

/** The config with a bundle in the place of each module (`.ts`, `.js`). */
export const bundleModules = async (
  config: ClusterConfig,
): Promise<ClusterConfig> => {
  const vats = await Promise.all(
    Object.entries(config.vats).map(
      async ([name, vat]) => [name, await bundleVat(vat)] as const,
    ),
  );
  return { ...config, vats: Object.fromEntries(vats) };
};
