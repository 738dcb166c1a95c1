import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXTENSION_DIR } from './harness.ts';

type Sample = { readonly config: { readonly name: string } };

/** The config of a sample cluster, as JSON text; throws when there is none of that name. */
export const sampleConfig = (name: string): string => {
  const samples: readonly Sample[] = JSON.parse(
    readFileSync(join(EXTENSION_DIR, 'samples.json'), 'utf8'),
  );
  const found = samples.find(({ config }) => config.name === name);
  if (found === undefined) {
    throw new Error(`no sample is called ${name}`);
  }
  return JSON.stringify(found.config);
};
