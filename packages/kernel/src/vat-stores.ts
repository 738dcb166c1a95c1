import harden from '@endo/harden';
import { CooperageError, type VatId } from '@cooperage/protocol';
import { isStoreDamaged } from './damaged-store.ts';
import { insistRow } from './faults.ts';
import type { VatStores } from './ports.ts';
import type { VatChangeRow } from './store/vat-schema.ts';
import type { State } from './store/state.ts';
import { weighChange } from './store/weights.ts';

/** Changes that one step of folding takes at most, unless far more are too many. */
const STEP_CHANGES = 1_000;
/** What these may carry, in UTF-16 units. */
const STEP_UNITS = 1_000_000;
/** To sync a file takes as long as so many changes do. */
const CHANGES_PER_FILE = 50;

/** Changes, and what they weigh in UTF-16 units. */
export type Load = { readonly changes: number; readonly units: number };

const half = (excess: number, least: number): number =>
  Math.max(least, Math.ceil(excess / 2));

/** The first of them that weigh no more than that, and one in any case. */
const firstsWithin = (
  rows: readonly VatChangeRow[],
  units: number,
): readonly VatChangeRow[] => {
  let left = units;
  const end = rows.findIndex(row => {
    left -= weighChange(row);
    return left < 0;
  });
  return end === -1 ? rows : rows.slice(0, Math.max(1, end));
};

/**
 * The kernel's side of the vats' stores. A crank's changes are committed as
 * rows of `vat_changes` with everything else; when there is time, or there are
 * too many, they are folded into the vat's file, and the rows go with the next
 * commit. Whatever a crash leaves in both is folded once more: the rows are
 * never older than the file.
 */
export const makeStoreKeeper = (
  state: State,
  {
    stores,
    commit,
    mostUnfolded,
    onDamaged,
  }: {
    stores: VatStores;
    /** The vat's file can't be used: its changes stay where they are. Called once a vat. */
    onDamaged: (vat: VatId, problem: string) => void;
    /** What may wait to be folded while the kernel does not rest. */
    mostUnfolded: Load;
    /** Commits what is not committed yet. */
    commit: () => void;
  },
) => {
  const changes = state.changesByVat;
  const step: Load = {
    changes: Math.min(STEP_CHANGES, mostUnfolded.changes),
    units: Math.min(STEP_UNITS, mostUnfolded.units),
  };
  /** Vats whose file can't be used. */
  const damaged = new Set<VatId>();

  const vatsWithChanges = (): VatId[] =>
    changes
      .groups()
      .map(group => group as VatId)
      .filter(vat => state.vats.has(vat) && !damaged.has(vat));

  /** Of vats that have not ended, for what those have left is cleared away, and whose file can be used. */
  const unfolded = (): Load => {
    let count = state.vatChanges.size;
    let units = state.changeUnits.total;
    for (const { endpoint } of state.endings.values()) {
      count -= changes.count(endpoint);
      units -= state.changeUnits.of(endpoint);
    }
    for (const vat of damaged) {
      if (state.vats.has(vat)) {
        count -= changes.count(vat);
        units -= state.changeUnits.of(vat);
      }
    }
    return { changes: count, units };
  };

  /** Folds committed changes of a vat. */
  const foldInto = (vat: VatId, rows: readonly VatChangeRow[]): void => {
    const row = insistRow(state.vats.get(vat), `vat ${vat}`);
    const fold = row.fold + 1;
    stores.fold(
      vat,
      fold,
      rows.map(({ key, value }) => [key, value] as const),
    );
    state.store.begin();
    state.vats.put({ ...row, fold });
    for (const { key } of rows) {
      state.vatChanges.delete(vat, key);
    }
    state.store.keep();
  };

  /** The same, unless the file can't be used. */
  const tryToFold = (vat: VatId, rows: readonly VatChangeRow[]): void => {
    try {
      foldInto(vat, rows);
    } catch (problem) {
      if (!isStoreDamaged(problem)) {
        throw problem;
      }
      damaged.add(vat);
      onDamaged(vat, problem.message);
    }
  };

  return harden({
    /** Commits, then folds all changes of every vat. */
    fold: (): void => {
      commit(); // a file must not hold what a crash would take back
      vatsWithChanges().forEach(vat => tryToFold(vat, changes.values(vat)));
      commit();
    },

    /** The same of one vat; throws STORE_DAMAGED. */
    foldOne: (vat: VatId): void => {
      commit();
      if (changes.count(vat) > 0) {
        foldInto(vat, changes.values(vat));
      }
      commit();
    },

    mostUnfolded,
    /** True when more waits to be folded than that. */
    isMoreThan: (most: Load): boolean => {
      const waiting = unfolded();
      return waiting.changes > most.changes || waiting.units > most.units;
    },

    /**
     * Folds some changes when more wait than `most`, of each vat those first that
     * have waited longest. A step folds a thousand, or a million units, or half of what is too much:
     * so what waits stays within bounds, however fast vats write, and no step
     * takes much longer than the writing took. True when a vat's file was found
     * that can't be used.
     */
    foldSome: (most: Load): boolean => {
      const waiting = unfolded();
      const excess = waiting.changes - most.changes;
      const excessUnits = waiting.units - most.units;
      if (excess <= 0 && excessUnits <= 0) {
        return false;
      }
      const damagedBefore = damaged.size;
      commit();
      let budget = half(excess, step.changes);
      let units = half(excessUnits, step.units);
      for (const vat of vatsWithChanges()) {
        const rows = firstsWithin(changes.firsts(vat, budget), units);
        const before = state.changeUnits.of(vat);
        tryToFold(vat, rows);
        budget -= rows.length + CHANGES_PER_FILE;
        units -= before - state.changeUnits.of(vat);
        if (budget <= 0 || units <= 0) {
          break;
        }
      }
      commit();
      return damaged.size > damagedBefore;
    },

    /** The vat's store, packed for its worker. To be called when nothing of it waits to be folded. Throws STORE_DAMAGED. */
    pack: (vat: VatId): ArrayBuffer => {
      const { image, fold } = stores.read(vat);
      if (fold < insistRow(state.vats.get(vat), `vat ${vat}`).fold) {
        throw new CooperageError(
          'STORE_DAMAGED',
          `the store of ${vat} is gone, or an older one: what the kernel has written is not in it. Restore a backup, or terminate the vat`,
        );
      }
      return image;
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
};
harden(makeStoreKeeper);

export type StoreKeeper = ReturnType<typeof makeStoreKeeper>;
