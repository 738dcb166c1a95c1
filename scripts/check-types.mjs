// @ts-check
/**
 * Type-checks every package with its own configuration, a few at once.
 * `node scripts/check-types.mjs kernel` checks only those whose path has the word.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { root, secondsSince } from './setup.mjs';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const projects = [
  'vats',
  'scripts',
  'bench',
  ...readdirSync(join(root, 'packages')).map(name => `packages/${name}`),
]
  .filter(folder => existsSync(join(root, folder)))
  .flatMap(folder =>
    readdirSync(join(root, folder))
      .filter(file => /^tsconfig(\.\w+)?\.json$/.test(file))
      .map(file => `${folder}/${file}`),
  )
  .filter(path => process.argv.slice(2).every(word => path.includes(word)));

/** @param {string} project @returns {Promise<boolean>} */
const check = project =>
  new Promise((resolve, reject) => {
    const start = performance.now();
    const args = [tsc, '--noEmit', '--pretty', 'false', '-p', project];
    const child = spawn(process.execPath, args, { cwd: root });
    /** @type {string[]} */
    const lines = [];
    child.stdout.on('data', chunk => lines.push(String(chunk)));
    child.stderr.on('data', chunk => lines.push(String(chunk)));
    child.on('error', reject);
    child.on('close', code => {
      const text = lines.join('');
      // A part of a package (its tests, its workers) may have no file yet.
      const isEmpty =
        !project.endsWith('/tsconfig.json') && text.includes('error TS18003');
      const isGood = code === 0 || isEmpty;
      const verdict = isEmpty ? 'none' : isGood ? 'ok  ' : 'FAIL';
      console.log(`${verdict} ${project} (${secondsSince(start)})`);
      process.stdout.write(isEmpty ? '' : text);
      resolve(isGood);
    });
  });

const queue = [...projects];
const verdicts = await Promise.all(
  Array.from({ length: Math.min(4, availableParallelism()) }, async () => {
    let isGood = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      isGood = (await check(next)) && isGood;
    }
    return isGood;
  }),
);
if (projects.length === 0) {
  console.error('No tsconfig matches.');
}
process.exitCode = projects.length > 0 && verdicts.every(Boolean) ? 0 : 1;
