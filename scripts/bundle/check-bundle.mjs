import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BundleProblem } from './bundle-problem.mjs';

/**
 * What the evaluating process says.
 *
 * @typedef {object} Verdict
 * @property {string} [problem] why no vat can start from the bundle
 * @property {readonly string[]} present the globals of a vat's Compartment
 * @property {readonly string[]} absent names read of a provided module that has none such
 */

const EVALUATE = fileURLToPath(
  new URL('./evaluate-bundle.mjs', import.meta.url),
);
/** Milliseconds; a bundle's top level that runs longer does not end. */
const BUDGET = 20_000;

/** What the supervisor can endow a vat with beside `console`, when its config says so. */
const ENDOWED = ['TextEncoder', 'TextDecoder', 'URL'];

/** Members of the language's own that a Compartment refuses, as `global.member`. */
const REFUSED = new Map([
  ['Date.now', 'Date.now() throws in a vat: ask a timer service'],
  ['Date.new', 'new Date() without arguments throws in a vat'],
  ['Date.call', 'Date() throws in a vat'],
  ['Math.random', 'Math.random() throws in a vat'],
]);

/**
 * @param {string} text
 * @returns {Promise<Verdict>}
 */
const evaluateApart = text =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [EVALUATE], {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: BUDGET,
    });
    let output = '';
    let complaint = '';
    child.stdout.on('data', chunk => (output += chunk));
    child.stderr.on('data', chunk => (complaint += chunk));
    child.stdin.on('error', () => {}); // its exit says why
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal !== null) {
        reject(
          new BundleProblem(
            `evaluating the bundle did not end within ${BUDGET / 1000} s`,
          ),
        );
      } else if (code !== 0) {
        reject(new BundleProblem(`evaluating the bundle failed: ${complaint}`));
      } else {
        resolve(JSON.parse(output));
      }
    });
    child.stdin.end(text);
  });

/**
 * @param {import('./free-globals.mjs').FreeGlobal} asked
 * @param {readonly string[]} present
 * @returns {string[]}
 */
const warningsOf = ({ name, guarded, members }, present) => {
  if (ENDOWED.includes(name)) {
    return [`${name} is there only if the vat's config lists it in endowments`];
  }
  if (!present.includes(name)) {
    return guarded ? [] : [`${name} is not there in a vat`];
  }
  return members.flatMap(member => REFUSED.get(`${name}.${member}`) ?? []);
};

/**
 * Evaluates a bundle under lockdown in a process of its own, without building
 * its root object.
 *
 * @param {import('./bundle-vat.mjs').VatBundle} bundle
 * @returns {Promise<{ warnings: readonly string[] }>} what will fail when its
 *   code gets there, a sentence each
 * @throws {BundleProblem} when it can't be evaluated, or has no function `buildRootObject`
 */
export const checkBundle = async ({ name, text, globals }) => {
  const { problem, present, absent } = await evaluateApart(text);
  if (problem !== undefined) {
    throw new BundleProblem(`the bundle of ${name} can't start: ${problem}`);
  }
  return {
    warnings: [
      ...new Set([
        ...globals.flatMap(each => warningsOf(each, present)),
        ...absent,
      ]),
    ],
  };
};
