import { encodeRows, openRows } from '@cooperage/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { visitReferring } from './store-grammar.ts';
import { makeVatStore } from './vat-store.ts';

const data = (slots: readonly string[]): string =>
  JSON.stringify({ body: '#"slots: []"', slots });

it('a visit of a collection comes to each row with a reference and each with an object for a key, and to few others', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1_999), { maxLength: 5 }),
      fc.array(fc.nat(99), { maxLength: 3 }),
      (holding, objects) => {
        const entries = Array.from({ length: 2_000 }, (_, row) => [
          `vc.7.s${10_000 + row}`,
          data(holding.includes(row) ? ['o-5'] : []),
        ]);
        const rows = [
          ['vc.6.sother', data(['o-1'])],
          ['vc.7.r0000000001:o-9', data([])],
          ...entries,
          ['vc.7.|entryCount', '2001'],
          ...objects.map(object => [`vc.7.|o-${object}`, '1']),
          ['vc.8.sother', data(['o-2'])],
        ].map(([key = '', value = '']) => [key, value] as const);
        const sorted = [...new Map(rows)].sort(([a], [b]) => (a < b ? -1 : 1));
        const visited: string[] = [];
        visitReferring(
          makeVatStore(openRows(encodeRows(sorted))),
          'vc.7.',
          key => visited.push(key),
        );
        const wanted = sorted
          .filter(([key]) => key.startsWith('vc.7.'))
          .filter(
            ([key, value]) =>
              !key.startsWith('vc.7.s') || value.includes('o-5'),
          );
        expect(visited).toEqual(
          expect.arrayContaining(wanted.map(([key]) => key)),
        );
        expect(new Set(visited).size).toBe(visited.length);
        const blocks = 2 + 2 * holding.length;
        expect(visited.length).toBeLessThan(wanted.length + 256 * blocks);
      },
    ),
    { numRuns: 50 },
  );
});
