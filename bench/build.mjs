// @ts-check
/**
 * Builds what is measured into a folder of the cache, which goes when the process ends: in Node one script with
 * everything, as the command line is built; for Chromium a copy of the built
 * extension, which itself stays as it is, with the pages of floor and peers.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { leaveAssets } from '../scripts/leave-assets.mjs';
import { cache, extensionDir, provideBuild } from '../scripts/setup.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const packages = join(here, '..', 'packages');
/** Of this process alone, so that two may run at once. */
const out = join(cache, 'bench', String(process.pid));

/** @typedef {{ name: string, entry: string, format?: 'es' | 'iife' }} Script */

/** @param {string} folder @param {Script} script */
const bundle = async (folder, { name, entry, format = 'iife' }) => {
  await build({
    configFile: false,
    envDir: false,
    publicDir: false,
    root: here,
    logLevel: 'warn',
    plugins: [leaveAssets],
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: 'es2022',
      minify: true,
      modulePreload: false,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2_000,
      rolldownOptions: {
        input: { [name]: join(here, entry) },
        external: /^node:/,
        output: {
          format,
          strict: true,
          codeSplitting: false,
          entryFileNames: '[name].js',
          globals: id => `require(${JSON.stringify(id)})`,
        },
      },
    },
  });
};

/** @param {string} folder @param {string} entry @param {string} name */
const bundleNodeProcess = (folder, entry, name) =>
  build({
    configFile: false,
    envDir: false,
    publicDir: false,
    root: here,
    logLevel: 'warn',
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: join(here, entry),
      outDir: folder,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      rolldownOptions: {
        output: { codeSplitting: false, entryFileNames: name },
      },
    },
  });

/** @param {string} folder */
const copySqlite = folder => {
  const kernel = createRequire(join(packages, 'kernel', 'package.json'));
  cpSync(
    kernel.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm'),
    join(folder, 'sqlite3.wasm'),
  );
};

/** @param {string} name */
const makeFolder = name => {
  const folder = join(out, name);
  mkdirSync(folder, { recursive: true });
  process.once('exit', () => rmSync(out, { recursive: true, force: true }));
  return folder;
};

/** @param {string} folder */
const bundlePeers = folder =>
  Promise.all(
    ['captp', 'capnweb', 'comlink'].map(name =>
      bundle(folder, { name: `peer-${name}`, entry: `peers/${name}.ts` }),
    ),
  );

/** Gives the script of the process that measures, or of another. */
export const buildForNode = async (entry = 'node-process.ts') => {
  const folder = makeFolder('node');
  copySqlite(folder);
  await Promise.all([
    bundleNodeProcess(folder, entry, 'process.mjs'),
    bundleNodeProcess(folder, 'contender-process.ts', 'contender-process.mjs'),
    bundle(folder, {
      name: 'vat-worker',
      entry: '../packages/node/src/vat-worker.ts',
    }),
    bundle(folder, { name: 'floor-vat', entry: 'stages/node-vat.ts' }),
    bundlePeers(folder),
  ]);
  return join(folder, 'process.mjs');
};

/** @param {string} name */
const pageOf = name => `<!doctype html>
<meta charset="utf-8" />
<title>${name}</title>
<script type="module" src="${name}-page.js"></script>
`;

/** Gives the folder of an extension that has the pages of floor and peers too. */
export const buildForChromium = async () => {
  provideBuild();
  const folder = makeFolder('extension');
  cpSync(extensionDir, folder, { recursive: true });
  for (const name of ['floor', 'peers']) {
    writeFileSync(join(folder, `${name}.html`), pageOf(name));
  }
  /** @type {readonly Script[]} */
  const scripts = [
    { name: 'floor-vat', entry: 'stages/chromium-vat.ts' },
    {
      name: 'floor-kernel',
      entry: 'stages/floor-kernel-worker.ts',
      format: 'es',
    },
    { name: 'floor-page', entry: 'stages/floor-page.ts', format: 'es' },
    { name: 'peers-page', entry: 'stages/peers-page.ts', format: 'es' },
  ];
  await Promise.all([
    bundlePeers(folder),
    ...scripts.map(script => bundle(folder, script)),
  ]);
  return folder;
};
