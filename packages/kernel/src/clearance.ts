import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';
import type { CrankParts } from './crank.ts';
import type { Outputs } from './outputs.ts';
import type { Phase } from './phase.ts';
import type { Clock, VatStores } from './ports.ts';
import type { State } from './store/state.ts';

/**
 * Has what the dead and lost heaps have left cleared away, refused what waits for
 * vats that can't take it, passed on what waited for answers that are known, and
 * made to go what nobody holds: each step in a turn of its own and with a commit of its own, so neither a step
 * nor a commit keeps others waiting. A dead vat's file goes last.
 */
export const makeClearance = (
  state: State,
  {
    parts,
    outputs,
    phase,
    clock,
    stores,
    pump,
  }: {
    parts: CrankParts;
    outputs: Outputs;
    phase: Phase;
    clock: Clock;
    stores: VatStores;
    pump: () => void;
  },
) => {
  /** Vats that have left the tables, or are about to; of an earlier run, the kernel's start has deleted the files. */
  const leaving = new Set<VatId>();
  let isDue = false;

  const isDone = (): boolean =>
    state.endings.size === 0 &&
    parts.losses.isDone() &&
    parts.refusals.isDone() &&
    parts.promises.isDone() &&
    parts.worklist.isDone();

  const deleteFiles = (): void => {
    for (const vat of leaving) {
      if (!state.vats.has(vat) && !state.endings.has(vat)) {
        leaving.delete(vat);
        outputs.leave(() => stores.delete(vat));
      }
    }
  };

  const step = (): void => {
    isDue = false;
    parts.run(() => {
      parts.endings.step();
      parts.losses.step();
      parts.refusals.step();
      parts.promises.step();
      parts.worklist.step();
    });
    outputs.commitIfNeeded();
    pump();
  };

  return harden({
    isDone,
    /** The vat's file goes when nothing else is left of the vat. */
    leave: (vat: VatId): void => {
      leaving.add(vat);
    },
    /** To be called when all that could be delivered was. */
    pumped: (): void => {
      deleteFiles();
      if (!isDone() && !isDue) {
        isDue = true;
        clock.soon(() => phase.guard(step));
      }
    },
  });
};
harden(makeClearance);

export type Clearance = ReturnType<typeof makeClearance>;
