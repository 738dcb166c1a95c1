// @ts-check
/**
 * Looks for faults with random programs, crashes and words, for as long as you
 * like: `pnpm fuzz --minutes 10 --seed 1`, or `npm run fuzz -- --minutes 10`.
 * With `--only crash` just the suites whose name has the word. Each failure is
 * told with its seed; `--minutes 0 --seed S` tries that one seed again.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import process from 'node:process';
import { root } from './setup.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
if (!(minutes >= 0) || !Number.isSafeInteger(seed) || seed < 0) {
  console.error('fuzz takes --minutes N, and --seed S, a whole number');
  process.exit(2);
}

/** The suites, and how many of their tests share the time; those with none take their own. */
const SUITES = [
  { name: 'crash-points', file: 'packages/kernel/src/crash-points', tests: 4 },
  // Each of its cases is gone through in order, and then at random.
  { name: 'schedules', file: 'packages/kernel/src/schedules', tests: 34 },
  { name: 'power-loss', file: 'packages/node/src/power-loss', tests: 3 },
  { name: 'confluence', file: 'packages/kit/src/confluence', tests: 1 },
  { name: 'keepers', file: 'packages/kit/src/keepers', tests: 1 },
  {
    name: 'hostile-moments',
    file: 'packages/kernel/src/hostile-moments',
    tests: 1,
  },
  { name: 'hostile-vats', file: 'packages/kernel/src/hostile-vats', tests: 0 },
  { name: 'kills', file: 'packages/cli/src/kill', tests: 0 },
];

const chosen = SUITES.filter(({ name }) => name.includes(values.only));
const shares = chosen.reduce((sum, { tests }) => sum + tests, 0);
/** @type {string[]} */
const failed = [];
for (const { name, file } of chosen) {
  console.log(`\n=== ${name}, from seed ${seed}`);
  const { status } = spawnSync('npx', ['vitest', 'run', `${file}.test.ts`], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      FUZZ_SEED: String(seed),
      PROPERTY_SEED: String(seed),
      FUZZ_MINUTES: String(minutes / Math.max(1, shares)),
      HOSTILE_RUNS: String(minutes === 0 ? 300 : 3_000),
      KILLS: String(minutes === 0 ? 20 : 200),
    },
  });
  if (status !== 0) {
    failed.push(name);
  }
}
console.log(
  failed.length > 0
    ? `\nfaults in ${failed.join(', ')}: seed ${seed} was the first, see above for each`
    : `\nno fault in ${chosen.map(({ name }) => name).join(', ')} from seed ${seed}, ${minutes} minutes`,
);
process.exitCode = failed.length > 0 ? 1 : 0;
