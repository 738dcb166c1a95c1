import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BUILD = fileURLToPath(new URL('../build.mjs', import.meta.url));
const ENTRY = fileURLToPath(
  new URL('./testing/ledger-process.ts', import.meta.url),
);
const KILLS = 20;

const folder = mkdtempSync(join(tmpdir(), 'cooperage-kill-'));
const built = join(folder, 'built');
const state = join(folder, 'state');

beforeAll(() => {
  execFileSync(process.execPath, [BUILD, ENTRY, built]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Lines before the kill: early in the start, between start and stream, and anywhere in the stream. */
const drawLines = (round: number): number =>
  round % 5 === 0 ? 1 + (round % 2) : 2 + Math.floor(Math.random() * 300);

/** Runs the ledger until it has said that many lines; gives all lines that it got out. */
const runLedger = async (
  name: string,
  lines: number,
): Promise<{ said: string[]; signal: NodeJS.Signals | null }> => {
  const child = spawn(
    process.execPath,
    [join(built, 'cooperage.mjs'), state, name],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (said.length === lines) {
      child.kill('SIGKILL');
    }
  }
  const [, signal] = await exited;
  return { said, signal };
};

const saidOf = (said: readonly string[], word: string): string[] =>
  said
    .filter(line => line.startsWith(`${word} `))
    .map(line => line.slice(word.length + 1));

describe('a kernel whose process is killed at any moment', () => {
  it(`has lost no message that was answered and done none twice after ${KILLS} kills`, async () => {
    const answered: string[] = [];
    const wrong: unknown[] = [];
    let listed = 0;
    for (let round = 0; round <= KILLS; round += 1) {
      const isLast = round === KILLS;
      const before = [...answered];
      const { said, signal } = await runLedger(
        isLast ? 'check' : `r${round}`,
        isLast ? Infinity : drawLines(round),
      );
      expect(signal).toBe(isLast ? null : 'SIGKILL');
      wrong.push(...saidOf(said, 'broken'));
      for (const json of saidOf(said, 'counts')) {
        listed += 1;
        const counts = new Map<string, number>(JSON.parse(json));
        wrong.push(
          ...[...counts].filter(([, count]) => count !== 1),
          ...before.filter(name => !counts.has(name)),
        );
      }
      answered.push(...saidOf(said, 'done'));
    }
    expect(wrong).toEqual([]);
    expect(answered.length).toBeGreaterThan(KILLS);
    expect(listed).toBeGreaterThan(KILLS / 2);
    // The last one stopped by itself: nothing of the killed ones is left.
    expect(readdirSync(state).filter(name => /claim|-wal$/.test(name))).toEqual(
      [],
    );
  }, 180_000);
});
