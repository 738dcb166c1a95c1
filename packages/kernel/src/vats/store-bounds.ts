import harden from '@endo/harden';
import type { StoreChange, VatId } from '@cooperage/protocol';
import { bytesOf } from '../adapters/columns.ts';
import type { VatStores } from '../ports.ts';
import type { VatRow } from '../store/vat-schema.ts';
import type { State } from '../store/state.ts';
import { bytesUnlessDamaged, isStoreDamaged } from '../damaged-store.ts';

const bytesOfRow = (key: string, value: string | null): number =>
  value === null ? 0 : bytesOf(key) + bytesOf(value);

/** Bytes that changes add at most: as if they replaced nothing and deleted nothing. */
const bytesAddedBy = (changes: readonly StoreChange[]): number =>
  changes.reduce((sum, [key, value]) => sum + bytesOfRow(key, value), 0);

const describeExcess = (bytes: number, share: number): string =>
  `its store would have ${bytes} bytes, more than its share of ${share}`;

/**
 * Bytes of the keys and values of a store, what is not folded yet included. More
 * than there are, unless it is exact: while there is room, what changes replace
 * and delete is not looked up.
 */
type Size = { readonly bytes: number; readonly isExact: boolean };

/** Bounds of vats' stores. */
export const makeStoreBounds = (
  state: State,
  {
    stores,
    usual,
  }: {
    stores: Pick<VatStores, 'size'>;
    /** Bytes that a store may have whose vat has no bound of its own. */
    usual: number;
  },
) => {
  const sizes = new Map<VatId, Size>();
  /** What becomes of a size when the changes that were looked at last are taken. */
  const next = new Map<VatId, Size>();

  const forgetStrays = (): void => {
    if (sizes.size > 2 * state.vats.size + 100) {
      for (const vat of sizes.keys()) {
        if (!state.vats.has(vat)) {
          sizes.delete(vat);
        }
      }
    }
  };

  const measure = (vat: VatId): Size => {
    const waiting = state.changesByVat.values(vat);
    const replaced = waiting.map(({ key }) => key);
    const bytes = waiting.reduce(
      (sum, { key, value }) => sum + bytesOfRow(key, value),
      stores.size(vat) - stores.size(vat, replaced),
    );
    const size = { bytes, isExact: true };
    forgetStrays();
    sizes.set(vat, size);
    return size;
  };

  /** By how much the changes make the store larger, or, below zero, smaller. */
  const growthBy = (vat: VatId, changes: readonly StoreChange[]): number => {
    let growth = 0;
    const folded: string[] = [];
    for (const [key, value] of new Map(changes)) {
      growth += bytesOfRow(key, value);
      const waiting = state.vatChanges.get(vat, key);
      if (waiting) {
        growth -= bytesOfRow(key, waiting.value);
      } else {
        folded.push(key);
      }
    }
    return growth - stores.size(vat, folded);
  };

  /** Of a store that is more than half full the exact size is kept, so that it need not be measured again and again. */
  const sizeAfter = (
    vat: VatId,
    changes: readonly StoreChange[],
    share: number,
  ): Size => {
    const size = sizes.get(vat) ?? measure(vat);
    const most = size.bytes + bytesAddedBy(changes);
    if (most <= (size.isExact ? share / 2 : share)) {
      return { bytes: most, isExact: false };
    }
    const { bytes } = size.isExact ? size : measure(vat);
    return { bytes: bytes + growthBy(vat, changes), isExact: true };
  };

  return harden({
    /** Bytes of the keys and values in its store, none if that can't be used; of a vat without a bound of its own as of the last fold. */
    bytesOf: ({ id, storeBytes }: Pick<VatRow, 'id' | 'storeBytes'>): number =>
      bytesUnlessDamaged(() => {
        if (storeBytes === null) {
          return stores.size(id);
        }
        const size = sizes.get(id);
        return (size?.isExact ? size : measure(id)).bytes;
      }),
    /** Why the store can't take the changes, if it can't. To be called outside of a crank; `taken` follows if they are applied. */
    problemOf: (
      { id, storeBytes }: Pick<VatRow, 'id' | 'storeBytes'>,
      changes: readonly StoreChange[],
    ): string | undefined => {
      next.delete(id);
      if (changes.length === 0) {
        return undefined;
      }
      const share = storeBytes ?? usual;
      let after: Size;
      try {
        after = sizeAfter(id, changes, share);
      } catch (problem) {
        if (!isStoreDamaged(problem)) {
          throw problem;
        }
        return problem.message;
      }
      const before = sizes.get(id)?.bytes ?? 0;
      if (after.bytes > share && after.bytes > before) {
        return describeExcess(after.bytes, share);
      }
      next.set(id, after);
      return undefined;
    },
    /** The changes of which `problemOf` was asked last come to nothing. */
    forget: (vat: VatId): void => {
      next.delete(vat);
    },
    /** The changes of which `problemOf` was asked last were applied. */
    taken: (vat: VatId): void => {
      const size = next.get(vat);
      if (size) {
        sizes.set(vat, size);
        next.delete(vat);
      }
    },
  });
};
harden(makeStoreBounds);

export type StoreBounds = ReturnType<typeof makeStoreBounds>;
