import type { BenchCase } from '../stage.ts';
import { measureConsole } from './console-rates.ts';

/** From the console to a vat and back, 100 calls in flight. */
export const console100: BenchCase = {
  name: 'console-100',
  figures: ['console-100'],
  platforms: ['node', 'chromium'],
  measure: stage =>
    measureConsole(stage, { name: 'console-100', inFlight: 100, count: 1_000 }),
};
