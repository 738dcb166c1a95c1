import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeVatId, type StoreChange } from '@cooperage/protocol';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
} from '../adapters/memory.ts';
import { makeFileImages, openNodeStorage } from '../adapters/sqlite-wasm.ts';
import type { VatStores } from '../ports.ts';
import { makeState } from '../store/state.ts';
import { vatRowOf } from '../testing/vat-row.ts';
import { makeStoreBounds } from './store-bounds.ts';

const VAT = makeVatId(1);
const utf8 = (text: string): number => new TextEncoder().encode(text).length;

/** A store with a share, what it must hold, and how much was measured. */
const makeStore = (stores: VatStores, share: number) => {
  const state = makeState(openMemoryKernelDb());
  const rows = new Map<string, string>();
  let scans = 0;
  const startBounds = () =>
    makeStoreBounds(state, {
      stores: {
        size: (vat, keys) => {
          scans += keys === undefined ? 1 : 0;
          return stores.size(vat, keys);
        },
      },
      usual: share,
    });
  let bounds = startBounds();
  const vat = { id: VAT, storeBytes: share };
  const sizeOf = (some: ReadonlyMap<string, string>): number =>
    [...some].reduce((sum, row) => sum + utf8(row[0]) + utf8(row[1]), 0);
  let fold = 0;
  return {
    scans: () => scans,
    restart: () => {
      bounds = startBounds();
    },
    /** What is stored has so many bytes, and so many are counted. */
    bytes: () => [sizeOf(rows), bounds.bytesOf(vat)],
    /** True when the changes fit, which are then applied unless the crank comes to nothing. */
    write: (changes: readonly StoreChange[], isApplied = true) => {
      const wanted = new Map(rows);
      for (const [key, value] of changes) {
        if (value === null) {
          wanted.delete(key);
        } else {
          wanted.set(key, value);
        }
      }
      const after = sizeOf(wanted);
      const expected = after <= share || after <= sizeOf(rows);
      const fits = bounds.problemOf(vat, changes) === undefined;
      if (!isApplied) {
        bounds.forget(VAT);
        bounds.taken(VAT); // of nothing
      }
      if (fits && isApplied) {
        state.store.begin();
        changes.forEach(([key, value]) =>
          state.vatChanges.put({ vat: VAT, key, value }),
        );
        state.store.keep();
        bounds.taken(VAT);
        rows.clear();
        wanted.forEach((value, key) => rows.set(key, value));
      }
      return { fits, expected };
    },
    fold: () => {
      fold += 1;
      const changes = state.changesByVat.values(VAT);
      stores.fold(
        VAT,
        fold,
        changes.map(({ key, value }): StoreChange => [key, value]),
      );
      state.store.begin();
      changes.forEach(({ key }) => state.vatChanges.delete(VAT, key));
      state.store.keep();
    },
  };
};

describe.each([
  ['memory', async () => openMemoryVatStores()],
  ['SQLite', async () => (await openNodeStorage(makeFileImages())).stores],
])('the share of a store: %s', (_name, open) => {
  it('is not used up by a value that is written again and again', async () => {
    const { write, fold, bytes, scans } = makeStore(await open(), 100_000);
    for (let nth = 0; nth < 30; nth += 1) {
      const value = `${nth % 10}`.repeat(60_000);
      expect(write([['big', value]]).fits).toBe(true);
      expect(write([['small', value.slice(0, 30_000)]]).fits).toBe(true);
      expect(write([['other', value.slice(0, 20_000)]]).fits).toBe(false);
      if (nth % 4 === 3) {
        fold();
      }
    }
    expect(bytes()).toEqual([90_008, 90_008]);
    expect(scans()).toBeLessThan(5);
  });

  it('is not looked through again and again when it is more than half full', async () => {
    const { write, fold, scans } = makeStore(await open(), 100_000);
    expect(write([['big', 'x'.repeat(60_000)]]).fits).toBe(true);
    fold();
    for (let nth = 0; nth < 200; nth += 1) {
      expect(write([['small', `${nth % 10}`.repeat(9_000)]]).fits).toBe(true);
    }
    expect(scans()).toBeLessThan(5);
  });

  it('has room again for what was deleted', async () => {
    const { write, fold, bytes } = makeStore(await open(), 100_000);
    for (let nth = 0; nth < 10; nth += 1) {
      const key = `key${nth}`;
      expect(write([[key, 'x'.repeat(90_000)]]).fits).toBe(true);
      fold();
      expect(write([[key, null]]).fits).toBe(true);
      fold();
    }
    expect(bytes()).toEqual([0, 0]);
  });

  it('counts just what is there, whatever was written, deleted, folded, or came to nothing', async () => {
    const key = fc.constantFrom('a', 'b', 'ä', 'long key');
    const value = fc.option(
      fc.nat(60).map(length => 'é'.repeat(length)),
      { freq: 4 },
    );
    const step = fc.oneof(
      fc.record({
        changes: fc.array(fc.tuple(key, value), { maxLength: 3 }),
        isApplied: fc.boolean(),
      }),
      fc.constantFrom('fold' as const, 'restart' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
        const stores = await open();
        const store = makeStore(stores, 200);
        for (const each of steps) {
          if (each === 'fold' || each === 'restart') {
            store[each]();
          } else {
            const { fits, expected } = store.write(
              each.changes,
              each.isApplied,
            );
            expect(fits).toBe(expected);
          }
        }
        const [stored, counted] = store.bytes();
        expect(counted).toBe(stored);
        stores.close();
      }),
      { numRuns: 100, seed: 5 },
    );
  });
});

