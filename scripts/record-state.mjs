// @ts-check
/**
 * Records the state that `packages/kit/src/kept-state.test.ts` opens under every
 * later version: `node scripts/record-state.mjs NAME`, and with `--liveslots 0.10.2`
 * with vats that run an earlier liveslots, which is put into `.cache`. A state is
 * recorded once a version, and never again: it is what that version has written.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { root } from './setup.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { liveslots: { type: 'string' } },
});
const [name] = positionals;
if (name === undefined || !/^[\w.-]+$/.test(name)) {
  console.error('record-state takes the NAME of the file, and --liveslots V');
  process.exit(2);
}
const file = `${name}.cooperage`;
if (existsSync(join(root, 'packages/kit/fixtures', file))) {
  console.error(`${file} was recorded: it is not recorded again`);
  process.exit(2);
}

/** @param {string} command @param {string[]} args @param {import('node:child_process').SpawnSyncOptions} options */
const run = (command, args, options) => {
  const { status } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (status !== 0) {
    process.exit(1);
  }
};

/** @param {string} version */
const provideLiveslots = version => {
  const folder = join(root, '.cache', `liveslots-${version}`);
  if (!existsSync(join(folder, 'package'))) {
    mkdirSync(folder, { recursive: true });
    run('npm', ['pack', '--silent', `@agoric/swingset-liveslots@${version}`], {
      cwd: folder,
    });
    run('tar', ['xf', `agoric-swingset-liveslots-${version}.tgz`], {
      cwd: folder,
    });
  }
  return join(folder, 'package');
};

run('npx', ['vitest', 'run', 'packages/kit/src/kept-state.test.ts'], {
  cwd: root,
  env: {
    ...process.env,
    RECORD_STATE: file,
    ...(values.liveslots === undefined
      ? {}
      : { LIVESLOTS: provideLiveslots(values.liveslots) }),
  },
});
