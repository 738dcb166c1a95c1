// @ts-check
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('run.mjs', import.meta.url));

/** @param {string[]} args */
const run = (...args) =>
  spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });

test('a quick run measures ours, the floor and the peers, and leaves the full results alone', () => {
  const latest = new URL('out/latest.json', import.meta.url);
  const before = readFileSync(latest, 'utf8');
  const { status, stdout, stderr } = run(
    ...['--quick', '--only', 'node', '--case', 'roundtrip-seq'],
  );
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringContaining('node: roundtrip-seq measured in'),
  });
  expect(stdout).toMatch(/^roundtrip-seq +node .* to the floor .* aim 1.1/m);
  expect(stdout).toMatch(/to captp .* aim 1.2/);

  /** @type {{ cases: readonly import('./results.mjs').Result[] }} */
  const { cases } = JSON.parse(
    readFileSync(new URL('out/quick.json', import.meta.url), 'utf8'),
  );
  const found = cases.find(
    ({ name, platform }) => name === 'roundtrip-seq' && platform === 'node',
  );
  const number = expect.any(Number);
  expect(found).toEqual({
    name: 'roundtrip-seq',
    platform: 'node',
    value: number,
    unit: 'round trips/s',
    floor: number,
    ratioToFloor: number,
    peers: {
      captp: number,
      'captp direct': number,
      capnweb: number,
      comlink: number,
    },
  });
  expect(readFileSync(latest, 'utf8')).toBe(before);
}, 240_000);

test('a case that does not exist there is an error, and so is a platform', () => {
  expect(run('--only', 'firefox').status).toBe(2);
  const unknown = run(
    ...[
      '--quick',
      '--only',
      'node',
      '--case',
      'vat-memory',
      '--case',
      'rows-after',
    ],
  );
  expect([unknown.status, unknown.stderr]).toEqual([
    1,
    'no case is called vat-memory there\n',
  ]);
}, 240_000);
