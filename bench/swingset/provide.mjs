// @ts-check
/**
 * `@agoric/swingset-vat` is no part of our installation: it brings hundreds of
 * packages, and one that is compiled for minutes. Who asks for it gets it into a
 * folder of the person's cache.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const VERSION = '0.33.0';

const folder = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'cooperage-bench',
  `swingset-${VERSION}`,
);

/** Installs it once; gives the script of its process, which must lie where its packages are found. */
export const provideSwingSet = () => {
  const script = join(folder, 'process.mjs');
  mkdirSync(folder, { recursive: true });
  cpSync(fileURLToPath(new URL('process.mjs', import.meta.url)), script);
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    console.error(
      `installing @agoric/swingset-vat ${VERSION} into ${folder}: this takes minutes`,
    );
    writeFileSync(
      join(folder, 'package.json'),
      `${JSON.stringify({ name: 'swingset', private: true, type: 'module' })}\n`,
    );
    const { status } = spawnSync(
      'npm',
      [
        'install',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
        `@agoric/swingset-vat@${VERSION}`,
        // What the measured vat imports.
        '@endo/far@1.1.14',
      ],
      {
        cwd: folder,
        stdio: ['ignore', 'inherit', 'inherit'],
        shell: process.platform === 'win32',
      },
    );
    if (status !== 0) {
      throw Error(
        `npm could not install @agoric/swingset-vat. Its SQLite may have to be compiled, which needs Python, make and a C++ compiler; or run without --swingset`,
      );
    }
    writeFileSync(done, '');
  }
  return script;
};
