import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeSumIndex } from './table-sum.ts';

type Row = { readonly group: string | undefined; readonly weight: number };

const rowArbitrary = fc.option(
  fc.record({
    group: fc.constantFrom('a', 'b', undefined),
    weight: fc.integer({ min: 0, max: 9 }),
  }),
  { nil: undefined },
);

it('sums what the rows of each group weigh, however they come, change and go', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), rowArbitrary)),
      changes => {
        const rows = new Map<number, Row>();
        const { index, keeper } = makeSumIndex<Row>(
          ({ group }) => group,
          ({ weight, group }) => {
            // What is in no group is not to be weighed.
            expect(group).toBeDefined();
            return weight;
          },
        );
        for (const [id, row] of changes) {
          keeper.replace(rows.get(id), row);
          if (row) {
            rows.set(id, row);
          } else {
            rows.delete(id);
          }
          const sumOf = (wanted: string): number =>
            [...rows.values()]
              .filter(({ group }) => group === wanted)
              .reduce((sum, { weight }) => sum + weight, 0);
          expect([index.of('a'), index.of('b'), index.total]).toEqual([
            sumOf('a'),
            sumOf('b'),
            sumOf('a') + sumOf('b'),
          ]);
        }
      },
    ),
  );
});
