import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { programs } from '@cooperage/kernel/testing/crash-programs';
import { makeSequence } from '@cooperage/kernel/testing/draws';
import { seedsToTry, toSeeAgain } from '@cooperage/kernel/testing/fuzz';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

const BUILD = fileURLToPath(new URL('../../cli/build.mjs', import.meta.url));
const ENTRY = fileURLToPath(
  new URL('./testing/program-process.ts', import.meta.url),
);
/** In an ordinary run of the tests; each is killed so often at most. */
const PROGRAMS = 21;
const KILLS = 9;
/** Where a process may be killed: most programs have come to their end after two or three times so many points. */
const MOST_POINTS = 500;
const MOST_MILLISECONDS = 600;

const tried = { programs: 0, kills: 0, byPoint: 0, byTime: 0, ends: 0 };
afterAll(() => console.log(`kills of programs: ${JSON.stringify(tried)}`));

const folder = mkdtempSync(join(tmpdir(), 'cooperage-programs-'));
const built = join(folder, 'built');
beforeAll(() => {
  execFileSync(process.execPath, [BUILD, ENTRY, built]);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Kill = { readonly killAt: number; readonly after: number };

/** At one of the first points, or at any; or after some time, wherever it is then. */
const drawKill = (choose: (below: number) => number): Kill =>
  choose(3) === 0
    ? { killAt: 0, after: 100 + choose(MOST_MILLISECONDS) }
    : { killAt: 1 + choose(choose(2) ? MOST_POINTS : 80), after: 0 };

/** One process, until it is killed or has come to its end. */
const runProcess = async (
  given: Readonly<Record<string, unknown>>,
  { killAt, after }: Kill,
) => {
  const child = spawn(
    process.execPath,
    [join(built, 'cooperage.mjs'), JSON.stringify({ ...given, killAt })],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const timer =
    after > 0 ? setTimeout(() => child.kill('SIGKILL'), after) : undefined;
  const [said, problem, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  clearTimeout(timer);
  if (signal === 'SIGKILL') {
    return { isKilled: true, problems: [] };
  }
  const { problems }: { problems: readonly string[] } =
    code === 0 ? JSON.parse(said) : { problems: [`${code}: ${problem}`] };
  return { isKilled: false, problems };
};

/** Kills the process of a program again and again, and then lets it come to its end. */
const tryProgram = async (seed: number): Promise<void> => {
  const [program] = fc.sample(programs(4), { seed, numRuns: 1 });
  const choose = makeSequence(seed);
  const state = join(folder, `state-${seed}`);
  const given = { folder: state, journal: `${state}.journal`, program };
  const kills: Kill[] = [];
  for (let run = 1; ; run += 1) {
    const kill = run > KILLS ? { killAt: 0, after: 0 } : drawKill(choose);
    kills.push(kill);
    const { isKilled, problems } = await runProcess({ ...given, run }, kill);
    if (problems.length > 0) {
      throw Error(
        `${toSeeAgain(seed, 'kill-programs')}\n${JSON.stringify({ program, kills })}\n${problems.join('\n')}`,
      );
    }
    if (!isKilled) {
      tried.ends += 1;
      break;
    }
    tried.kills += 1;
    tried[kill.after > 0 ? 'byTime' : 'byPoint'] += 1;
  }
  tried.programs += 1;
  rmSync(state, { recursive: true, force: true });
  rmSync(given.journal, { force: true });
};

it('a process that is killed at any call of the system, message or moment of a program has lost nothing that was known outside, and the next one goes on to the same end (invariants 2, 5, 6, 8, 10)', async () => {
  const seeds = seedsToTry(Array.from({ length: PROGRAMS }, (_, nth) => nth));
  const lane = async (): Promise<void> => {
    for (const seed of seeds) {
      await tryProgram(seed);
    }
  };
  const lanes = Array.from(
    { length: Math.max(2, availableParallelism()) },
    lane,
  );
  await Promise.all(lanes);
  expect(tried.ends).toBe(tried.programs);
  // Some come to their end before the last kill, the more the busier the machine; one that is tried alone may do so before the second.
  expect(tried.kills).toBeGreaterThanOrEqual(
    tried.programs < PROGRAMS ? 1 : (KILLS * tried.programs) / 2,
  );
}, 3_600_000);
