import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleVat } from './bundle-vat.mjs';
import { checkBundle } from './check-bundle.mjs';

/** @type {string} */
let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cooperage-bundle-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** @param {string} name @param {string} text */
const write = (name, text) => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};

/** @param {string} text */
const problemOf = async text =>
  bundleVat(write('vat.ts', text)).then(
    () => 'none',
    error => `${error.name} ${error.message.replaceAll(`${folder}/`, '')}`,
  );

const ROOT = 'export const buildRootObject = () => {};\n';

describe('a bundle', () => {
  it('holds what the vat imports, and leaves out what its supervisor provides', async () => {
    write(
      'node_modules/leftpad/package.json',
      '{"name":"leftpad","version":"1.0.0","main":"./main.js"}',
    );
    write(
      'node_modules/leftpad/main.js',
      "/** @type {import('x')} */ exports.pad = text => ' ' + text;",
    );
    write('part.ts', 'export const part: string = "a part";\n');
    const path = write(
      'vat.ts',
      `import { E, Far } from '@endo/far';
import { M } from '@endo/patterns';
import { pad } from 'leftpad';
import { part } from './part.ts';
export const buildRootObject = (): object => Far(pad(part), { E, M });
`,
    );
    const bundle = await bundleVat(path);
    const { moduleFormat, source, imports } = JSON.parse(bundle.text);
    expect({ moduleFormat, imports }).toEqual({
      moduleFormat: 'cooperageScript',
      imports: ['@endo/far', '@endo/patterns'],
    });
    expect(bundle.hash).toBe(
      createHash('sha512').update(bundle.text).digest('hex'),
    );
    const namespace = (0, eval)(source)({
      '@endo/far': {
        E: 'E',
        Far: (/** @type {string} */ name, /** @type {object} */ methods) => ({
          name,
          ...methods,
        }),
      },
      '@endo/patterns': { M: 'M' },
    });
    expect(namespace.buildRootObject()).toEqual({
      name: ' a part',
      E: 'E',
      M: 'M',
    });
    expect(await checkBundle(bundle)).toEqual({ warnings: [] });
  });

  it('is the same text wherever its sources lie', async () => {
    write('node_modules/dep/package.json', '{"name":"dep","version":"1.0.0"}');
    write('node_modules/dep/index.js', 'module.exports = { dep: 1 };');
    write('one/src/part.ts', 'export const part = [1];\n');
    write(
      'one/src/vat.ts',
      `import { part } from './part.ts';\nimport { dep } from 'dep';\nexport const buildRootObject = () => [part, dep];\n`,
    );
    cpSync(join(folder, 'one'), join(folder, 'two/deeper'), {
      recursive: true,
    });
    const one = await bundleVat(join(folder, 'one/src/vat.ts'));
    const two = await bundleVat(join(folder, 'two/deeper/src/vat.ts'));
    expect(two.text).toBe(one.text);
    expect(one.text).not.toContain(folder);
    expect(one.text).not.toContain('node_modules');
  });

  it('names the globals that its code asks for, by scope', async () => {
    const bundle = await bundleVat(
      write(
        'vat.ts',
        `export const buildRootObject = () => {
  const localStorage = { fetch: 1 };
  if (typeof Buffer === 'undefined') setTimeout(() => new Date(), 1);
  return [localStorage.fetch, Math.random(), new Date(7), new URL('x:y')];
};
`,
      ),
    );
    expect(bundle.globals.map(each => each.name)).toEqual([
      'Buffer',
      'Date',
      'Math',
      'Object',
      'Symbol',
      'URL',
      'setTimeout',
    ]);
    expect(await checkBundle(bundle)).toEqual({
      warnings: [
        'new Date() without arguments throws in a vat',
        'Math.random() throws in a vat',
        "URL is there only if the vat's config lists it in endowments",
        'setTimeout is not there in a vat',
      ],
    });
  });
});

describe('what is wrong with a vat is said in a sentence, with its place', () => {
  it.each([
    [
      'a syntax error',
      `${ROOT}const x = {{;\n`,
      'vat.ts:2:12: Unexpected token\n  2 | const x = {{;\n    |            ^',
    ],
    [
      'an import that leads nowhere',
      `${ROOT}import './gone.ts';\n`,
      `vat.ts:2:8: the import "./gone.ts" can't be resolved\n  2 | import './gone.ts';\n    |        ^`,
    ],
    [
      'a package that is not installed',
      `${ROOT}export * from 'no-such';\n`,
      `vat.ts:2:15: the import "no-such" can't be resolved\n  2 | export * from 'no-such';\n    |               ^`,
    ],
    [
      "a module of Node's",
      `${ROOT}import fs from 'node:fs';\nfs();\n`,
      `vat.ts:2:16: a vat has no "node:fs": Node's modules stay outside`,
    ],
    [
      'a dynamic import',
      `${ROOT}await import('./x.ts');\n`,
      'vat.ts:2:7: a vat has no dynamic import',
    ],
    [
      'import.meta',
      `${ROOT}import.meta.url;\n`,
      'vat.ts:2:1: a vat has no import.meta',
    ],
    [
      'no buildRootObject',
      'export const other = 1;\n',
      'vat.ts exports no buildRootObject (it exports other)',
    ],
  ])('%s', async (_what, text, problem) => {
    expect(await problemOf(text)).toContain(problem);
    expect(await problemOf(text)).toMatch(/^BundleProblem /);
  });

  it('a missing file', async () => {
    await expect(bundleVat(join(folder, 'none.ts'))).rejects.toThrow(
      /^there is no file .*none\.ts$/,
    );
  });

  it.each([
    [
      'export const buildRootObject = 5;',
      'buildRootObject is a number, not a function',
    ],
    [
      'null.x; export const buildRootObject = () => {};',
      'TypeError: Cannot read properties of null',
    ],
  ])('a bundle that can not start: %s', async (text, problem) => {
    const bundle = await bundleVat(write('vat.js', text));
    await expect(checkBundle(bundle)).rejects.toThrow(problem);
  });
});
