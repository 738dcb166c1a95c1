// @ts-check
/**
 * `pnpm bench [--only node|chromium] [--quick]`: measures, prints a table, and
 * writes `bench/out/latest.json`. Each platform runs in a process of its own,
 * since measuring in Node locks the realm.
 */
import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** @typedef {import('./realm.ts').Case} Case */

const PLATFORMS = ['node', 'chromium'];
const OUT = fileURLToPath(new URL('out/latest.json', import.meta.url));

/** @param {string} platform @param {boolean} isQuick @returns {Promise<readonly Case[]>} */
const measureApart = (platform, isQuick) =>
  new Promise((resolve, reject) => {
    const path = fileURLToPath(new URL('measure.mjs', import.meta.url));
    const child = fork(path, [platform, isQuick ? 'quick' : 'full']);
    /** @type {readonly Case[] | undefined} */
    let cases;
    child.on('message', message => {
      cases = /** @type {readonly Case[]} */ (message);
    });
    child.on('error', reject);
    child.on('exit', code => {
      if (code === 0 && cases !== undefined) {
        resolve(cases);
      } else {
        reject(Error(`measuring on ${platform} failed with code ${code}`));
      }
    });
  });

/** @param {number} value */
const show = value =>
  value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 });

/** @param {readonly Case[]} cases */
const print = cases => {
  const rows = [
    ['case', 'platform', 'value', 'unit'],
    ...cases.map(({ name, platform, value, unit }) => [
      name,
      platform,
      show(value),
      unit,
    ]),
  ];
  const widths = [0, 1, 2, 3].map(column =>
    Math.max(...rows.map(row => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 2
        ? cell.padStart(widths[column] ?? 0)
        : cell.padEnd(widths[column] ?? 0),
    );
    console.log(cells.join('  ').trimEnd());
  }
};

const { values } = parseArgs({
  options: { only: { type: 'string' }, quick: { type: 'boolean' } },
});
const { only, quick = false } = values;
if (only !== undefined && !PLATFORMS.includes(only)) {
  console.error(`--only takes ${PLATFORMS.join(' or ')}, not ${only}`);
  process.exit(2);
}
try {
  /** @type {Case[]} */
  const cases = [];
  for (const platform of PLATFORMS) {
    if (only === undefined || only === platform) {
      cases.push(...(await measureApart(platform, quick)));
    }
  }
  mkdirSync(dirname(OUT), { recursive: true });
  writeFileSync(OUT, `${JSON.stringify({ cases }, null, 2)}\n`);
  print(cases);
  console.log(`\nwritten to ${join('bench', 'out', 'latest.json')}`);
} catch (problem) {
  console.error(problem instanceof Error ? problem.message : problem);
  process.exitCode = 1;
}
