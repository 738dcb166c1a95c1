// @ts-check
/**
 * Mutation testing of the kernel's core: `npm run mutation`, or with names of
 * parts such as `store` only these. What comes out is written into
 * `docs/mutants.json`; docs/mutants.md says why what survives may. The tool is
 * installed on demand into `.cache`, for it weighs 65 MB and `npm test` does not
 * use it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { cache, root, run } from './setup.mjs';

/** The last that runs on Node 20. */
const VERSION = '9.6.1';

/** What is broken, and the tests that run against it: as few and as fast as notice it. */
const PARTS = [
  {
    name: 'what',
    files: ['gc/{actions,cycles,refcounts,worklist}'],
    tests: ['gc/{actions,worklist}', 'model', 'pairs'],
  },
  {
    name: 'when',
    files: ['gc/{chores,collection,collector,dirt}'],
    tests: ['gc/{chores,dirt,worklist}', 'restart'],
  },
  { name: 'promises', files: ['promises'], tests: ['promises'] },
  { name: 'crank', files: ['crank'], tests: ['crank'] },
  { name: 'translate', files: ['translate/*'], tests: ['translate/*'] },
  { name: 'store', files: ['store/*'], tests: ['store/*'] },
];

const source = 'packages/kernel/src';
const folder = join(cache, 'mutation');
const program = join(
  folder,
  'node_modules/@stryker-mutator/core/bin/stryker.js',
);
const results = join(root, 'docs/mutants.json');

const provideTool = () => {
  if (existsSync(program)) {
    return;
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run('npm', [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    '--no-save',
    '--legacy-peer-deps',
    ...['core', 'vitest-runner'].map(
      name => `@stryker-mutator/${name}@${VERSION}`,
    ),
  ]);
};

/** @param {(typeof PARTS)[number]} part */
const test = ({ name, files, tests }) => {
  const config = join(folder, `${name}.config.json`);
  const report = join(folder, `${name}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      mutate: [
        ...files.map(file => `${source}/${file}.ts`),
        `!${source}/**/*.test.ts`,
      ],
      testRunner: 'vitest',
      plugins: [
        join(
          folder,
          'node_modules/@stryker-mutator/vitest-runner/dist/src/index.js',
        ),
      ],
      vitest: { configFile: 'vitest.mutation.config.ts' },
      coverageAnalysis: 'perTest',
      ignoreStatic: true,
      concurrency: 1,
      timeoutMS: 8_000,
      timeoutFactor: 2,
      tempDirName: join(folder, 'sandbox'),
      ignorePatterns: [
        '.cache',
        '**/dist',
        'bench/out',
        'packages/extension/e2e',
      ],
      reporters: ['progress-append-only', 'html', 'json'],
      htmlReporter: { fileName: join(folder, `${name}.html`) },
      jsonReporter: { fileName: report },
    }),
  );
  process.env['MUTATION_TESTS'] = JSON.stringify(tests);
  run(process.execPath, [program, 'run', config]);
  return JSON.parse(readFileSync(report, 'utf8')).files;
};

/**
 * @typedef {{ status: string, mutatorName: string, replacement?: string,
 *   location: { start: { line: number } } }} Mutant
 * @param {readonly Mutant[]} mutants
 */
const summarize = mutants => {
  const counted = mutants.filter(({ status }) =>
    ['Killed', 'Timeout', 'Survived', 'NoCoverage'].includes(status),
  );
  const survivors = counted.filter(({ status }) =>
    ['Survived', 'NoCoverage'].includes(status),
  );
  return {
    mutants: counted.length,
    found: counted.length - survivors.length,
    survivors: survivors.map(
      ({ mutatorName, replacement = '', location: { start } }) =>
        `${start.line}, ${mutatorName}: ${replacement.replace(/\s+/g, ' ').slice(0, 80)}`,
    ),
  };
};

const names = process.argv.slice(2);
provideTool();
const all = existsSync(results)
  ? JSON.parse(readFileSync(results, 'utf8'))
  : {};
for (const part of PARTS) {
  if (names.length > 0 && !names.includes(part.name)) {
    continue;
  }
  for (const [path, { mutants }] of Object.entries(test(part))) {
    all[path.replace(`${source}/`, '')] = summarize(mutants);
  }
  const sorted = Object.entries(all).sort(([one], [other]) =>
    one < other ? -1 : 1,
  );
  writeFileSync(results, JSON.stringify(Object.fromEntries(sorted)));
  run('npx', ['prettier', '--write', results]);
}
let mutants = 0;
let found = 0;
for (const [file, each] of Object.entries(all)) {
  mutants += each.mutants;
  found += each.found;
  console.log(`${file}: ${each.found} of ${each.mutants}`);
}
console.log(`${((100 * found) / mutants).toFixed(1)} % of ${mutants} found`);
