/** What to do after a failure: wait that long and start again, or give up. */
export type Verdict =
  | { readonly kind: 'restart'; readonly milliseconds: number }
  | { readonly kind: 'safe-mode' };

/** Waits before the first and the second restart; there is no third. */
const WAITS: readonly number[] = [250, 2_000];

/** A run that lasted as long starts the count anew. */
export const STEADY_MILLISECONDS = 60_000;

/** Decides about restarts: with growing waits, and after three failures in a row not any more. */
export const makeRestarts = (now: () => number) => {
  let failures = 0;
  let startedAt = now();
  return Object.freeze({
    started: (): void => {
      startedAt = now();
    },
    failed: (): Verdict => {
      failures = now() - startedAt >= STEADY_MILLISECONDS ? 1 : failures + 1;
      const milliseconds = WAITS[failures - 1];
      return milliseconds === undefined
        ? { kind: 'safe-mode' }
        : { kind: 'restart', milliseconds };
    },
  });
};
