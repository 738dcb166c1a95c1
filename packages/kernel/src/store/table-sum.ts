import harden from '@endo/harden';
import type { IndexKey, IndexKeeper } from './table-index.ts';

/** What the rows of each group weigh together. */
export type SumIndex = {
  of(group: string | number): number;
  /** Of all groups. */
  readonly total: number;
};

/** Keeps the sums of a table; rows for which `groupOf` gives undefined weigh nothing. */
export const makeSumIndex = <Row>(
  groupOf: (row: Row) => IndexKey,
  weightOf: (row: Row) => number,
): { readonly index: SumIndex; readonly keeper: IndexKeeper<Row> } => {
  const sums = new Map<string | number, number>();
  let total = 0;

  const add = (group: string | number, weight: number): void => {
    const sum = (sums.get(group) ?? 0) + weight;
    total += weight;
    if (sum === 0) {
      sums.delete(group);
    } else {
      sums.set(group, sum);
    }
  };

  return harden({
    index: {
      of: (group: string | number) => sums.get(group) ?? 0,
      get total() {
        return total;
      },
    },
    keeper: {
      replace: (before: Row | undefined, after: Row | undefined) => {
        const oldGroup = before && groupOf(before);
        const newGroup = after && groupOf(after);
        const taken = before && oldGroup !== undefined ? weightOf(before) : 0;
        const given = after && newGroup !== undefined ? weightOf(after) : 0;
        if (oldGroup === newGroup && taken === given) {
          return;
        }
        if (oldGroup !== undefined) {
          add(oldGroup, -taken);
        }
        if (newGroup !== undefined) {
          add(newGroup, given);
        }
      },
    },
  });
};
harden(makeSumIndex);
