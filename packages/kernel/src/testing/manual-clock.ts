import type { Clock } from '../ports.ts';
import { realClock } from './rig.ts';

/** A clock that a test sets; what is to be done soon is done in a turn of its own all the same. */
export const makeManualClock = () => {
  let now = 1_000_000;
  const timers = new Map<
    symbol,
    { due: number; milliseconds: number; callback: () => void }
  >();
  const clock: Clock = {
    now: () => now,
    after: (milliseconds, callback) => {
      const id = Symbol();
      timers.set(id, { due: now + milliseconds, milliseconds, callback });
      return () => timers.delete(id);
    },
    soon: realClock.soon,
  };
  return {
    clock,
    /** How long each timer that is set was set for. */
    waits: (): number[] =>
      [...timers.values()].map(({ milliseconds }) => milliseconds),
    /** Lets time pass, timer by timer; with `late` they all come only at its end. */
    advance: (milliseconds: number, { late = false } = {}): void => {
      const end = now + milliseconds;
      for (;;) {
        const [next] = [...timers]
          .filter(([, { due }]) => due <= end)
          .sort(([, left], [, right]) => left.due - right.due);
        if (!next) {
          break;
        }
        const [id, { due, callback }] = next;
        timers.delete(id);
        now = late ? end : Math.max(now, due);
        callback();
      }
      now = end;
    },
  };
};
