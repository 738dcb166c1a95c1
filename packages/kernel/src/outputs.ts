import type { CooperageError } from '@cooperage/protocol';
import harden from '@endo/harden';
import type { Phase } from './phase.ts';
import type { Clock } from './ports.ts';
import type { State } from './store/state.ts';

type Output = {
  readonly leave: () => void;
  readonly refuse: (problem: CooperageError) => void;
};

/**
 * Epochs: many cranks share one commit, and nothing leaves the kernel before
 * the commit of what it tells has returned.
 */
export const makeOutputs = (
  state: State,
  {
    clock,
    phase,
    onCommit,
    epochCranks,
    epochMilliseconds,
  }: {
    clock: Clock;
    phase: Phase;
    /** Called after each commit, when its outputs have left. */
    onCommit: () => void;
    /** An epoch commits at the latest after that many cranks, or after that time. */
    epochCranks: number;
    epochMilliseconds: number;
  },
) => {
  let waiting: Output[] = [];
  let cranks = 0;
  let cancelEpoch = (): void => {};
  let isCommitDue = false;

  const commit = (): void => {
    isCommitDue = false;
    state.store.commit();
    cancelEpoch();
    cranks = 0;
    const leaving = waiting;
    waiting = [];
    let left = 0;
    try {
      for (const { leave } of leaving) {
        left += 1;
        leave();
      }
    } finally {
      waiting = [...leaving.slice(left), ...waiting];
    }
    onCommit();
  };

  const commitIfNeeded = (): void => {
    if (state.store.dirty || waiting.length > 0) {
      commit();
    }
  };

  const commitSoon = (): void => {
    if (!isCommitDue) {
      isCommitDue = true;
      clock.soon(() => {
        // Another commit may have come first: what is dirty now belongs to the next epoch.
        if (isCommitDue) {
          phase.guard(commitIfNeeded);
        }
      });
    }
  };

  phase.onEnd(problem => {
    cancelEpoch();
    const refused = waiting;
    waiting = [];
    refused.forEach(({ refuse }) => refuse(problem));
  });

  return harden({
    commitIfNeeded,
    /**
     * Something to do as soon as all that is in the tables now is committed.
     * `refuse` is called instead when the kernel ends before.
     */
    leave: (leave: () => void, refuse: Output['refuse'] = () => {}): void => {
      waiting.push({ leave, refuse });
      commitSoon();
    },
    /** To be called after each crank. */
    count: (): void => {
      cranks += 1;
      if (cranks === 1) {
        cancelEpoch = clock.after(epochMilliseconds, () =>
          phase.guard(commitIfNeeded),
        );
      } else if (cranks >= epochCranks) {
        commitSoon();
      }
    },
  });
};
harden(makeOutputs);

export type Outputs = ReturnType<typeof makeOutputs>;
