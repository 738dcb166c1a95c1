import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Problem } from './problem.ts';

/** Beside this command's sources; what it is built into stands as deep. */
const BUNDLER = fileURLToPath(
  new URL('../../../scripts/bundle.mjs', import.meta.url),
);

/** Whether a vat's place is a module, which is to be bundled, and not a bundle. */
export const isSource = (url: URL): boolean =>
  /\.[cm]?[jt]sx?$/.test(url.pathname);

/**
 * Bundles a vat's module and gives the bundle's text. The bundler can't run
 * in a locked realm, so it runs in a process of its own.
 *
 * @throws {Problem} with the bundler's own words
 */
export const bundleSource = async (source: URL): Promise<string> => {
  if (!existsSync(BUNDLER)) {
    throw new Problem(
      `${fileURLToPath(source)} is a module, and only Cooperage's repository can bundle one: name a bundle`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'cooperage-bundle-'));
  const output = join(folder, 'bundle.json');
  try {
    await promisify(execFile)(process.execPath, [
      BUNDLER,
      fileURLToPath(source),
      '-o',
      output,
    ]);
    return await readFile(output, 'utf8');
  } catch (problem) {
    const said = problem instanceof Error && Reflect.get(problem, 'stderr');
    throw new Problem(String(said || problem).trim(), { cause: problem });
  } finally {
    await rm(folder, { recursive: true });
  }
};
