import harden from '@endo/harden';
import type { StoreChange } from '@cooperage/protocol';
import type { VatStore } from './vat-store.ts';

/** Late changes that one crank tells: the kernel, which hears nobody meanwhile, takes some ten milliseconds for them. */
export const MOST_LATE = 3_000;

const EXPORT = 'vom.es.';

/** Not the end of an export, of which the kernel is told in the same crank. */
const mayWait = ([key, value]: StoreChange): boolean =>
  key.startsWith('vom.rc.') || (value === null && !key.startsWith(EXPORT));

/**
 * What a reap or a sweep changes in the store, of which the kernel may hear later,
 * so much in a crank: a dead collection may leave rows without end. All that goes
 * there is what no heap can ever come by again, and the sweep at the next start
 * finds it by that, as it finds the counts of references: so it makes no
 * difference if the heap is lost before they are told.
 */
export const makeLateChanges = (
  store: Pick<VatStore, 'get' | 'takeChanges' | 'dropChanges'>,
  most: number,
) => {
  const late = new Set<string>();
  /** What this crank tells besides what the store still has of it. */
  let now: StoreChange[] = [];

  return Object.freeze({
    /** What the store has of this crank until now may wait, or is told with it; but for exports whose end the kernel hears of later, with that. */
    sort: (isEnding: (base: string) => boolean = () => false): void => {
      for (const change of store.takeChanges()) {
        const [key] = change;
        if (mayWait(change)) {
          late.add(key);
        } else if (
          !key.startsWith(EXPORT) ||
          !isEnding(key.slice(EXPORT.length))
        ) {
          now.push(change);
        }
      }
    },
    hasMore: (): boolean => late.size > 0,
    /** The end of this object's exports is told with this crank; the store knows only of virtual and durable ones. */
    end: (base: string): void => {
      if (/^o\+[dv]/.test(base)) {
        now.push([EXPORT + base, null]);
      }
    },
    /** Some of what waits is told with this crank, as it is now. */
    tell: (): void => {
      const keys: string[] = [];
      for (const key of late) {
        if (keys.length === most) {
          break;
        }
        keys.push(key);
      }
      for (const key of keys) {
        late.delete(key);
        now.push([key, store.get(key) ?? null]);
      }
    },
    /** Ends the crank with its net changes. */
    take: (): readonly StoreChange[] => {
      const changes = store.takeChanges();
      if (now.length === 0) {
        return changes;
      }
      const net = new Map([...now, ...changes]);
      now = [];
      return [...net];
    },
    /** Ends it as if it had not been, and with it the heap. */
    drop: (): void => {
      now = [];
      store.dropChanges();
    },
  });
};
harden(makeLateChanges);
