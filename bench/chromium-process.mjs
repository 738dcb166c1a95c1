// @ts-check
/** The process that measures in Chromium: it gets what to do as its argument and sends the results to its parent. */
import process from 'node:process';
import { importSource } from './import-source.mjs';

const { measureInChromium } = await importSource('chromium-measure.ts');
const report = await measureInChromium(JSON.parse(process.argv[2] ?? '{}'));
process.send?.(report, () => process.exit(0));
