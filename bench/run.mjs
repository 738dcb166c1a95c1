// @ts-check
/**
 * `pnpm bench`: measures, prints a table, and keeps the results. Each platform
 * is measured by a process of its own, since measuring locks its realm.
 */
import { fork } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BARS } from './bars.mjs';
import { buildForChromium, buildForNode } from './build.mjs';
import { findCases, keysOf } from './catalogue.mjs';
import { importSource } from './import-source.mjs';
import { provideSwingSet } from './swingset/provide.mjs';
import {
  completeResult,
  formatBars,
  formatTable,
  mergeResults,
  placeTable,
  remarksOn,
} from './results.mjs';

/** @typedef {import('./catalogue.mjs').Case} Case */
/** @typedef {import('./results.mjs').Result} Result */
/** @typedef {import('./measure.ts').Report} Report */

const USAGE = `pnpm bench [options]
  --only node|chromium  one platform
  --case <name>         one case; may be given again for more
  --quick               little work, within a minute: shows that all works, and figures that are rough
  --swingset            compares with @agoric/swingset-vat too; installs it, which takes minutes, outside of the project`;

/** A quick run of all cases, building included. */
const QUICK_SECONDS = 60;
const PLATFORMS = ['node', 'chromium'];
const root = fileURLToPath(new URL('..', import.meta.url));

const readArguments = () => {
  try {
    const { values } = parseArgs({
      args: process.argv.slice(2).filter(each => each !== '--'),
      options: {
        only: { type: 'string' },
        case: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        swingset: { type: 'boolean' },
      },
    });
    if (values.only === undefined || PLATFORMS.includes(values.only)) {
      return values;
    }
    console.error(
      `--only takes ${PLATFORMS.join(' or ')}, not ${values.only}\n${USAGE}`,
    );
  } catch (problem) {
    console.error(
      `${problem instanceof Error ? problem.message : problem}\n${USAGE}`,
    );
  }
  process.exit(2);
};

/**
 * @param {string} script
 * @param {object} work
 * @returns {Promise<Report>}
 */
const measureApart = (script, work) =>
  new Promise((resolve, reject) => {
    const child = fork(script, [JSON.stringify(work)]);
    /** @type {Report | undefined} */
    let report;
    child.on('message', message => {
      report = /** @type {Report} */ (message);
    });
    child.on('error', reject);
    child.on('exit', code => {
      if (code === 0 && report !== undefined) {
        resolve(report);
      } else {
        reject(Error(`${script} failed with code ${code}`));
      }
    });
  });

/** @param {string} platform @param {boolean} withSwingSet */
const buildFor = async (platform, withSwingSet) => {
  if (platform === 'node') {
    const work = withSwingSet ? { swingset: provideSwingSet() } : {};
    return { script: await buildForNode(), work };
  }
  const extensionDir = await buildForChromium();
  const script = fileURLToPath(
    new URL('chromium-process.mjs', import.meta.url),
  );
  return { script, work: { extensionDir } };
};

/** @param {string} path @returns {readonly Result[]} */
const readResults = path => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).cases;
  } catch {
    return []; // none yet
  }
};

/**
 * @param {readonly Case[]} cases of the platforms that are to be measured
 * @param {readonly string[]} names
 */
const insistKnown = (cases, names) => {
  const unknown = names.filter(name => findCases(cases, [name]).length === 0);
  if (unknown.length > 0) {
    throw Error(`no case is called ${unknown.join(', ')} there`);
  }
};

const {
  only,
  case: wanted = [],
  quick: isQuick = false,
  swingset: withSwingSet = false,
} = readArguments();
const begin = performance.now();
const page = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
// What a quick run measures is too rough to stand beside the rest.
const out = fileURLToPath(
  new URL(isQuick ? 'out/quick.json' : 'out/latest.json', import.meta.url),
);
try {
  /** @type {{ CASES: readonly Case[] }} */
  const { CASES } = await importSource('cases/index.ts');
  const platforms = only === undefined ? PLATFORMS : [only];
  insistKnown(
    CASES.filter(each => each.platforms.some(one => platforms.includes(one))),
    wanted,
  );
  /** @type {Result[]} */
  const fresh = [];
  /** @type {string[]} */
  const failures = [];
  for (const platform of platforms) {
    const { script, work } = await buildFor(platform, withSwingSet);
    const { results, failed } = await measureApart(script, {
      ...work,
      isQuick,
      wanted,
    });
    fresh.push(...results.map(completeResult));
    failures.push(...failed.map(name => `${platform} ${name}`));
  }
  const cases = mergeResults({
    old: readResults(out),
    fresh,
    known: keysOf(CASES, PLATFORMS),
    tried: keysOf(findCases(CASES, wanted), platforms),
  });
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify({ cases }, null, 2)}\n`);
  console.log(`\n${formatTable(fresh, BARS).join('\n')}`);
  remarksOn(fresh).forEach(remark => console.log(`\n${remark}`));
  if (!isQuick) {
    const table = formatBars(cases, BARS, CASES);
    writeFileSync(page, placeTable(readFileSync(page, 'utf8'), table));
  }
  if (failures.length > 0) {
    console.error(`\nnot measured: ${failures.join(', ')}`);
    process.exitCode = 1;
  }
  console.log(`\nwritten to ${relative(root, out)}`);
  if (isQuick && wanted.length === 0) {
    const seconds = (performance.now() - begin) / 1_000;
    const verdict = seconds < QUICK_SECONDS ? 'meets' : 'MISSES';
    console.log(
      `quick: ${seconds.toFixed(0)} s, bar < ${QUICK_SECONDS} s: ${verdict}`,
    );
  }
} catch (problem) {
  console.error(problem instanceof Error ? problem.message : problem);
  process.exitCode = 1;
}
