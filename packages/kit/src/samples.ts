import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  writeClusters,
  type Sample,
} from '../../../scripts/bundle/bundle-clusters.mjs';

export type { Sample } from '../../../scripts/bundle/bundle-clusters.mjs';

export type Samples = {
  /** The configs of the sample clusters by their names. */
  readonly configs: Readonly<Record<string, Sample['config']>>;
  /** What the URLs in them are relative to. */
  readonly baseUrl: URL;
  /** Deletes the bundles. */
  remove(): Promise<void>;
};

/** Bundles the sample clusters into a new folder, as the extension has them in its own. */
export const bundleSamples = async (): Promise<Samples> => {
  const folder = await mkdtemp(join(tmpdir(), 'cooperage-samples-'));
  const { samples } = await writeClusters(folder);
  return Object.freeze({
    configs: Object.fromEntries(
      samples.map(({ config }) => [config.name, config]),
    ),
    baseUrl: pathToFileURL(`${folder}/`),
    remove: () => rm(folder, { recursive: true, force: true }),
  });
};
