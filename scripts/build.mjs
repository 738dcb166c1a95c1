// @ts-check
/** Builds the extension; with `--if-stale` only when its sources have changed. */
import process from 'node:process';
import { build, fail, provideBuild } from './setup.mjs';

try {
  if (process.argv.includes('--if-stale')) {
    provideBuild();
  } else {
    build();
  }
} catch (reason) {
  fail(reason);
}
