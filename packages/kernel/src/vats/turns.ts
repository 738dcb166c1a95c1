import harden from '@endo/harden';

/** Lets so many things be under way at once; the others wait their turn, first come first. */
export const makeTurns = (most: number) => {
  const waiting = new Set<() => void>();
  let taken = 0;

  const next = (): void => {
    while (taken < most) {
      const [first] = waiting;
      if (first === undefined) {
        return;
      }
      waiting.delete(first);
      taken += 1;
      first();
    }
  };

  return harden({
    /**
     * Calls `begin` when its turn has come, perhaps at once. To be told, by the
     * function that it gives, when that is over or not wanted any more.
     */
    take: (begin: () => void): (() => void) => {
      let state: 'waiting' | 'begun' | 'over' = 'waiting';
      const mine = (): void => {
        state = 'begun';
        begin();
      };
      waiting.add(mine);
      next();
      return () => {
        const before = state;
        state = 'over';
        waiting.delete(mine);
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
