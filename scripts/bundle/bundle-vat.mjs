import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { BundleProblem } from './bundle-problem.mjs';
import { findFreeGlobals } from './free-globals.mjs';
import { makeVatSourcePlugin } from './vat-source-plugin.mjs';

/**
 * @typedef {object} VatBundle
 * @property {string} name the vat's, as its sourceURL says it
 * @property {string} text the bundle: JSON, `moduleFormat` `cooperageScript`
 * @property {string} hash SHA-512 of the text's UTF-8 bytes, in hexadecimal
 * @property {number} size bytes of the text
 * @property {number} gzip bytes of the text, gzipped
 * @property {readonly string[]} imports the supervisor's modules that it takes, sorted
 * @property {readonly import('./free-globals.mjs').FreeGlobal[]} globals what it asks for beside them
 */

/** A file that says only "here it is" takes its folder's name. */
const FOLDER_FILE = /^(index|vat|main)$/;

/** @param {string} path */
const nameOf = path => {
  const file = basename(path).replace(/\.[^.]*$/, '');
  const name = FOLDER_FILE.test(file) ? basename(dirname(path)) : file;
  return name.replace(/[^\w.-]/g, '_') || 'vat';
};

/** @param {string} path */
const insistFile = path => {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
    throw new BundleProblem(
      `there is no file ${relative(process.cwd(), path)}`,
    );
  }
};

// Vite wraps what a plugin throws; the sentence for the author is inside.
/** @param {any} error @returns {Error} */
const unwrap = error => {
  if (error instanceof BundleProblem) {
    return error;
  }
  const [first] = error.errors ?? [];
  const inner = [error.cause, first?.cause, first].find(
    each => each instanceof BundleProblem,
  );
  if (inner) {
    return inner;
  }
  const text = String(first?.message ?? error.message);
  return new BundleProblem(text.replace(/\u001b\[[\d;]*m/g, ''));
};

/** @param {string} path */
const bundleChunk = async path => {
  /** @type {any} */
  const built = await build({
    configFile: false,
    envFile: false,
    publicDir: false,
    logLevel: 'silent',
    mode: 'production',
    root: dirname(path),
    plugins: [makeVatSourcePlugin()],
    build: {
      write: false,
      minify: false,
      target: 'es2023',
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: path,
        preserveEntrySignatures: 'strict',
        // Comments go: they may hold `import(`, which SES refuses wherever it
        // stands, and the paths of this machine.
        experimental: { attachDebugInfo: 'none' },
        output: {
          format: 'iife',
          name: 'namespace',
          esModule: false,
          comments: false,
          codeSplitting: false,
          globals: id => `imports[${JSON.stringify(id)}]`,
        },
      },
    },
  }).catch(error => {
    throw unwrap(error);
  });
  const [{ output }] = [built].flat();
  return output[0];
};

/**
 * Bundles a vat's module with what it imports into one script. Same sources,
 * same text, on any machine. Does not run it: see `checkBundle`.
 *
 * @param {string} path of a module in TypeScript or JavaScript
 * @returns {Promise<VatBundle>}
 * @throws {BundleProblem} for a missing file, a syntax error, an import that
 *   leads nowhere, no export `buildRootObject`
 */
export const bundleVat = async path => {
  const file = resolve(path);
  insistFile(file);
  const name = nameOf(file);
  const chunk = await bundleChunk(file);
  if (!chunk.exports.includes('buildRootObject')) {
    const others = chunk.exports.join(', ') || 'nothing';
    throw new BundleProblem(
      `${relative(process.cwd(), file)} exports no buildRootObject (it exports ${others})`,
    );
  }
  const source = `(imports => {
"use strict";
${chunk.code.trimEnd()}
return namespace;
})
//# sourceURL=cooperage-vat:${name}.js
`;
  const imports = [...chunk.imports].sort();
  const text = JSON.stringify({
    moduleFormat: 'cooperageScript',
    source,
    imports,
  });
  const bytes = Buffer.from(text, 'utf8');
  return {
    name,
    text,
    hash: createHash('sha512').update(bytes).digest('hex'),
    size: bytes.length,
    gzip: gzipSync(bytes).length,
    imports,
    globals: findFreeGlobals(source),
  };
};
