import harden from '@endo/harden';
import {
  isVref,
  type Holdings,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { visitKeys, type SweptStore } from './store-grammar.ts';
import { markStore, type Marks } from './store-mark.ts';

const deleteWith = (
  store: SweptStore,
  prefix: string,
  isDead: (rest: string) => boolean,
): void => {
  visitKeys(store, prefix, key => {
    if (isDead(key.slice(prefix.length))) {
      store.delete(key);
    }
  });
};

/** The counts of what lives become those that live rows have of it. */
const rightCounts = (store: SweptStore, { counts }: Marks): void => {
  visitKeys(store, 'vom.rc.', key => {
    const count = counts.get(key.slice('vom.rc.'.length));
    if (count === undefined) {
      store.delete(key);
    } else if (store.get(key) !== String(count)) {
      store.set(key, String(count));
    }
  });
};

/** The vrefs under which the kernel can still recognize a dead durable object; a kit has two facets at least. */
const namesOf = (base: string, status: string): readonly Vref[] =>
  Array.from(status, (_, facet) =>
    status.length === 1 ? base : `${base}:${facet}`,
  )
    .filter(isVref)
    .filter((_, facet) => status[facet] === 's');

/** Ends the exports of the dead; those of non-durable objects the kernel gave up with the heap. */
const retireExports = (store: SweptStore, { live }: Marks): readonly Vref[] => {
  const retired: Vref[] = [];
  visitKeys(store, 'vom.es.', key => {
    const base = key.slice('vom.es.'.length);
    if (!live.has(base)) {
      if (base.startsWith('o+d')) {
        retired.push(...namesOf(base, store.get(key) ?? ''));
      }
      store.delete(key);
    }
  });
  return retired;
};

/** Goes from collection to collection: the rows of those that live are not looked at. */
const deleteCollections = (store: SweptStore, { collections }: Marks): void => {
  let key = store.getNextKey('vc.');
  while (key?.startsWith('vc.')) {
    const collection = key.slice('vc.'.length, key.indexOf('.', 'vc.'.length));
    if (!collections.has(collection)) {
      deleteWith(store, `vc.${collection}.`, () => true);
    }
    key = store.getNextKey(`vc.${collection}/`); // `/` comes next after `.`
  }
};

const deleteRows = (store: SweptStore, marks: Marks): void => {
  const { live, collections, kinds, deadEntries } = marks;
  for (const { collection, key, row } of deadEntries) {
    store.delete(row);
    store.delete(`vc.${collection}.|${key}`);
    store.delete(`vom.ir.${key}|${collection}`);
  }
  deleteWith(
    store,
    'vom.ir.',
    rest => !collections.has(rest.slice(rest.indexOf('|') + 1)),
  );
  deleteWith(store, 'vom.o+', rest => !live.has(`o+${rest}`));
  deleteWith(
    store,
    'vom.dkind.',
    rest => !kinds.has(rest.slice(0, rest.indexOf('.'))),
  );
  deleteWith(store, 'vom.vkind.', () => true);
  deleteCollections(store, marks);
};

/** The imports that weak collections have as keys. */
const readRecognized = (store: SweptStore): ReadonlySet<string> => {
  const recognized = new Set<string>();
  const prefix = 'vom.ir.';
  visitKeys(store, `${prefix}o-`, key => {
    recognized.add(key.slice(prefix.length, key.indexOf('|')));
  });
  return recognized;
};

/** Those that no durable watcher waits for. */
const findUnwatched = (
  store: SweptStore,
  promises: readonly Vref[],
): readonly Vref[] => {
  const table = store.get('watchedPromiseTableID') ?? '';
  const prefix = `vc.${table.slice(table.indexOf('/') + 1)}.s`;
  return promises.filter(vref => store.get(prefix + vref) === undefined);
};

type GcSyscall = Extract<Syscall, readonly [string, readonly Vref[]]>;

/**
 * Frees the store of all that only a dead heap held, before a new one starts:
 * liveslots would never drop it. Rows of non-durable kinds and collections go,
 * and durable objects that nothing leads to, cycles of them too. `held` is what
 * the vat's c-list has from earlier incarnations; what the syscalls say is to be
 * applied in the same crank as the changes of the store.
 */
export const sweepStore = (
  store: SweptStore,
  held: Holdings,
): readonly GcSyscall[] => {
  const marks = markStore(store);
  const exportsToRetire = retireExports(store, marks);
  rightCounts(store, marks);
  deleteRows(store, marks);
  const dropped = held.reachable.filter(vref => !marks.counts.has(vref));
  const recognized = readRecognized(store);
  const retired = [...dropped, ...held.recognizable].filter(
    vref => !recognized.has(vref),
  );
  return [
    ['dropImports', dropped],
    ['retireImports', retired],
    ['retireExports', exportsToRetire],
    ['forgetPromises', findUnwatched(store, held.promises)],
  ];
};
harden(sweepStore);
