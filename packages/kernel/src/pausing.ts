import { CooperageError, type VatId } from '@cooperage/protocol';
import harden from '@endo/harden';
import type { Scheduler } from './scheduler.ts';

/** Holding the vats still, and letting them go on delivery by delivery. */
export const makePausing = ({
  scheduler,
  nextRest,
}: {
  scheduler: Scheduler;
  /** Resolves when nothing is in flight any more and all is committed. */
  nextRest: () => Promise<void>;
}) =>
  harden({
    isPaused: scheduler.isPaused,
    pause: scheduler.pause,
    unpause: scheduler.unpause,
    /**
     * Allows one delivery, which the next pump makes; resolves when it has ended
     * and is committed, with the vat that got it, or null when there was none to
     * make. Throws CooperageError BAD_REQUEST unless the kernel is paused.
     */
    step: async (): Promise<{ vat: VatId | null }> => {
      if (!scheduler.isPaused()) {
        throw new CooperageError(
          'BAD_REQUEST',
          'Pause the kernel first: it can be stepped only then',
        );
      }
      let stepped: VatId | null = null;
      const takeBack = scheduler.allowStep(vat => {
        stepped = vat;
      });
      try {
        await nextRest();
      } finally {
        takeBack();
      }
      return { vat: stepped };
    },
  });
harden(makePausing);

export type Pausing = ReturnType<typeof makePausing>;
