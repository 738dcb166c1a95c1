import type { BenchCase } from '../stage.ts';
import { measureConsole } from './console-rates.ts';

/** The older name of `console-seq`, kept so that its figures can be followed. */
export const roundtripConsole: BenchCase = {
  name: 'roundtrip-console',
  figures: ['roundtrip-console'],
  platforms: ['node', 'chromium'],
  measure: stage =>
    measureConsole(stage, {
      name: 'roundtrip-console',
      inFlight: 1,
      count: 200,
    }),
};
