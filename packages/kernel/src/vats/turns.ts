import harden from '@endo/harden';
import { makeFairLine } from './fair-line.ts';

/** Lets so many things be under way at once; the others wait their turn: parties one after the other, and within a party first come first. */
export const makeTurns = (most: number) => {
  const waiting = makeFairLine<() => void>();
  let taken = 0;

  const next = (): void => {
    while (taken < most) {
      const first = waiting.first();
      if (first === undefined) {
        return;
      }
      taken += 1;
      first();
    }
  };

  return harden({
    /**
     * Calls `begin` when its turn has come, perhaps at once. To be told, by the
     * function that it gives, when that is over or not wanted any more.
     */
    take: (party: string, begin: () => void): (() => void) => {
      let state: 'waiting' | 'begun' | 'over' = 'waiting';
      const mine = (): void => {
        state = 'begun';
        waiting.take(party, mine);
        begin();
      };
      waiting.add(party, mine);
      next();
      return () => {
        const before = state;
        state = 'over';
        waiting.remove(party, mine);
        if (before === 'begun') {
          taken -= 1;
          next();
        }
      };
    },
    /** Nobody who waits gets a turn any more. */
    close: (): void => waiting.clear(),
  });
};
harden(makeTurns);
