// @ts-check
/** The process that measures in Chromium: it gets what to do as its argument and sends the results to its parent. */
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

// Our sources are TypeScript, which this Node does not run; Vite's module runner does.
const { module } = await runnerImport(
  fileURLToPath(new URL('chromium-measure.ts', import.meta.url)),
  {
    root: fileURLToPath(new URL('..', import.meta.url)),
    configFile: false,
    logLevel: 'error',
  },
);
const report = await module.measureInChromium(
  JSON.parse(process.argv[2] ?? '{}'),
);
process.send?.(report, () => process.exit(0));
