import harden from '@endo/harden';
import type { CheckResult, VatId } from '@cooperage/protocol';
import type { Clock, Platform } from './ports.ts';
import type { State } from './store/state.ts';
import { isStoreDamaged } from './damaged-store.ts';

/**
 * Looks through all that is stored, the kernel's file and then each vat's in a
 * turn of its own. Rejects with STORAGE_FAILED when the kernel's file is damaged.
 */
export const checkStorage = async (
  { db, stores }: Pick<Platform, 'db' | 'stores'>,
  soon: Clock['soon'],
): Promise<CheckResult> => {
  db.check();
  const damaged: CheckResult['damaged'][number][] = [];
  const vats: readonly VatId[] = stores.list();
  let bytes = db.size();
  for (const vat of vats) {
    await new Promise<void>(resolve => soon(() => resolve()));
    try {
      stores.check(vat);
      bytes += stores.size(vat);
    } catch (problem) {
      if (!isStoreDamaged(problem)) {
        throw problem;
      }
      damaged.push({ vat, problem: problem.message });
    }
  }
  return { files: 1 + vats.length, bytes, damaged };
};
harden(checkStorage);

/** The same of a kernel that runs, which knows the vats' names, and which of them must have a file. */
export const makeStorageCheck =
  (state: State, platform: Pick<Platform, 'db' | 'stores' | 'clock'>) =>
  async (): Promise<CheckResult> => {
    const found = await checkStorage(platform, platform.clock.soon);
    const files = new Set(platform.stores.list());
    const gone = [...state.vats.values()]
      .filter(({ id, fold }) => fold > 0 && !files.has(id))
      .map(({ id }) => ({ vat: id, problem: `the store of ${id} is gone` }));
    const nameOf = (vat: VatId): { name?: string } => {
      const row = state.vats.get(vat);
      const owner = row && state.clusters.get(row.cluster)?.name;
      return row && owner !== undefined ? { name: `${owner}.${row.name}` } : {};
    };
    const damaged = [...found.damaged, ...gone];
    return {
      ...found,
      writers: [...state.writers.values()].map(
        ({ program, version }) => `${program} ${version}`,
      ),
      damaged: damaged.map(each => ({ ...each, ...nameOf(each.vat) })),
    };
  };
harden(makeStorageCheck);
