import { SCENARIOS } from '@cooperage/kit/acceptance';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeClusters } from '../../../scripts/bundle/bundle-clusters.mjs';

const here = (path: string): string =>
  fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cooperage-acceptance-'));
const ROUNDS = Math.max(...SCENARIOS.map(({ steps }) => steps.length));

/** What was wrong with each scenario, by its title: a line for each step that was played. */
const problems = new Map<string, (string | null)[]>();

/** Plays one step of each scenario in a process, and kills it while kernels run in it. */
const playRound = async (round: number): Promise<void> => {
  const child = spawn(
    process.execPath,
    [
      join(folder, 'built', 'cooperage.mjs'),
      join(folder, 'bundles'),
      join(folder, 'states'),
      String(round),
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'over') {
      child.kill('SIGKILL');
    } else {
      const { title, problem } = JSON.parse(line);
      problems.set(title, [...(problems.get(title) ?? []), problem]);
    }
  }
  await exited;
};

beforeAll(async () => {
  mkdirSync(join(folder, 'bundles'));
  execFileSync(process.execPath, [
    here('../build.mjs'),
    here('./testing/scenario-process.ts'),
    join(folder, 'built'),
  ]);
  await writeClusters(join(folder, 'bundles'));
  for (let round = 0; round < ROUNDS; round += 1) {
    await playRound(round);
  }
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('in a folder, with a kill of the process between the steps', () => {
  it.each(SCENARIOS.map(({ title, steps }) => [title, steps.length] as const))(
    '%s',
    (title, steps) =>
      expect(problems.get(title)).toEqual(
        Array.from({ length: steps }, () => null),
      ),
  );
});
