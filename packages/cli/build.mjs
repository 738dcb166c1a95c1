// @ts-check
/**
 * `node build.mjs [entry] [folder]`: bundles the command, or another entry that
 * needs what it needs, into a folder: one script, the vats' worker, and SQLite.
 */
import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = dirname(fileURLToPath(import.meta.url));
const entry = resolve(process.argv[2] ?? join(here, 'src', 'main.ts'));
const folder = resolve(process.argv[3] ?? join(here, 'dist'));
const packages = join(here, '..');

/** @type {import('vite').InlineConfig} */
const common = {
  configFile: false,
  envDir: false,
  publicDir: false,
  root: here,
  logLevel: 'warn',
};

/** @param {string} draft */
const bundleCommand = draft =>
  build({
    ...common,
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: entry,
      outDir: draft,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      rolldownOptions: {
        output: { codeSplitting: false, entryFileNames: 'cooperage.mjs' },
      },
    },
  });

/** @param {string} draft */
const bundleVatWorker = draft =>
  build({
    ...common,
    build: {
      outDir: draft,
      emptyOutDir: false,
      target: 'es2022',
      minify: true,
      reportCompressedSize: false,
      lib: {
        entry: join(packages, 'node', 'src', 'vat-worker.ts'),
        formats: ['iife'],
        name: 'cooperageVat',
        fileName: () => 'vat-worker.js',
      },
      rolldownOptions: {
        external: /^node:/,
        output: {
          // SES has no sloppy mode, and a classic script is sloppy unless it says so.
          banner: '"use strict";',
          globals: id => `require(${JSON.stringify(id)})`,
        },
      },
    },
  });

// Built beside and then renamed: a command that starts meanwhile finds the old or the new one, whole.
const draft = `${folder}.${process.pid}`;
mkdirSync(draft, { recursive: true });
try {
  await bundleCommand(draft);
  await bundleVatWorker(draft);
  const kernel = createRequire(join(packages, 'kernel', 'package.json'));
  cpSync(
    kernel.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm'),
    join(draft, 'sqlite3.wasm'),
  );
  rmSync(folder, { recursive: true, force: true });
  renameSync(draft, folder);
} finally {
  rmSync(draft, { recursive: true, force: true });
}
