import harden from '@endo/harden';
import {
  decodeRows,
  makeVatId,
  type StoreChange,
  type VatId,
} from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import type { VatStores } from '../ports.ts';

export type VatStoresUnderTest = {
  readonly stores: VatStores;
  /** Opens what was synced, as after a crash: `stores` is not used again. */
  reopen(): Promise<VatStoresUnderTest>;
  dispose(): Promise<void> | void;
  /** Spoils what is stored of that vat; `stores` is not used again. */
  damage(vat: VatId): void;
};

const ONE = makeVatId(1);
const read = (stores: VatStores, vat: VatId) => {
  const { image, fold } = stores.read(vat);
  return { rows: decodeRows(image), fold };
};
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
        expect(read(stores, ONE)).toEqual({ rows: [], fold: 0 });
        expect(stores.list()).toEqual([]);
        expect(stores.size(ONE)).toBe(0);
        stores.delete(ONE);
      }));

    it('gives rows in the byte order of their keys, with empty keys and values, also after a restart', () =>
      withStores(async under => {
        const changes = KEYS.map((key): StoreChange => [key, `${key}=`]);
        under.stores.fold(ONE, 1, [...changes, ['empty', '']]);
        const wanted = {
          fold: 1,
          rows: [...changes, ['empty', '']].toSorted(([left], [right]) =>
            byBytes(String(left), String(right)),
          ),
        };
        expect(read(under.stores, ONE)).toEqual(wanted);
        const later = await under.reopen();
        expect(later.stores.list()).toEqual([ONE]);
        expect(read(later.stores, ONE)).toEqual(wanted);
        await later.dispose();
      }));

    it('measures the keys and values that are there, of all rows or of some, and nothing that went', () =>
      withStores(({ stores }) => {
        const large = 'x'.repeat(100_000);
        stores.fold(ONE, 1, [
          ['a', large],
          ['größe', '\u{1F600}'],
          ['nul\u0000inside', '\u0000'],
        ]);
        expect(stores.size(ONE)).toBe(100_001 + 7 + 4 + 10 + 1);
        expect(stores.size(ONE, ['größe', 'absent', 'größe'])).toBe(11);
        expect(stores.size(ONE, [])).toBe(0);
        stores.fold(ONE, 2, [
          ['a', null],
          ['größe', ''],
        ]);
        expect(stores.size(ONE)).toBe(7 + 10 + 1);
        expect(stores.size(makeVatId(2), ['a'])).toBe(0);
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
        expect(read(stores, ONE)).toEqual({
          fold: 2,
          rows: [
            ['a', '3'],
            ['c', '4'],
          ],
        });
      }));

    it('applies a fold with the number of the last one, and skips an older one', () =>
      withStores(({ stores }) => {
        stores.fold(ONE, 1, []);
        stores.fold(ONE, 2, [['a', '2']]);
        stores.fold(ONE, 2, [['b', 'more']]);
        stores.fold(ONE, 1, [['a', 'older']]);
        expect(read(stores, ONE)).toEqual({
          fold: 2,
          rows: [
            ['a', '2'],
            ['b', 'more'],
          ],
        });
        stores.fold(ONE, 3, []);
        expect(read(stores, ONE).fold).toBe(3);
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
          expect(read(later.stores, vat)).toEqual({
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
        under.stores.fold(ONE, 1, [['a', '1']]);
        under.stores.fold(makeVatId(2), 1, [['b', '1']]);
        under.stores.delete(ONE);
        expect(read(under.stores, ONE)).toEqual({ rows: [], fold: 0 });
        const later = await under.reopen();
        expect(later.stores.list()).toEqual([makeVatId(2)]);
        later.stores.fold(ONE, 1, [['c', '1']]);
        expect(read(later.stores, ONE)).toEqual({
          rows: [['c', '1']],
          fold: 1,
        });
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
        expect(read(stores, ONE).rows).toEqual([
          ...many,
          ['large', large],
          ['larger', large],
        ]);
      }));

    it('refuses a fold when the one before is not in the file, which is then another one', () =>
      withStores(({ stores }) => {
        stores.fold(ONE, 1, [['a', '1']]);
        const TWO = makeVatId(2);
        for (const [vat, fold] of [
          [ONE, 3],
          [TWO, 2],
        ] as const) {
          expect(() => stores.fold(vat, fold, [['b', '1']])).toThrow(
            expect.objectContaining({
              code: 'STORE_DAMAGED',
              message: expect.stringContaining(`fold ${fold - 1} is not in it`),
            }),
          );
        }
        expect(read(stores, ONE)).toEqual({ fold: 1, rows: [['a', '1']] });
      }));

    it('tells a damaged file from a storage that fails: others go on, and it can be deleted', () =>
      withStores(async under => {
        const TWO = makeVatId(2);
        for (const vat of [ONE, TWO]) {
          under.stores.fold(vat, 1, [['a', 'x'.repeat(20_000)]]);
        }
        under.damage(ONE);
        const { stores, dispose } = await under.reopen();
        for (const work of [
          () => stores.read(ONE),
          () => stores.fold(ONE, 2, [['b', '2']]),
          () => stores.size(ONE),
          () => stores.check(ONE),
        ]) {
          expect(work).toThrow(
            expect.objectContaining({
              code: 'STORE_DAMAGED',
              message: expect.stringContaining(`the store of ${ONE}`),
            }),
          );
        }
        stores.fold(TWO, 2, [['b', '2']]);
        stores.check(TWO);
        expect(read(stores, TWO).fold).toBe(2);
        stores.delete(ONE);
        expect(stores.list()).toEqual([TWO]);
        await dispose();
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
