import type { CooperageError } from '@cooperage/protocol';
import harden from '@endo/harden';
import type { Phase } from './phase.ts';
import type { Platform } from './ports.ts';

/** What is done when there is nothing to do: commit, tell those who wait for that, and some time later fold. */
export const makeRest = ({
  platform: { clock },
  foldMilliseconds,
  phase,
  isQuiet,
  commit,
  fold,
}: {
  platform: Platform;
  foldMilliseconds: number;
  phase: Phase;
  /** True when no delivery is in flight and no worker on its way. */
  isQuiet: () => boolean;
  commit: () => void;
  fold: () => void;
}) => {
  const idlers = new Set<{
    resolve: () => void;
    reject: (problem: CooperageError) => void;
  }>();
  let cancelFold = (): void => {};

  phase.onEnd(problem => {
    cancelFold();
    idlers.forEach(({ reject }) => reject(problem));
    idlers.clear();
  });

  const foldLater = (): void => {
    cancelFold();
    cancelFold = clock.after(foldMilliseconds, () =>
      phase.guard(() => {
        if (isQuiet()) {
          fold();
        }
      }),
    );
  };

  return harden({
    /** To be called when all that could be delivered was. */
    pumped: (): void => {
      if (isQuiet()) {
        commit();
        foldLater();
        idlers.forEach(({ resolve }) => resolve());
        idlers.clear();
      }
    },
    /** Resolves at the next rest; rejects when the kernel ends before. */
    next: (): Promise<void> =>
      new Promise((resolve, reject) => {
        idlers.add({ resolve, reject });
      }),
  });
};
harden(makeRest);
