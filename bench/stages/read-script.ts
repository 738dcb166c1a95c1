import { readFileSync } from 'node:fs';

/** A script that `bench/build.mjs` has put beside the one that runs. */
export const readScript = (name: string): string =>
  readFileSync(new URL(name, import.meta.url), 'utf8');
