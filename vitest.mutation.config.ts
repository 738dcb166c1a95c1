import { posix } from 'node:path';
import process from 'node:process';
import { defineConfig } from 'vitest/config';

/** The tests that `npm run mutation` runs against each mutant of a part, with few runs of each property. */
const tests: readonly string[] = JSON.parse(
  process.env['MUTATION_TESTS'] ?? '["**/*"]',
);

export default defineConfig({
  test: {
    include: tests.map(test =>
      posix.join('packages/kernel/src', `${test}.test.ts`),
    ),
    // Of the first run, all tests at once; the tool has a measure of its own for each mutant.
    testTimeout: 120_000,
    // A mutant is chosen when its code runs, so what is loaded may stay.
    isolate: false,
    env: { PROPERTY_RUNS: process.env['PROPERTY_RUNS'] ?? '10' },
  },
});
