// @ts-check
/**
 * The test steps of `npm test`. Test files that fail are run once more, each
 * alone: a test that only fails on a machine that does something else besides
 * is named at the end, and does not hide what else was found. What may come of
 * chance and be a loss all the same is never tried again: a counterexample of a
 * property, a seed that failed, and whatever a suite of kills finds, but that it
 * was too slow.
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

/** A second try does not take back what these find. */
const KILLS =
  /(?:kill|power-loss|crash|confluence|keepers|survival)[\w-]*\.test/;
const COUNTEREXAMPLE = /Property failed after|fails; to see it again/;
const IS_LATE = /timed out|Timeout .*exceeded/i;

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

/** @param {TestFile} file */
const wordsOf = ({ message, assertionResults }) =>
  [
    message,
    ...assertionResults.flatMap(({ failureMessages }) => failureMessages),
  ].filter(text => text !== '');

/** @param {TestFile} file */
const isFound = file => {
  const words = wordsOf(file);
  return (
    words.some(text => COUNTEREXAMPLE.test(text)) ||
    (KILLS.test(file.name) && words.some(text => !IS_LATE.test(text)))
  );
};

/** The files worth a second try. @param {TestFile[]} files */
export const filesToTryAgain = files => {
  const failed = files.filter(({ status }) => status !== 'passed');
  return failed.length <= MOST && !failed.some(isFound)
    ? failed.map(({ name }) => name)
    : [];
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
