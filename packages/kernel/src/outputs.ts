import type { CooperageError } from '@cooperage/protocol';
import harden from '@endo/harden';
import type { Phase } from './phase.ts';
import type { Clock } from './ports.ts';
import type { State } from './store/state.ts';

/** Where a commit takes long, the next epoch lasts so many times as long, or as long as one may. */
const COMMITS_APART = 20;
const LONGEST_EPOCH_MILLISECONDS = 250;

type Output = {
  readonly leave: () => void;
  readonly refuse: (problem: CooperageError) => void;
};

/**
 * Epochs: many cranks share one commit, and nothing leaves the kernel before
 * the commit of what it tells has returned.
 *
 * What is to leave makes its epoch commit at once, unless a delivery has begun
 * since the last commit: it may end in a moment and have something to tell too,
 * so the commit waits for it, but not long. A delivery that has lasted since
 * before the last commit, of a vat that spins, is not waited for.
 */
export const makeOutputs = (
  state: State,
  {
    clock,
    phase,
    inFlight,
    onCommit,
    epochCranks,
    epochMilliseconds,
    holdMilliseconds,
  }: {
    clock: Clock;
    phase: Phase;
    /** The deliveries in flight, each the same thing as long as it is. */
    inFlight: () => Iterable<object>;
    /** Called after each commit, when its outputs have left. */
    onCommit: () => void;
    /**
     * An epoch commits at the latest after that many cranks, or after that time;
     * later where commits are slow, so that they take no more than a small share
     * of the kernel's time.
     */
    epochCranks: number;
    epochMilliseconds: number;
    /** An output waits so long, at the latest, for others to leave with it. */
    holdMilliseconds: number;
  },
) => {
  let waiting: Output[] = [];
  /** What was committed and is leaving now, in order. */
  let leaving: Output[] | undefined;
  let riders: (() => void)[] = [];
  let cranks = 0;
  let cancelEpoch = (): void => {};
  let isCommitDue = false;
  let isReviewDue = false;
  let cancelHold: (() => void) | undefined;
  let inFlightAtCommit = new Set<object>();
  let commitMilliseconds = 0;

  const commit = (): void => {
    isCommitDue = false;
    const begin = clock.now();
    state.store.commit();
    commitMilliseconds = clock.now() - begin;
    cancelEpoch();
    cancelHold?.();
    cancelHold = undefined;
    inFlightAtCommit = new Set(inFlight());
    cranks = 0;
    const committed = waiting;
    waiting = [];
    if (leaving) {
      // One that leaves has brought this commit about: those behind it leave first.
      committed.forEach(each => leaving?.push(each));
      board();
    } else {
      letLeave(committed);
    }
    onCommit();
  };

  const letLeave = (committed: Output[]): void => {
    leaving = committed;
    let left = 0;
    try {
      board();
      for (const { leave } of leaving) {
        left += 1;
        leave();
      }
    } finally {
      waiting = [...leaving.slice(left), ...waiting];
      leaving = undefined;
    }
  };

  const ride = (look: () => void): void => {
    if (state.store.dirty && phase.isRunning()) {
      riders.push(look);
    } else {
      look();
    }
  };

  const board = (): void => {
    const boarding = riders;
    riders = [];
    boarding.forEach(ride);
  };

  const commitIfNeeded = (): void => {
    if (state.store.dirty || waiting.length > 0) {
      commit();
    } else {
      // Its cranks have changed nothing, or a trial has committed them: the next one begins an epoch.
      cancelEpoch();
      cranks = 0;
      board();
    }
  };

  const epochLasts = (): number =>
    Math.max(
      epochMilliseconds,
      Math.min(COMMITS_APART * commitMilliseconds, LONGEST_EPOCH_MILLISECONDS),
    );

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

  const mayBeMore = (): boolean => {
    for (const flight of inFlight()) {
      if (!inFlightAtCommit.has(flight)) {
        return true;
      }
    }
    return false;
  };

  /** Lets go what waits, or has it wait a little for more. */
  const review = (): void => {
    if (waiting.length === 0 || cancelHold !== undefined) {
      return;
    }
    if (holdMilliseconds > 0 && mayBeMore()) {
      cancelHold = clock.after(holdMilliseconds, () =>
        phase.guard(commitIfNeeded),
      );
    } else {
      commit();
    }
  };

  const reviewSoon = (): void => {
    if (!isReviewDue) {
      isReviewDue = true;
      clock.soon(() => {
        isReviewDue = false;
        phase.guard(review);
      });
    }
  };

  phase.onEnd(problem => {
    cancelEpoch();
    cancelHold?.();
    const refused = waiting;
    waiting = [];
    refused.forEach(({ refuse }) => refuse(problem));
    board();
  });

  return harden({
    commitIfNeeded,
    /**
     * Something to do as soon as all that is in the tables now is committed.
     * `refuse` is called instead when the kernel ends before.
     */
    leave: (leave: () => void, refuse: Output['refuse'] = () => {}): void => {
      waiting.push({ leave, refuse });
      reviewSoon();
    },
    /**
     * Calls back when all that is in the tables is committed, which may be now,
     * or when the kernel has ended. Makes no epoch commit: whoever is called
     * rides with the next commit, right after it.
     */
    ride,
    /** To be called after each crank. */
    count: (): void => {
      cranks += 1;
      if (cranks === 1) {
        cancelEpoch = clock.after(epochLasts(), () =>
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
