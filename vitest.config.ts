import { configDefaults, defineConfig } from 'vitest/config';

/** Unit and property tests: everything but what needs a browser. */
export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.{ts,tsx}',
      'packages/*/test/**/*.test.{ts,tsx}',
      'vats/**/*.test.ts',
      'scripts/**/*.test.mjs',
      'bench/*.test.{ts,mjs}',
    ],
    exclude: [...configDefaults.exclude, '**/e2e/**'],
    // What hangs is told late, and what is only slow is not taken for hanging.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Also where there are two processors: half of the tests wait for threads and files.
    maxWorkers: 2,
    setupFiles: ['scripts/property-seed.mjs'],
  },
});
