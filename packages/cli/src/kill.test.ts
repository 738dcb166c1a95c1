import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { makeDraws } from '@cooperage/kernel/testing/draws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BUILD = fileURLToPath(new URL('../build.mjs', import.meta.url));
const ENTRY = fileURLToPath(
  new URL('./testing/ledger-process.ts', import.meta.url),
);
/** More of them: `npm run fuzz -- --only kills`. */
const KILLS = Number(process.env['KILLS'] ?? 20);
/** Draws how much each run says before it is killed; what it does meanwhile, the system's scheduler decides too. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

const folder = mkdtempSync(join(tmpdir(), 'cooperage-kill-'));
const built = join(folder, 'built');

beforeAll(() => {
  execFileSync(process.execPath, [BUILD, ENTRY, built]);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const draw = makeDraws(SEED);

/** Lines before the kill: early in the start, between start and stream, and anywhere in the stream. */
const drawLines = (round: number): number =>
  round % 5 === 0 ? 1 + (round % 2) : 2 + draw(150, round);

type Said = { lines: string[]; code: unknown; signal: unknown };

/** Gathers what the process says, and kills it when it has said that many lines. */
const hear = async (child: ChildProcess, most = Infinity): Promise<Said> => {
  const exited = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line);
    if (lines.length === most) {
      child.kill('SIGKILL');
    }
  }
  const [code, signal] = await exited;
  return { lines, code, signal };
};

const argumentsOf = (state: string, name: string): string[] => [
  join(built, 'cooperage.mjs'),
  state,
  name,
];

const runLedger = (state: string, name: string, most?: number): Promise<Said> =>
  hear(
    spawn(process.execPath, argumentsOf(state, name), {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
    most,
  );

const saidOf = (said: readonly string[], word: string): string[] =>
  said
    .filter(line => line.startsWith(`${word} `))
    .map(line => line.slice(word.length + 1));

/** Checks what each start of the ledger finds against what was answered before it. */
const makeAudit = () => {
  const answered: string[] = [];
  const wrong: unknown[] = [];
  let starts = 0;
  return {
    wrong,
    answers: () => answered.length,
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
      answered.push(...saidOf(lines, 'done'));
    },
  };
};

describe('a kernel whose process is killed at any moment', () => {
  it(`has lost no message that was answered and done none twice after ${KILLS} kills (seed ${SEED})`, async () => {
    const state = join(folder, 'killed');
    const audit = makeAudit();
    for (let round = 0; round < KILLS; round += 1) {
      const said = await runLedger(state, `r${round}`, drawLines(round));
      expect(said.signal).toBe('SIGKILL');
      audit.add(said);
    }
    const last = await runLedger(state, 'check');
    expect(last).toMatchObject({ code: 0, signal: null });
    audit.add(last);
    expect(audit.wrong).toEqual([]);
    expect(audit.answers()).toBeGreaterThan(KILLS);
    expect(audit.starts()).toBeGreaterThan(KILLS / 2);
    // The last one stopped by itself: nothing of the killed ones is left.
    const left = readdirSync(state);
    expect(left.filter(name => /claim|-wal$/.test(name))).toEqual([]);
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
      audit.add(await runLedger(state, 'check'));
      expect([audit.wrong, audit.starts()]).toEqual([[], 2]);
    },
    240_000,
  );
});
