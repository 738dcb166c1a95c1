// @ts-check
/** Runs the command line, built anew when a source has changed: `node scripts/cooperage.mjs --help`. */
import { pathToFileURL } from 'node:url';
import {
  commandPath,
  fail,
  provideCommand,
  provideDependencies,
} from './setup.mjs';

try {
  provideDependencies();
  provideCommand();
} catch (reason) {
  fail(reason);
}
await import(pathToFileURL(commandPath).href);
