import type { BenchCase } from '../stage.ts';
import { measureConsole } from './console-rates.ts';

/** From the console to a vat and back, one call at a time. */
export const consoleSeq: BenchCase = {
  name: 'console-seq',
  figures: ['console-seq'],
  platforms: ['node', 'chromium'],
  measure: stage =>
    measureConsole(stage, { name: 'console-seq', inFlight: 1, count: 300 }),
};
