import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CACHE = join(ROOT, '.cache', 'worker-text');

/**
 * Bundles a worker's entry into one strict script. `node:` imports become
 * `require` calls, which only a worker of Node has.
 */
export const buildWorkerText = async (
  entry: string,
  plugins: Plugin[] = [],
): Promise<string> => {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    plugins,
    root: dirname(entry),
    build: {
      write: false,
      target: 'es2022',
      lib: { entry, formats: ['iife'], name: 'cooperageVat' },
      rollupOptions: {
        external: /^node:/,
        output: {
          // SES has no sloppy mode, and a classic script is sloppy unless it says so.
          banner: '"use strict";',
          // Vats and people read the names of functions and classes, `error.name` above all.
          minify: {
            mangle: { keepNames: true },
            compress: { keepNames: { function: true, class: true } },
          },
          globals: id => `require(${JSON.stringify(id)})`,
        },
      },
    },
  });
  const output = Array.isArray(result) ? result[0] : result;
  if (output === undefined || !('output' in output)) {
    throw Error(`bundling ${entry} gave no output`);
  }
  return output.output[0].code;
};

const sourcesIn = async (folder: string): Promise<string[]> => {
  const names = await readdir(join(ROOT, folder), { recursive: true });
  return names
    .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
    .map(name => join(ROOT, folder, name));
};

/** What the text depends on: our sources by content, everything else by the lock file. */
const hashInputs = async (entry: string): Promise<string> => {
  const folders = [
    'packages/vat-supervisor/src',
    'packages/streams/src',
    'packages/protocol/src',
  ];
  const files = (await Promise.all(folders.map(sourcesIn))).flat();
  const hash = createHash('sha256');
  const own = fileURLToPath(import.meta.url);
  for (const file of [entry, own, join(ROOT, 'pnpm-lock.yaml'), ...files]) {
    hash.update(`${file.slice(ROOT.length)}\0`);
    hash.update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 32);
};

const readOrBuild = async (entry: string): Promise<string> => {
  const path = join(CACHE, `${await hashInputs(entry)}.js`);
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== undefined) {
    return kept;
  }
  const text = await buildWorkerText(entry);
  await mkdir(CACHE, { recursive: true });
  // Others may be building the same: whoever renames last wins with an equal file.
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, text);
  await rename(draft, path);
  return text;
};

const texts = new Map<string, Promise<string>>();

/** The same, built at most once per process and kept on disk under a hash of its sources. */
export const provideWorkerText = (entry: string): Promise<string> => {
  const known = texts.get(entry);
  if (known !== undefined) {
    return known;
  }
  const text = readOrBuild(entry);
  texts.set(entry, text);
  return text;
};
