import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const BUILD = fileURLToPath(new URL('../build.mjs', import.meta.url));
const ENTRY = fileURLToPath(
  new URL('./testing/killer-process.ts', import.meta.url),
);

const folder = mkdtempSync(join(tmpdir(), 'cooperage-trials-'));
beforeAll(() => {
  execFileSync(process.execPath, [BUILD, ENTRY, join(folder, 'built')]);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (order: string) => {
  const { signal, stdout, stderr } = spawnSync(
    process.execPath,
    [join(folder, 'built', 'cooperage.mjs'), join(folder, 'state'), order],
    { encoding: 'utf8', timeout: 60_000 },
  );
  return { signal, stdout, stderr };
};

it('a delivery that kills the process of the kernel kills it three times, and then its vat is suspended and the others go on (invariant 11)', () => {
  const killed = { signal: 'SIGKILL', stdout: '', stderr: '' };
  expect([run('start'), run('go on'), run('go on')]).toEqual([
    killed,
    killed,
    killed,
  ]);
  const { stdout, stderr } = run('go on');
  expect([stderr, JSON.parse(stdout || 'null')]).toEqual([
    '',
    [
      0,
      [
        ['good', 'running', null],
        [
          'killer',
          'suspended',
          'the process of the kernel has ended twice while a delivery to it, and no other, was under way',
        ],
      ],
    ],
  ]);
}, 240_000);
