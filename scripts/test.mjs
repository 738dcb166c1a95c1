// @ts-check
/**
 * `npm test`: installs what is missing, then runs every check in order and stops
 * at the first that fails, with its exit code.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { provideChromium } from './chromium.mjs';
import {
  cache,
  fail,
  provideDependencies,
  root,
  run,
  secondsSince,
} from './setup.mjs';

const reportOf = (/** @type {string} */ name) => join(cache, `${name}.json`);

/** @param {string} name */
const runScript = name => run('npm', ['run', '--silent', name]);

/** @param {string} name */
const runTests = name => {
  rmSync(reportOf(name), { force: true });
  run('npm', [
    'run',
    '--silent',
    name,
    '--',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=.cache/${name}.json`,
  ]);
};

/** @type {[string, () => void][]} */
const steps = [
  ['install', provideDependencies],
  ['browser', () => console.log(provideChromium())],
  ['format', () => runScript('format')],
  ['lint', () => runScript('lint')],
  ['types', () => runScript('types')],
  ['walls', () => runScript('walls')],
  ['unit', () => runTests('unit')],
  ['build', () => runScript('build')],
  ['size', () => runScript('size')],
  ['docs', () => runScript('docs')],
  ['e2e', () => runTests('e2e')],
];

const count = () => {
  const reports = ['unit', 'e2e'].map(name =>
    JSON.parse(readFileSync(reportOf(name), 'utf8')),
  );
  /** @param {string} key */
  const sum = key => reports.reduce((total, report) => total + report[key], 0);
  const skipped = sum('numPendingTests') + sum('numTodoTests');
  if (skipped > 0) {
    console.log(`${skipped} skipped`);
  }
  console.log(
    `${sum('numPassedTests')} passed, ${sum('numFailedTests')} failed`,
  );
};

mkdirSync(cache, { recursive: true });
const begin = performance.now();
try {
  for (const [name, step] of steps) {
    const start = performance.now();
    console.log(`\n=== ${name}`);
    step();
    console.log(`=== ${name}: done in ${secondsSince(start)}`);
  }
  console.log(`\nAll of it took ${secondsSince(begin)} in ${root}`);
  count();
} catch (reason) {
  fail(reason);
}
