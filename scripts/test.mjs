// @ts-check
/**
 * `npm test`: installs what is missing, then runs every check in order and stops
 * at the first that fails, with its exit code.
 */
import { mkdirSync } from 'node:fs';
import { provideChromium } from './chromium.mjs';
import {
  cache,
  fail,
  provideDependencies,
  root,
  run,
  secondsSince,
} from './setup.mjs';
import { countTests, runTests } from './test-runs.mjs';

/** @param {string} name */
const runScript = name => run('npm', ['run', '--silent', name]);

/** @type {ReturnType<typeof runTests>[]} */
const outcomes = [];

/** @type {[string, () => unknown][]} */
const steps = [
  ['install', provideDependencies],
  ['browser', () => console.log(provideChromium())],
  ['format', () => runScript('format')],
  ['lint', () => runScript('lint')],
  ['types', () => runScript('types')],
  ['walls', () => runScript('walls')],
  ['unit', () => outcomes.push(runTests('unit'))],
  ['build', () => runScript('build')],
  ['size', () => runScript('size')],
  ['docs', () => runScript('docs')],
  ['e2e', () => outcomes.push(runTests('e2e'))],
];

const report = () => {
  const { passed, failed, skipped } = countTests(
    outcomes.flatMap(({ files }) => files),
  );
  for (const file of outcomes.flatMap(({ unsteady }) => unsteady)) {
    console.log(`${file} failed at first and passed alone`);
  }
  if (skipped > 0) {
    console.log(`${skipped} skipped`);
  }
  console.log(`${passed} passed, ${failed} failed`);
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
  report();
} catch (reason) {
  fail(reason);
}
