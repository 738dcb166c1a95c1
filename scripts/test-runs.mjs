// @ts-check
/**
 * The test steps of `npm test`. Test files that fail are run once more, each
 * alone: a test that only fails on a machine that does something else besides
 * is named at the end, and does not hide what else was found. A property that
 * found a counterexample is never tried again.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cache, root, run } from './setup.mjs';

/**
 * @typedef {{ status: string, fullName: string, failureMessages: string[] }} Result
 * @typedef {{ name: string, status: string, message: string, assertionResults: Result[] }} TestFile
 */

/** More than these are no accident. */
const MOST = 4;

const reportOf = (/** @type {string} */ name) => join(cache, `${name}.json`);

/** @param {string} name @returns {TestFile[]} */
const readReport = name =>
  JSON.parse(readFileSync(reportOf(name), 'utf8')).testResults;

/** @param {string} script @param {string} report @param {string[]} more */
const runInto = (script, report, more = []) => {
  rmSync(reportOf(report), { force: true });
  run('npm', [
    'run',
    '--silent',
    script,
    '--',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=.cache/${report}.json`,
    ...more,
  ]);
};

/** The files worth a second try. @param {TestFile[]} files */
export const filesToTryAgain = files => {
  const failed = files.filter(({ status }) => status !== 'passed');
  const words = failed.flatMap(({ message, assertionResults }) => [
    message,
    ...assertionResults.flatMap(({ failureMessages }) => failureMessages),
  ]);
  const isAccident =
    failed.length > 0 &&
    failed.length <= MOST &&
    !words.some(text => text.includes('Property failed after'));
  return isAccident ? failed.map(({ name }) => name) : [];
};

/** Of both runs, each file as it came out last. @param {TestFile[]} first @param {TestFile[]} again */
export const mergeRuns = (first, again) => {
  const later = new Map(again.map(file => [file.name, file]));
  return first.map(file => later.get(file.name) ?? file);
};

/** @param {TestFile[]} files */
export const countTests = files => {
  const all = files.flatMap(({ assertionResults }) => assertionResults);
  const number = (/** @type {string} */ wanted) =>
    all.filter(({ status }) => status === wanted).length;
  const passed = number('passed');
  const failed = number('failed');
  return { passed, failed, skipped: all.length - passed - failed };
};

/** Runs a script of tests; throws when a file fails twice. @param {string} name */
export const runTests = name => {
  try {
    runInto(name, name);
    return { files: readReport(name), unsteady: /** @type {string[]} */ ([]) };
  } catch (reason) {
    const first = existsSync(reportOf(name)) ? readReport(name) : [];
    const unsteady = filesToTryAgain(first).map(file =>
      relative(root, file).replaceAll('\\', '/'),
    );
    if (unsteady.length === 0) {
      throw reason;
    }
    console.log(`\nOnce more, alone: ${unsteady.join(', ')}`);
    runInto(name, `${name}-again`, ['--no-file-parallelism', ...unsteady]);
    return { files: mergeRuns(first, readReport(`${name}-again`)), unsteady };
  }
};
