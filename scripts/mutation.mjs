// @ts-check
/**
 * Mutation testing of the kernel's core: `npm run mutation`, or with names of
 * parts such as `store` only these; with `--survivors` only what survived in them
 * last, which is how a new test is tried. What comes out is written into
 * `docs/mutants.json`; docs/mutants.md says why what survives may. The tool is
 * installed on demand into `.cache`, for it weighs 65 MB and `npm test` does not
 * use it.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join, sep } from 'node:path';
import process from 'node:process';
import { assignFiles, PARTS } from './mutation-parts.mjs';
import { cache, root, run } from './setup.mjs';

/** The last that runs on Node 20. */
const VERSION = '9.6.1';

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

/**
 * @typedef {{ line: number, column: number }} Place
 * @typedef {{ status: string, mutatorName: string, replacement?: string,
 *   location: { start: Place, end: Place } }} Mutant
 * @typedef {Record<string, { source: string, mutants: readonly Mutant[] }>} Report by path
 */

/** @param {Mutant} mutant */
const isAlive = ({ status }) => ['Survived', 'NoCoverage'].includes(status);

/**
 * @param {string} name
 * @param {readonly string[]} mutate files, or ranges of them
 * @param {readonly string[]} tests
 * @returns {Report}
 */
const test = (name, mutate, tests) => {
  const config = join(folder, `${name}.config.json`);
  const report = join(folder, `${name}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      mutate,
      testRunner: 'vitest',
      plugins: [
        join(
          folder,
          'node_modules/@stryker-mutator/vitest-runner/dist/src/index.js',
        ),
      ],
      vitest: { configFile: 'vitest.mutation.config.ts', related: false },
      coverageAnalysis: 'perTest',
      ignoreStatic: true,
      concurrency: 1,
      timeoutMS: 5_000,
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

/** A mutant by its place and what it does there. @param {Mutant} mutant */
const keyOf = ({ mutatorName, replacement, location: { start, end } }) =>
  [
    mutatorName,
    replacement,
    start.line,
    start.column,
    end.line,
    end.column,
  ].join(' ');

/** Where the mutants that live are, as the tool reads it. @param {Report} report */
const rangesOf = report =>
  Object.entries(report).flatMap(([path, { mutants }]) => {
    const ranges = mutants
      .filter(isAlive)
      .map(
        ({ location: { start, end } }) =>
          `${path}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`,
      );
    return [...new Set(ranges)];
  });

/** What lives by both reports is alive. @param {Report} first @param {Report} second @returns {Report} */
const joinReports = (first, second) =>
  Object.fromEntries(
    Object.entries(first).map(([path, { mutants, ...file }]) => {
      const again = new Map(
        (second[path]?.mutants ?? []).map(mutant => [keyOf(mutant), mutant]),
      );
      return [
        path,
        {
          ...file,
          mutants: mutants.map(mutant =>
            isAlive(mutant) ? (again.get(keyOf(mutant)) ?? mutant) : mutant,
          ),
        },
      ];
    }),
  );

/** @typedef {Omit<import('./mutation-parts.mjs').Part, 'files'>} PartTests */

/** @param {PartTests} part @param {readonly string[]} files */
const testPart = ({ name, tests, more }, files) => {
  const report = test(
    name,
    files.map(file => `${source}/${file}`),
    tests,
  );
  const ranges = rangesOf(report);
  return more.length === 0 || ranges.length === 0
    ? report
    : joinReports(report, test(`${name}-more`, ranges, more));
};

/** @param {string} name */
const lastOf = name => join(folder, `${name}-last.json`);

/**
 * What survived last meets all the tests of its part again.
 *
 * @param {PartTests} part
 * @throws {Error} when a file is no longer as it was then
 */
const testSurvivors = ({ name, tests, more }) => {
  /** @type {Report} */
  const last = JSON.parse(readFileSync(lastOf(name), 'utf8'));
  for (const [path, file] of Object.entries(last)) {
    if (readFileSync(join(root, path), 'utf8') !== file.source) {
      throw Error(`${path} has changed since: test the whole part ${name}`);
    }
  }
  const ranges = rangesOf(last);
  return ranges.length === 0
    ? last
    : joinReports(last, test(`${name}-again`, ranges, [...tests, ...more]));
};

/** @param {readonly Mutant[]} mutants */
const summarize = mutants => {
  const counted = mutants.filter(
    mutant => ['Killed', 'Timeout'].includes(mutant.status) || isAlive(mutant),
  );
  const survivors = counted.filter(isAlive);
  return {
    mutants: counted.length,
    found: counted.length - survivors.length,
    survivors: survivors.map(
      ({ mutatorName, replacement = '', location: { start } }) =>
        `${start.line}, ${mutatorName}: ${replacement.replace(/\s+/g, ' ').slice(0, 80)}`,
    ),
  };
};

const files = readdirSync(join(root, source), { recursive: true }).map(file =>
  String(file).split(sep).join('/'),
);
const filesOf = assignFiles(PARTS, files);
const SURVIVORS = '--survivors';
const names = process.argv.slice(2).filter(name => name !== SURVIVORS);
const isAgain = process.argv.includes(SURVIVORS);
for (const name of names) {
  if (!filesOf.has(name)) {
    throw Error(`there is no part ${name}: ${[...filesOf.keys()].join(', ')}`);
  }
}
provideTool();
const all = existsSync(results)
  ? JSON.parse(readFileSync(results, 'utf8'))
  : {};
for (const part of PARTS) {
  if (names.length > 0 && !names.includes(part.name)) {
    continue;
  }
  const report = isAgain
    ? testSurvivors(part)
    : testPart(part, filesOf.get(part.name) ?? []);
  writeFileSync(lastOf(part.name), JSON.stringify(report));
  for (const [path, { mutants }] of Object.entries(report)) {
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
