import type { CooperageError } from '@cooperage/protocol';
import harden from '@endo/harden';
import type { Phase } from './phase.ts';
import type { Clock } from './ports.ts';
import type { Scheduler } from './scheduler.ts';
import type { Runner } from './vats/runner.ts';

/** Deliveries in flight may end for so long when the kernel is told to stop. */
const GRACE_MILLISECONDS = 100;

/** Brings the kernel's work to an end in a short time, whatever its vats do. */
export const makeStopping = ({
  clock,
  phase,
  scheduler,
  runner,
  pump,
}: {
  clock: Clock;
  phase: Phase;
  scheduler: Pick<Scheduler, 'close'>;
  runner: Pick<Runner, 'inFlight'>;
  pump: () => void;
}) => {
  let isUnderWay = false;
  let onPumped = (): void => {};

  return harden({
    isUnderWay: () => isUnderWay,
    /** To be called when all that could be delivered was. */
    pumped: (): void => onPumped(),
    /**
     * No delivery begins any more. Resolves when none is in flight, or when the
     * grace is over: those that are in flight then are made again by the next
     * run, and no try is counted. Rejects when the kernel ends meanwhile.
     */
    comeToRest: (): Promise<void> =>
      new Promise((resolve, reject) => {
        isUnderWay = true;
        scheduler.close();
        const cancel = clock.after(GRACE_MILLISECONDS, resolve);
        onPumped = () => {
          if (runner.inFlight() === 0) {
            cancel();
            resolve();
          }
        };
        phase.onEnd((problem: CooperageError) => {
          cancel();
          reject(problem);
        });
        clock.soon(() => phase.guard(pump));
      }),
  });
};
harden(makeStopping);
