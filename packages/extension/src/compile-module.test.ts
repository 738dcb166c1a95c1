import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { problemOfBundle } from '@cooperage/protocol';
import { expect, it } from 'vitest';
import { compileModule } from './compile-module.ts';

const compile = (source: string) => compileModule({ source, name: 'pasted' });

const GOOD = `import { Far } from '@endo/far';
export const buildRootObject = (_powers, { word }) =>
  Far('Root', { say: () => word });
`;

/** Runs a module's text in a Node of its own; `MODULE` and `SES` are addresses to import. */
const runApart = (program: string, flags: readonly string[] = []) => {
  const { resolve } = createRequire(import.meta.url);
  const text = program
    .replaceAll('SES', pathToFileURL(resolve('ses')).href)
    .replaceAll('MODULE', pathToFileURL(resolve('@endo/module-source')).href);
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '--input-type=module', '-'],
    { input: text, encoding: 'utf8' },
  );
  return stdout + stderr;
};

it('compiles a module to a bundle whose record a Compartment loads', () => {
  const compiled = compile(GOOD);
  const text = compiled.ok ? compiled.bundleText : '';
  expect(problemOfBundle(text)).toBe(undefined);
  expect(JSON.parse(text)).toEqual({
    moduleFormat: 'cooperageModule',
    record: {
      imports: ['@endo/far'],
      exports: ['buildRootObject'],
      reexports: [],
      __syncModuleProgram__: expect.stringMatching(
        /\n\/\/# sourceURL=cooperage-vat:pasted\n$/,
      ),
      __liveExportMap__: {},
      __fixedExportMap__: { buildRootObject: ['buildRootObject'] },
      __reexportMap__: {},
      __needsImport__: false,
      __needsImportMeta__: false,
    },
  });
  const answer = runApart(`
    import 'SES';
    lockdown();
    const { record } = JSON.parse(${JSON.stringify(text)});
    const far = { namespace: { Far: (_name, methods) => methods } };
    const compartment = new Compartment({
      __options__: true,
      resolveHook: specifier => specifier,
      modules: { '@endo/far': far, './main': { source: record } },
    });
    const { namespace } = await compartment.import('./main');
    console.log(namespace.buildRootObject({}, { word: 'ahoy' }).say());
  `);
  expect(answer).toBe('ahoy\n');
});

it('compiles where no code is made of strings, without lockdown', () => {
  const answer = runApart(
    `import { ModuleSource } from 'MODULE';
     console.log(new ModuleSource(${JSON.stringify(GOOD)}).exports.join());`,
    ['--disallow-code-generation-from-strings'],
  );
  expect(answer).toBe('buildRootObject\n');
});

it.each([
  [
    'a syntax error',
    'export const a = 1;\nexport const b = {{;\n',
    { problem: 'line 2: Unexpected token', line: 2, column: 19 },
  ],
  [
    'a name declared twice',
    'const a = 1;\n\nconst a = 2;\n',
    {
      problem: "line 3: Identifier 'a' has already been declared.",
      line: 3,
      column: 7,
    },
  ],
  [
    'an import that a supervisor does not provide',
    "import { E } from '@endo/far';\n// like 'lodash'\nimport lodash from 'lodash';\n",
    {
      problem: expect.stringMatching(
        /^line 3: the import "lodash" is not one of @agoric\/vat-data, .*@endo\/far/,
      ),
      line: 3,
      column: 20,
    },
  ],
  [
    'a dynamic import',
    "export const buildRootObject = () =>\n  import('@endo/far');\n",
    {
      problem: 'line 2: a vat has no dynamic import: write a static one',
      line: 2,
      column: 3,
    },
  ],
  [
    'import.meta',
    'export const buildRootObject = () => import.meta.url;\n',
    {
      problem:
        'line 1: a vat has no import.meta: it was loaded from no address',
      line: 1,
      column: 38,
    },
  ],
  [
    'no buildRootObject',
    'export const other = 1;\n',
    { problem: 'the module exports no buildRootObject (it exports other)' },
  ],
])('says what is wrong and where: %s', (_what, source, expected) => {
  expect(compile(source)).toEqual({ ok: false, ...expected });
});

it('a name can not end the comment that it is put in', () => {
  const compiled = compileModule({
    source: GOOD,
    name: 'x\n;globalThis.escaped = 1; //',
  });
  expect(compiled.ok && JSON.parse(compiled.bundleText)).toEqual(
    expect.objectContaining({
      record: expect.objectContaining({
        __syncModuleProgram__: expect.stringMatching(
          /\n\/\/# sourceURL=cooperage-vat:[\w.-]+\n$/,
        ),
      }),
    }),
  );
});

it('compiles the vat that the README shows', () => {
  const path = fileURLToPath(new URL('../../../README.md', import.meta.url));
  const blocks = readFileSync(path, 'utf8').matchAll(/```js\n([\s\S]*?)```/g);
  const sources = [...blocks].map(([, source = '']) => source);
  const [vat = ''] = sources.filter(each => each.includes('buildRootObject'));
  expect(compileModule({ source: vat, name: 'readme' })).toMatchObject({
    ok: true,
  });
});
