import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleVat } from './bundle-vat.mjs';

/** Where the sample clusters are described, a JSON file each. */
export const CLUSTERS_FOLDER = fileURLToPath(
  new URL('../../vats/clusters', import.meta.url),
);

/**
 * A sample cluster; its config is one that `parseClusterConfig` takes, with
 * every bundle as `{ url: 'bundles/<name>.json' }`.
 *
 * @typedef {object} Sample
 * @property {string} title
 * @property {string} description
 * @property {{ name: string, bootstrap: string, vats: Record<string, { bundle: { url: string }, parameters?: unknown }> }} config
 */

/**
 * Bundles every vat that the sample clusters name, each file once. A cluster's
 * file names a vat's module as `{ "bundle": { "path": … } }`, relative to itself;
 * the same in `bundles`, for vats to come.
 *
 * @returns {Promise<{ samples: readonly Sample[], bundles: ReadonlyMap<string, import('./bundle-vat.mjs').VatBundle> }>}
 *   `bundles` by name
 */
export const bundleClusters = async () => {
  /** @type {Map<string, string>} path of a module to the name of its bundle */
  const names = new Map();
  /** @type {Map<string, import('./bundle-vat.mjs').VatBundle>} */
  const bundles = new Map();

  /** @param {string} path */
  const nameOfBundle = async path => {
    const known = names.get(path);
    if (known !== undefined) {
      return known;
    }
    const bundle = await bundleVat(path);
    if (bundles.has(bundle.name)) {
      throw Error(`two vats of the sample clusters are called ${bundle.name}`);
    }
    names.set(path, bundle.name);
    bundles.set(bundle.name, bundle);
    return bundle.name;
  };

  const samples = [];
  const files = readdirSync(CLUSTERS_FOLDER).filter(name =>
    name.endsWith('.json'),
  );
  for (const file of files.sort()) {
    const path = join(CLUSTERS_FOLDER, file);
    const sample = JSON.parse(readFileSync(path, 'utf8'));
    const { vats, bundles: named = {} } = sample.config;
    /** @param {{ path: string }} source */
    const placeOf = async source => ({
      url: `bundles/${await nameOfBundle(resolve(dirname(path), source.path))}.json`,
    });
    for (const vat of Object.values(vats)) {
      vat.bundle = await placeOf(vat.bundle);
    }
    for (const name of Object.keys(named)) {
      named[name] = await placeOf(named[name]);
    }
    samples.push(sample);
  }
  return { samples, bundles };
};

/**
 * Writes the samples as `clusters.json` and their bundles as
 * `bundles/<name>.json` into a folder: the extension's.
 *
 * @param {string} folder
 */
export const writeClusters = async folder => {
  const { samples, bundles } = await bundleClusters();
  mkdirSync(join(folder, 'bundles'), { recursive: true });
  for (const [name, { text }] of bundles) {
    writeFileSync(join(folder, 'bundles', `${name}.json`), text);
  }
  writeFileSync(
    join(folder, 'clusters.json'),
    `${JSON.stringify(samples, null, 2)}\n`,
  );
  return { samples, bundles };
};
