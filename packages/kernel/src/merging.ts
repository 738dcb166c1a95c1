import harden from '@endo/harden';
import type { Phase } from './phase.ts';
import type { Clock, KernelDb } from './ports.ts';

/**
 * Has the log of the kernel's database merged when it has become long, in a turn
 * of its own: a commit, and whoever waits for it, does not wait for that too.
 */
export const makeMerging = ({
  db,
  clock,
  phase,
}: {
  db: Pick<KernelDb, 'isMergeDue' | 'merge'>;
  clock: Pick<Clock, 'soon'>;
  phase: Phase;
}) => {
  let isSoon = false;
  return harden({
    /** To be called after each commit. */
    committed: (): void => {
      if (!isSoon && db.isMergeDue()) {
        isSoon = true;
        clock.soon(() => {
          isSoon = false;
          phase.guard(db.merge);
        });
      }
    },
  });
};
harden(makeMerging);
