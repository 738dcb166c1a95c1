import harden from '@endo/harden';
import { makeVatId, type StoreChange } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import type { VatStores } from '../ports.ts';

export type VatStoresUnderTest = {
  readonly stores: VatStores;
  /** Opens what was synced, as after a crash: `stores` is not used again. */
  reopen(): Promise<VatStoresUnderTest>;
  dispose(): Promise<void> | void;
};

const ONE = makeVatId(1);
const KEYS = [
  '',
  'a',
  'a.1',
  'vom.rc.o-7',
  'Z',
  '\uE000',
  '\uFFFD',
  '\uFEFFmarked',
  '\u{1F600}',
  'nul\u0000inside',
];
const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
const byBytes = (left: string, right: string): number => {
  const [a, b] = [utf8(left), utf8(right)];
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
};

/** What every home of vats' stores must do. `make` gives an empty one. */
export const runVatStoresTests = (
  name: string,
  make: () => Promise<VatStoresUnderTest>,
): void => {
  const withStores = async (
    work: (under: VatStoresUnderTest) => Promise<void> | void,
  ): Promise<void> => {
    const under = await make();
    try {
      await under.stores.reserve(12);
      await work(under);
    } finally {
      await under.dispose();
    }
  };

  describe(`vat stores: ${name}`, () => {
    it('takes a vat without a file for an empty store', () =>
      withStores(({ stores }) => {
        expect(stores.read(ONE)).toEqual({ rows: [], fold: 0 });
        expect(stores.list()).toEqual([]);
        expect(stores.size(ONE)).toBe(0);
        stores.delete(ONE);
      }));

    it('gives rows in the byte order of their keys, with empty keys and values, also after a restart', () =>
      withStores(async under => {
        const changes = KEYS.map((key): StoreChange => [key, `${key}=`]);
        under.stores.fold(ONE, 7, [...changes, ['empty', '']]);
        const wanted = {
          fold: 7,
          rows: [...changes, ['empty', '']].toSorted(([left], [right]) =>
            byBytes(String(left), String(right)),
          ),
        };
        expect(under.stores.read(ONE)).toEqual(wanted);
        const later = await under.reopen();
        expect(later.stores.list()).toEqual([ONE]);
        expect(later.stores.read(ONE)).toEqual(wanted);
        expect(later.stores.size(ONE)).toBeGreaterThan(0);
        await later.dispose();
      }));

    it('applies puts and deletes of a fold, the last of a key deciding', () =>
      withStores(({ stores }) => {
        stores.fold(ONE, 1, [
          ['a', '1'],
          ['b', '1'],
          ['c', '1'],
        ]);
        stores.fold(ONE, 2, [
          ['a', '2'],
          ['a', '3'],
          ['b', null],
          ['c', null],
          ['c', '4'],
          ['d', '1'],
          ['d', null],
          ['absent', null],
        ]);
        expect(stores.read(ONE)).toEqual({
          fold: 2,
          rows: [
            ['a', '3'],
            ['c', '4'],
          ],
        });
      }));

    it('skips a fold that is not newer than the last', () =>
      withStores(({ stores }) => {
        stores.fold(ONE, 5, [['a', '5']]);
        stores.fold(ONE, 5, [['a', 'again']]);
        stores.fold(ONE, 4, [['a', 'older']]);
        expect(stores.read(ONE)).toEqual({ fold: 5, rows: [['a', '5']] });
        stores.fold(ONE, 6, []);
        expect(stores.read(ONE).fold).toBe(6);
      }));

    it('keeps the stores of many vats apart, more than it has open', () =>
      withStores(async under => {
        const vats = Array.from({ length: 12 }, (_, index) =>
          makeVatId(index + 1),
        );
        for (const round of [1, 2]) {
          for (const vat of vats) {
            under.stores.fold(vat, round, [[`k${round}`, vat]]);
          }
        }
        const later = await under.reopen();
        expect([...later.stores.list()].sort()).toEqual([...vats].sort());
        for (const vat of vats) {
          expect(later.stores.read(vat)).toEqual({
            fold: 2,
            rows: [
              ['k1', vat],
              ['k2', vat],
            ],
          });
        }
        await later.dispose();
      }));

    it('deletes a store for good, and starts afresh under the same number', () =>
      withStores(async under => {
        under.stores.fold(ONE, 3, [['a', '1']]);
        under.stores.fold(makeVatId(2), 3, [['b', '1']]);
        under.stores.delete(ONE);
        expect(under.stores.read(ONE)).toEqual({ rows: [], fold: 0 });
        const later = await under.reopen();
        expect(later.stores.list()).toEqual([makeVatId(2)]);
        later.stores.fold(ONE, 1, [['c', '1']]);
        expect(later.stores.read(ONE)).toEqual({ rows: [['c', '1']], fold: 1 });
        await later.dispose();
      }));

    it('makes and deletes files again and again without running out of room', () =>
      withStores(async ({ stores }) => {
        for (let index = 1; index <= 40; index += 1) {
          await stores.reserve(1);
          stores.fold(makeVatId(index), 1, [['a', 'x'.repeat(100)]]);
          stores.delete(makeVatId(index));
        }
        expect(stores.list()).toEqual([]);
      }));

    it('keeps a value of a megabyte, and thousands of rows', () =>
      withStores(({ stores }) => {
        const large = '\u{1F600}x'.repeat(350_000);
        const many = Array.from({ length: 3000 }, (_, index): StoreChange => [
          `k${10_000 + index}`,
          `v${index}`,
        ]);
        stores.fold(ONE, 1, [...many, ['large', large], ['larger', large]]);
        expect(stores.read(ONE).rows).toEqual([
          ...many,
          ['large', large],
          ['larger', large],
        ]);
      }));

    it('refuses to work once it is closed', async () => {
      const { stores } = await make();
      stores.close();
      expect(() => stores.fold(ONE, 1, [['a', '1']])).toThrow(
        expect.objectContaining({ code: 'STORAGE_FAILED' }),
      );
    });
  });
};
harden(runVatStoresTests);