/** Stores of that content, and how often one was looked through. */
const setScene = (
  rows: Readonly<Record<string, string>> = {},
  usual = Infinity,
) => {
  const state = makeState(openMemoryKernelDb());
  const image = makeMemoryImage();
  const stores = openMemoryVatStores(image);
  stores.fold(VAT, 1, Object.entries(rows));
  let scans = 0;
  const bounds = makeStoreBounds(state, {
    stores: {
      size: (vat, keys) => {
        scans += keys === undefined ? 1 : 0;
        return stores.size(vat, keys);
      },
    },
    usual,
  });
  return { state, image, stores, bounds, scans: () => scans };
};

describe('a store', () => {
  const OWN = { id: VAT, storeBytes: 100 };

  it('may be as large as its share, and beyond it nothing makes it larger', () => {
    const { bounds } = setScene({ a: 'x'.repeat(149) });
    const writes = (bytes: number) =>
      bounds.problemOf(OWN, [['a', 'y'.repeat(bytes - 1)]]);
    expect([99, 100, 101, 149, 150].map(writes)).toEqual(
      Array.from({ length: 5 }),
    );
    expect(writes(151)).toBe(
      'its store would have 151 bytes, more than its share of 100',
    );
    const empty = setScene().bounds;
    expect(empty.problemOf(OWN, [['a', 'x'.repeat(99)]])).toBe(undefined);
    expect(empty.problemOf(OWN, [['a', 'x'.repeat(100)]])).toBe(
      'its store would have 101 bytes, more than its share of 100',
    );
  });

  it('is looked through once to tell its bytes, and not counted beyond its file when its vat has no bound of its own', () => {
    const { state, bounds, scans } = setScene({ a: 'file' });
    state.store.begin();
    state.vatChanges.put({ vat: VAT, key: 'b', value: 'waits' });
    state.store.keep();
    expect([bounds.bytesOf(OWN), bounds.bytesOf(OWN)]).toEqual([11, 11]);
    expect(scans()).toBe(1);
    expect(bounds.bytesOf({ id: VAT, storeBytes: null })).toBe(5);
  });

  it('that can’t be used takes no changes, and is in the way of nothing else', () => {
    const { image, stores, bounds } = setScene();
    image.vats.set(VAT, { fold: 1, rows: new Map(), damage: 'torn' });
    expect(bounds.problemOf(OWN, [])).toBe(undefined);
    expect(bounds.problemOf(OWN, [['a', 'x']])).toBe(
      `can't measure the store of ${VAT}: torn`,
    );
    stores.close();
    expect(() => bounds.problemOf(OWN, [['a', 'x']])).toThrow(
      'the stores are closed',
    );
  });

  it('has a size that is kept for as long as its vat lives, and no longer once there are many such', () => {
    const { state, bounds, scans } = setScene();
    const living = [1, 2, 3];
    state.store.begin();
    for (const nth of living) {
      state.vats.put(vatRowOf(makeVatId(nth)));
    }
    state.store.keep();
    const scansFor = (nth: number): number => {
      const before = scans();
      bounds.bytesOf({ id: makeVatId(nth), storeBytes: 100 });
      return scans() - before;
    };
    for (let nth = 1; nth <= 107; nth += 1) {
      expect(scansFor(nth)).toBe(1);
    }
    expect([1, 2, 3, 4, 107].map(scansFor)).toEqual([0, 0, 0, 0, 0]);
    expect(scansFor(108)).toBe(1);
    expect([1, 2, 3, 108, 4, 107].map(scansFor)).toEqual([0, 0, 0, 0, 1, 1]);
  });
});
