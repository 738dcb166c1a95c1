import { defineConfig } from 'vitest/config';

/** End-to-end tests: a real Chromium, one file at a time. */
export default defineConfig({
  test: {
    include: ['packages/extension/e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
