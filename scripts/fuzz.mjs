// @ts-check
/**
 * Looks for faults with random programs, crashes and words, for as long as you
 * like: `pnpm fuzz --minutes 10 --seed 1`, or `npm run fuzz -- --minutes 10`.
 * With `--only crash` just the suites whose name has the word, and so with
 * `npm run fuzz -- hostile-vats --inputs 1000000`; a suite that counts its inputs
 * ends when it has tried so many. Each failure is told with its seed; `--minutes
 * 0 --seed S` tries that one seed again.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import process from 'node:process';
import { root } from './setup.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string' },
    inputs: { type: 'string', default: '0' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
const inputs = Number(values.inputs);
/** Who says how many inputs wants them all, however long it takes. */
const minutes = Number(values.minutes ?? (inputs > 0 ? 1_000_000 : 10));
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
if (
  !(minutes >= 0) ||
  !(inputs >= 0) ||
  !Number.isSafeInteger(seed) ||
  seed < 0
) {
  console.error(
    'fuzz takes --minutes N, --inputs N, and --seed S, a whole number',
  );
  process.exit(2);
}

/**
 * The suites, which have equal shares of the time, and how many of their tests
 * share that; `e2e` needs the built extension and a Chromium.
 */
const SUITES = [
  { name: 'crash-points', file: 'packages/kernel/src/crash-points', tests: 6 },
  // Each of its cases is gone through in order, and then at random.
  { name: 'schedules', file: 'packages/kernel/src/schedules', tests: 38 },
  { name: 'lives-storm', file: 'packages/kernel/src/lives-storm', tests: 1 },
  { name: 'power-loss', file: 'packages/node/src/power-loss', tests: 6 },
  { name: 'confluence', file: 'packages/kit/src/confluence', tests: 1 },
  { name: 'keepers', file: 'packages/kit/src/keepers', tests: 1 },
  { name: 'equivalence', file: 'packages/kit/src/equivalence', tests: 2 },
  { name: 'reboots', file: 'packages/kit/src/reboots', tests: 1 },
  {
    name: 'hostile-moments',
    file: 'packages/kernel/src/hostile-moments',
    tests: 1,
  },
  {
    name: 'hostile-vats',
    file: 'packages/kernel/src/hostile-vats',
    tests: 1,
    isCounting: true,
  },
  {
    name: 'hostile-clients',
    file: 'packages/kernel/src/hostile-clients',
    tests: 1,
    isCounting: true,
  },
  { name: 'kill-programs', file: 'packages/node/src/kill-programs', tests: 1 },
  { name: 'kills', file: 'packages/cli/src/kill', tests: 1 },
  {
    name: 'browser-kills',
    file: 'packages/extension/e2e/kills',
    tests: 1,
    e2e: true,
  },
];

const words = [...positionals, values.only].filter(word => word !== '');
/** Only those that count their inputs end when so many are tried. */
const chosen = SUITES.filter(
  ({ name, isCounting }) =>
    words.every(word => name.includes(word)) && (isCounting || inputs === 0),
);
/** @type {string[]} */
const failed = [];
for (const { name, file, tests, e2e } of chosen) {
  console.log(`\n=== ${name}, from seed ${seed}`);
  if (e2e) {
    spawnSync('node', ['scripts/build.mjs', '--if-stale'], {
      cwd: root,
      stdio: 'inherit',
    });
  }
  const config = e2e ? ['--config', 'vitest.e2e.config.ts'] : [];
  const { status } = spawnSync(
    'npx',
    ['vitest', 'run', ...config, `${file}.test.ts`],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        FUZZ_SEED: String(seed),
        PROPERTY_SEED: String(seed),
        FUZZ_INPUTS: String(inputs),
        FUZZ_MINUTES: String(minutes / chosen.length / tests),
      },
    },
  );
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
