import type { BundleSource, Json, UpgradeResult } from '@cooperage/protocol';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleSource, isSource } from './bundle-source.ts';
import type { Place } from './open-kernel.ts';
import { Problem } from './problem.ts';
import { reachKernel } from './reach-kernel.ts';

const parseParameters = (json: string): Json => {
  try {
    return JSON.parse(json) as Json;
  } catch {
    throw new Problem(
      `the parameters are JSON such as '{"a": 1}', not ${json}`,
    );
  }
};

/** The code of a module, of a bundle's file, or of a bundle that a server has. */
const readCode = async (place: string): Promise<BundleSource> => {
  if (/^https?:/.test(place)) {
    return { url: place };
  }
  const url = place.startsWith('file:')
    ? new URL(place)
    : pathToFileURL(resolve(place));
  if (isSource(url)) {
    return { text: await bundleSource(url) };
  }
  try {
    return { text: await readFile(fileURLToPath(url), 'utf8') };
  } catch (problem) {
    throw new Problem(`${place} can't be read: ${String(problem)}`);
  }
};

export type UpgradeCommand = {
  readonly cluster: string;
  readonly vat: string;
  /** A path or a URL, of a module or a bundle. */
  readonly code: string;
  /** JSON; as before when undefined. */
  readonly parameters: string | undefined;
};

/** Gives a vat new code over its store, and says which incarnation runs it; rejects when it does not, and nothing has changed. */
export const upgrade = async (
  { cluster, vat, code, parameters }: UpgradeCommand,
  place: Place,
): Promise<void> => {
  const options =
    parameters === undefined ? {} : { parameters: parseParameters(parameters) };
  const bundle = await readCode(code);
  const reached = await reachKernel(place);
  try {
    const { incarnation }: UpgradeResult = await reached.console.kernel.upgrade(
      cluster,
      vat,
      bundle,
      options,
    );
    console.log(`${cluster}.${vat} runs as incarnation ${incarnation}`);
  } finally {
    await reached.leave();
  }
};
