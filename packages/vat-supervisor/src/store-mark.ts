import harden from '@endo/harden';
import {
  baseOf,
  visitKeys,
  visitReferring,
  readKinds,
  slotsOf,
  slotsOfKind,
  slotsOfState,
  type SweptStore,
} from './store-grammar.ts';

/** An entry of a weak collection that lives only if its key does. */
type WeakEntry = {
  readonly collection: string;
  /** As the entry's own row names it, with its facet. */
  readonly key: string;
  readonly row: string;
};

/** What a fresh heap can come by, through the store or from the kernel. */
export type Marks = {
  /** Bases of durable objects and collections. */
  readonly live: ReadonlySet<string>;
  /** Numbers of the durable collections that live. */
  readonly collections: ReadonlySet<string>;
  /** Durable kinds that have a handle or an instance that lives. */
  readonly kinds: ReadonlySet<string>;
  /** By base, also of imports: how many references live rows have to it. */
  readonly counts: ReadonlyMap<string, number>;
  /** Entries of live weak collections whose keys are dead. */
  readonly deadEntries: readonly WeakEntry[];
};

const DURABLE = /^o\+d(\d+)\/(\d+)$/;
const ENTRY_OF_OBJECT = /^r\d+:(.*)$/;
const ROOTS = ['baggageID', 'watcherTableID', 'watchedPromiseTableID'] as const;

/**
 * Marks from the collections that live for ever and from what the kernel can
 * reach. Imports always live, as keys of weak collections too: the kernel may
 * send one again. An entry of a weak collection counts once its key lives.
 */
export const markStore = (store: SweptStore): Marks => {
  const kindsOf = readKinds(store);
  const live = new Set<string>();
  const collections = new Set<string>();
  const kinds = new Set<string>();
  const counts = new Map<string, number>();
  /** By the base of the key that does not live yet. */
  const waiting = new Map<string, WeakEntry[]>();
  const queue: string[] = [];

  const revive = (base: string): void => {
    if (base.startsWith('o+d') && !live.has(base)) {
      live.add(base);
      queue.push(base);
    }
  };
  const refer = (vref: string): void => {
    const base = baseOf(vref);
    counts.set(base, (counts.get(base) ?? 0) + 1);
    revive(base);
  };
  const referFrom = (row: string): void =>
    slotsOf(store.get(row) ?? '').forEach(refer);

  const markKind = (kind: string): void => {
    if (!kinds.has(kind)) {
      kinds.add(kind);
      const descriptor = store.get(`vom.dkind.${kind}.descriptor`) ?? '';
      slotsOfKind(descriptor).forEach(refer);
    }
  };

  const visitWeakly = (entry: WeakEntry): void => {
    const base = baseOf(entry.key);
    if (entry.key.startsWith('o-') || live.has(base)) {
      referFrom(entry.row);
      return;
    }
    const others = waiting.get(base);
    if (others) {
      others.push(entry);
    } else {
      waiting.set(base, [entry]);
    }
  };

  const visitCollection = (collection: string, isWeak: boolean): void => {
    collections.add(collection);
    const prefix = `vc.${collection}.`;
    visitReferring(store, prefix, row => {
      const name = row.slice(prefix.length);
      const key = name.startsWith('r')
        ? ENTRY_OF_OBJECT.exec(name)?.[1]
        : undefined;
      if (key !== undefined && isWeak) {
        visitWeakly({ collection, key, row });
      } else if (!name.startsWith('|') || name === '|schemata') {
        referFrom(row);
        if (key !== undefined) {
          refer(key);
        }
      }
    });
  };

  const visit = (base: string): void => {
    const [, kind = '', number = ''] = DURABLE.exec(base) ?? [];
    const isWeak = kindsOf.isWeak(kind);
    if (kind === kindsOf.handles) {
      markKind(number);
    } else if (isWeak !== undefined) {
      visitCollection(number, isWeak);
    } else {
      markKind(kind);
      slotsOfState(store.get(`vom.${base}`) ?? '').forEach(refer);
    }
    waiting.get(base)?.forEach(({ row }) => referFrom(row));
    waiting.delete(base);
  };

  for (const root of ROOTS) {
    const base = store.get(root);
    if (base !== undefined) {
      refer(base);
    }
  }
  visitKeys(store, 'vom.es.o+d', key => {
    if (store.get(key)?.includes('r')) {
      revive(key.slice('vom.es.'.length));
    }
  });
  for (let base = queue.pop(); base !== undefined; base = queue.pop()) {
    visit(base);
  }
  return harden({
    live,
    collections,
    kinds,
    counts,
    deadEntries: [...waiting.values()].flat(),
  });
};
harden(markStore);
