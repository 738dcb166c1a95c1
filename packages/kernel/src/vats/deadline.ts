import harden from '@endo/harden';
import type { Clock } from '../ports.ts';

/** A deadline is waited for in that many slices. */
const SLICES = 10;
/** A timer that comes later than that, or than a whole slice, tells of a stall. */
const STALL_MILLISECONDS = 250;

/**
 * Calls back when the time is up, unless the returned function is called first.
 * Only time counts in which this thread was responsive and the machine awake:
 * a slice whose timer comes late is waited for again. What has arrived at the
 * end is heard first.
 */
export const setDeadline = (
  clock: Clock,
  milliseconds: number,
  onExpired: () => void,
): (() => void) => {
  const slice = milliseconds / SLICES;
  const mostLate = Math.max(slice, STALL_MILLISECONDS);
  let isCanceled = false;
  let cancelTimer = (): void => {};

  const wait = (slices: number): void => {
    const due = clock.now() + slice;
    cancelTimer = clock.after(slice, () => {
      if (clock.now() - due > mostLate) {
        wait(slices);
      } else if (slices > 1) {
        wait(slices - 1);
      } else {
        clock.soon(() => {
          if (!isCanceled) {
            onExpired();
          }
        });
      }
    });
  };
  wait(SLICES);
  return () => {
    isCanceled = true;
    cancelTimer();
  };
};
harden(setDeadline);
