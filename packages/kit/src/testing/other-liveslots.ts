import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { buildWorkerText } from '../worker-text.ts';

const NAME = '@agoric/swingset-liveslots';
const SUPERVISOR = fileURLToPath(
  new URL('../../../vat-supervisor/src/liveslots.ts', import.meta.url),
);
const ENTRY = fileURLToPath(
  new URL('../../../node/src/vat-worker.ts', import.meta.url),
);

/** Packages that earlier ones import, and those that have taken their place. */
const SINCE = new Map([['@agoric/assert', '@endo/errors']]);

/** Takes liveslots from the folder, and what that imports from where ours does: so there is one copy of each. */
const liveslotsFrom = (folder: string): Plugin => {
  const ours = realpathSync(createRequire(SUPERVISOR).resolve(NAME));
  const inside = realpathSync(folder) + sep;
  return {
    name: 'other-liveslots',
    enforce: 'pre',
    resolveId(source, importer) {
      if (source === NAME) {
        return join(inside, 'src', 'index.js');
      }
      const isForeign =
        importer?.startsWith(inside) === true && !source.startsWith('.');
      return isForeign
        ? this.resolve(SINCE.get(source) ?? source, ours, { skipSelf: true })
        : undefined;
    },
  };
};

const folder = process.env['LIVESLOTS'];
if (folder !== undefined && !existsSync(folder)) {
  throw Error(`LIVESLOTS names no folder: ${folder}`);
}

/** Of those liveslots. */
export const otherVersion: string | undefined =
  folder === undefined
    ? undefined
    : JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;

/**
 * The script of a vat's worker with the liveslots of the folder that `LIVESLOTS`
 * names, if it names one. To be imported before lockdown.
 */
export const otherVatText =
  folder === undefined
    ? undefined
    : await buildWorkerText(ENTRY, [liveslotsFrom(folder)]);
