// @ts-check
/** Measures on one platform and sends the cases to the process that started this one. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const [platform, extent] = process.argv.slice(2);

if (platform === 'chromium') {
  const { status } = spawnSync(
    process.execPath,
    ['scripts/build.mjs', '--if-stale'],
    { cwd: root, stdio: 'inherit' },
  );
  if (status !== 0) {
    process.exit(1);
  }
}

// Our sources are TypeScript, which this Node does not run; Vite's module runner does.
const { module } = await runnerImport(
  fileURLToPath(new URL(`${platform}.ts`, import.meta.url)),
  { root, configFile: false, logLevel: 'error' },
);
const cases = await module.measure({ isQuick: extent === 'quick' });
process.send?.(cases, () => process.exit(0));
