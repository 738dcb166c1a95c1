import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeVatId, type StoreChange } from '@cooperage/protocol';
import { openMemoryKernelDb, openMemoryVatStores } from '../adapters/memory.ts';
import { makeFileImages, openNodeStorage } from '../adapters/sqlite-wasm.ts';
import type { VatStores } from '../ports.ts';
import { makeState } from '../store/state.ts';
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
