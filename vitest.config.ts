import { configDefaults, defineConfig } from 'vitest/config';

/** Unit and property tests: everything but what needs a browser. */
export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.{ts,tsx}',
      'packages/*/test/**/*.test.{ts,tsx}',
      'vats/**/*.test.ts',
      'scripts/**/*.test.mjs',
    ],
    exclude: [...configDefaults.exclude, '**/e2e/**'],
    testTimeout: 20_000,
  },
});
