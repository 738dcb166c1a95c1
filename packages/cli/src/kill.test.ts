import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { makeDraws } from '@cooperage/kernel/testing/draws';
import {
  searchAllowed,
  seedOr,
  toSeeAgain,
} from '@cooperage/kernel/testing/fuzz';
import { makeLivesAudit } from '@cooperage/kit/lives-audit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BUILD = fileURLToPath(new URL('../build.mjs', import.meta.url));
const ENTRY = fileURLToPath(
  new URL('./testing/ledger-process.ts', import.meta.url),
);
/** At least; more of them: `npm run fuzz -- --only kills`. */
const KILLS = 20;
const isTimeUp = searchAllowed(KILLS);
const isEnough = (kills: number): boolean => kills >= KILLS && isTimeUp(kills);
/** Draws how much each run says before it is killed; what it does meanwhile, the system's scheduler decides too. */
const SEED = seedOr(1);

const folder = mkdtempSync(join(tmpdir(), 'cooperage-kill-'));
const built = join(folder, 'built');

beforeAll(() => {
  execFileSync(process.execPath, [BUILD, ENTRY, built]);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const draw = makeDraws(SEED);

type IsTime = (line: string) => boolean;

/** Whether it is time for the kill: early in the start, between start and stream, anywhere in the stream, or about a deed that is done to vats. */
const drawTime = (round: number): IsTime => {
  const isOfLives = round % 2 === 1;
  let left = isOfLives
    ? 1 + draw(5, round)
    : round % 5 === 0
      ? 1 + draw(3, round)
      : 3 + draw(150, round);
  return line => {
    left -= Number(!isOfLives || /^(?:asks|has) /.test(line));
    return left === 0;
  };
};

type Said = { lines: string[]; code: unknown; signal: unknown };

/** Gathers what the process says, and kills it when it is time, or some milliseconds later. */
const hear = async (
  child: ChildProcess,
  isTime: IsTime = () => false,
  delay = 0,
): Promise<Said> => {
  const exited = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line);
    if (isTime(line)) {
      setTimeout(() => child.kill('SIGKILL'), delay);
    }
  }
  const [code, signal] = await exited;
  return { lines, code, signal };
};

const argumentsOf = (...words: readonly string[]): string[] => [
  join(built, 'cooperage.mjs'),
  ...words,
];

const startLedger = (...words: readonly string[]): ChildProcess =>
  spawn(process.execPath, argumentsOf(...words), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

const saidOf = (said: readonly string[], word: string): string[] =>
  said
    .filter(line => line.startsWith(`${word} `))
    .map(line => line.slice(word.length + 1));

/** Checks what each start of the ledger finds against what was answered before it. */
const makeAudit = () => {
  const answered: string[] = [];
  const lives = makeLivesAudit();
  const wrong: unknown[] = [];
  let starts = 0;
  return {
    wrong,
    answers: () => answered.length,
    deeds: lives.count,
    starts: () => starts,
    add: ({ lines }: Said): void => {
      wrong.push(...saidOf(lines, 'broken'));
      for (const json of saidOf(lines, 'counts')) {
        starts += 1;
        const counts = new Map<string, number>(JSON.parse(json));
        wrong.push(
          ...[...counts].filter(([, count]) => count !== 1),
          ...answered.filter(name => !counts.has(name)),
        );
      }
      for (const json of saidOf(lines, 'there')) {
        const [version, ...there]: [number, ...string[]] = JSON.parse(json);
        wrong.push(...lives.wrongOf(version, there));
      }
      answered.push(...saidOf(lines, 'done'));
      saidOf(lines, 'has').forEach(lives.has);
      saidOf(lines, 'asks').forEach(lives.asks);
    },
  };
};

describe('a kernel whose process is killed at any moment', () => {
  it(`has lost nothing that was answered of messages, clusters, births and upgrades, and done no message twice (seed ${SEED})`, async () => {
    let kills = 0;
    let deeds = 0;
    /** Kills the processes of one folder one after the other. */
    const lane = async (nth: number): Promise<void> => {
      const state = join(folder, `killed-${nth}`);
      const audit = makeAudit();
      while (!isEnough(kills)) {
        kills += 1;
        const round = kills;
        const child = startLedger(state, `r${round}`, `${round}`);
        const delay = draw(2, round, 'late') * draw(40, round, 'delay');
        const said = await hear(child, drawTime(round), delay);
        expect(said.signal).toBe('SIGKILL');
        audit.add(said);
        expect(audit.wrong, toSeeAgain(SEED, 'kills')).toEqual([]);
      }
      const last = await hear(startLedger(state, 'check'));
      expect(last).toMatchObject({ code: 0, signal: null });
      audit.add(last);
      expect(audit.wrong, toSeeAgain(SEED, 'kills')).toEqual([]);
      expect(audit.answers()).toBeGreaterThan(0);
      expect(audit.starts()).toBeGreaterThan(0);
      deeds += audit.deeds();
      // The last one stopped by itself: nothing of the killed ones is left.
      const left = readdirSync(state);
      expect(left.filter(name => /claim|-wal$/.test(name))).toEqual([]);
    };
    await Promise.all([lane(1), lane(2)]);
    console.log(`kills: ${JSON.stringify({ kills, deeds })}`);
    expect(deeds).toBeGreaterThan(0);
  }, 3_600_000);
});

describe('a kernel whose disk takes no more', () => {
  it.runIf(process.platform === 'linux').each([700, 1500, 3000])(
    'stops, says why, and has lost nothing that was answered: %i kB',
    async kilobytes => {
      const state = join(folder, `full-${kilobytes}`);
      const audit = makeAudit();
      const child = spawn(
        'bash',
        [
          '-c',
          `ulimit -f ${kilobytes}; exec "$0" "$@"`,
          process.execPath,
          ...argumentsOf(state, 'full'),
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      const [said, problem] = await Promise.all([
        hear(child),
        text(child.stderr),
      ]);
      expect(said).toMatchObject({ code: 1, signal: null });
      expect(problem).toContain('disk I/O error (EFBIG');
      audit.add(said);
      audit.add(await hear(startLedger(state, 'check')));
      expect([audit.wrong, audit.starts()]).toEqual([[], 2]);
    },
    240_000,
  );
});
