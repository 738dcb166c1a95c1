import harden from '@endo/harden';
import {
  compareKeys,
  encodeRows,
  type Row,
  type VatId,
} from '@cooperage/protocol';
import { insistRow } from './faults.ts';
import type { VatStores } from './ports.ts';
import type { State } from './store/state.ts';

/**
 * The kernel's side of the vats' stores. A crank's changes are committed as
 * rows of `vat_changes` with everything else; when there is time they are
 * folded into the vat's file, and the rows go with the next commit.
 */
export const makeStoreKeeper = (
  state: State,
  {
    stores,
    commit,
  }: {
    stores: VatStores;
    /** Commits what is not committed yet. */
    commit: () => void;
  },
) => ({
  /** Commits, then folds the changes of every vat, or of one. */
  fold: (only?: VatId): void => {
    commit(); // a file must not hold what a crash would take back
    const vats =
      only === undefined
        ? state.changesByVat.groups().map(group => group as VatId)
        : [only].filter(vat => state.changesByVat.count(vat) > 0);
    if (vats.length === 0) {
      return;
    }
    const folded = vats.map(vat => {
      const row = insistRow(state.vats.get(vat), `vat ${vat}`);
      const changes = state.changesByVat.values(vat);
      stores.fold(
        vat,
        row.fold + 1,
        changes.map(({ key, value }) => [key, value] as const),
      );
      return { vat, row, changes };
    });
    state.store.begin();
    for (const { vat, row, changes } of folded) {
      state.vats.put({ ...row, fold: row.fold + 1 });
      for (const { key } of changes) {
        state.vatChanges.delete(vat, key);
      }
    }
    state.store.keep();
    commit();
  },

  /** The vat's store, packed for its worker. To be called when nothing of it waits to be folded. */
  pack: (vat: VatId): ArrayBuffer => {
    const rows: Row[] = [...stores.read(vat).rows];
    rows.sort(([left], [right]) => compareKeys(left, right));
    return encodeRows(rows);
  },

  /** Deletes files whose vat is not in the tables. */
  deleteStrays: (): void => {
    for (const vat of stores.list()) {
      if (!state.vats.has(vat)) {
        stores.delete(vat);
      }
    }
  },
});
harden(makeStoreKeeper);

export type StoreKeeper = ReturnType<typeof makeStoreKeeper>;
