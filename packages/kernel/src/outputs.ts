import harden from '@endo/harden';
import type { Clock } from './ports.ts';
import type { State } from './store/state.ts';

/**
 * Epochs: many cranks share one commit, and nothing leaves the kernel before
 * the commit of what it tells has returned.
 */
export const makeOutputs = (
  state: State,
  {
    clock,
    guard,
    onCommit,
    epochCranks,
    epochMilliseconds,
  }: {
    clock: Clock;
    guard: (work: () => void) => void;
    /** Called after each commit, when its outputs have left. */
    onCommit: () => void;
    /** An epoch commits at the latest after that many cranks, or after that time. */
    epochCranks: number;
    epochMilliseconds: number;
  },
) => {
  let waiting: (() => void)[] = [];
  let cranks = 0;
  let startedAt = 0;
  let isCommitSoon = false;

  const commit = (): void => {
    state.store.commit();
    cranks = 0;
    const leaving = waiting;
    waiting = [];
    leaving.forEach(leave => leave());
    onCommit();
  };

  const commitSoon = (): void => {
    if (!isCommitSoon) {
      isCommitSoon = true;
      clock.soon(() => {
        isCommitSoon = false;
        guard(commitIfNeeded);
      });
    }
  };

  const commitIfNeeded = (): void => {
    if (state.store.dirty || waiting.length > 0) {
      commit();
    }
  };

  return {
    commit,
    commitIfNeeded,
    /** Something to do as soon as all that is in the tables now is committed. */
    leave: (output: () => void): void => {
      waiting.push(output);
      commitSoon();
    },
    /** To be called after each crank. */
    count: (): void => {
      if (cranks === 0) {
        startedAt = clock.now();
      }
      cranks += 1;
      const isOld = clock.now() - startedAt >= epochMilliseconds;
      if (cranks >= epochCranks || isOld) {
        commitSoon();
      }
    },
  };
};
harden(makeOutputs);

export type Outputs = ReturnType<typeof makeOutputs>;
