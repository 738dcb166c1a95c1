import type { CooperageError } from '@cooperage/protocol';
import harden from '@endo/harden';
import type { KernelOptions } from './kernel-options.ts';
import type { Outputs } from './outputs.ts';
import type { Phase } from './phase.ts';
import type { Platform } from './ports.ts';
import type { Load, StoreKeeper } from './vat-stores.ts';

const NOTHING: Load = harden({ changes: 0, units: 0 });

/**
 * What is done when there is nothing to do: commit, tell those who wait for that,
 * and some time later fold; when too much waits to be folded, also at work. It is
 * folded in steps, each in a turn of its own.
 */
export const makeRest = ({
  platform: { clock },
  options: { foldMilliseconds = 1_000 },
  phase,
  isQuiet,
  outputs,
  keeper,
  pump,
}: {
  platform: Pick<Platform, 'clock'>;
  options: Pick<KernelOptions, 'foldMilliseconds'>;
  phase: Phase;
  /** True when no delivery is in flight, no vat starts, and no worker is on its way. */
  isQuiet: () => boolean;
  outputs: Pick<Outputs, 'commitIfNeeded'>;
  keeper: Pick<StoreKeeper, 'mostUnfolded' | 'isMoreThan' | 'foldSome'>;
  /** To be called when more may be delivered. */
  pump: () => void;
}) => {
  const idlers = new Set<{
    resolve: () => void;
    reject: (problem: CooperageError) => void;
  }>();
  let cancelFold = (): void => {};
  /** Nothing has been done for so long that all may be folded. */
  let hasRested = false;
  let isFoldDue = false;

  phase.onEnd(problem => {
    cancelFold();
    idlers.forEach(({ reject }) => reject(problem));
    idlers.clear();
  });

  const most = (): Load => (hasRested ? NOTHING : keeper.mostUnfolded);

  const foldStep = (): void => {
    isFoldDue = false;
    const isAnyDamaged = keeper.foldSome(most());
    foldOn();
    if (isAnyDamaged) {
      pump(); // somebody is to hear of it
    }
  };

  /** Has the next step taken in a later turn, if there is too much. */
  const foldOn = (): void => {
    if (!isFoldDue && keeper.isMoreThan(most())) {
      isFoldDue = true;
      clock.soon(() => phase.guard(foldStep));
    }
  };

  const foldLater = (): void => {
    cancelFold();
    cancelFold = clock.after(foldMilliseconds, () =>
      phase.guard(() => {
        hasRested = isQuiet();
        foldStep();
      }),
    );
  };

  return harden({
    /** To be called when all that could be delivered was. */
    pumped: (): void => {
      hasRested = false;
      foldOn();
      if (!isQuiet()) {
        return;
      }
      outputs.commitIfNeeded();
      foldLater();
      // What has left may have given the kernel something to do.
      if (isQuiet()) {
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
