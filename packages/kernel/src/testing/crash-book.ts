import type { Entry, Journal } from './journal.ts';

/** How the vat stands, suspended or paused, is not known any more. */
export const doubtStanding = (journal: Journal, vat: string): void => {
  for (const thing of [`suspension ${vat}`, `pause ${vat}`]) {
    journal.add({ kind: 'asked', deed: -1, thing });
  }
};

/** How often each deed was asked for, and which were answered. */
export const makeBook = (known: readonly Entry[]) => {
  const attempts = new Map<number, number>();
  const settled = new Set<number>();
  for (const entry of known) {
    if (entry.kind === 'asked') {
      attempts.set(entry.deed, (attempts.get(entry.deed) ?? 0) + 1);
    } else if (entry.kind === 'answered') {
      settled.add(entry.deed);
    }
  }
  return {
    /** The number of this attempt, from 1. */
    begin: (deed: number): number => {
      const attempt = (attempts.get(deed) ?? 0) + 1;
      attempts.set(deed, attempt);
      return attempt;
    },
    isSettled: (deed: number): boolean => settled.has(deed),
    settle: (deed: number): void => void settled.add(deed),
  };
};

export type Book = ReturnType<typeof makeBook>;
