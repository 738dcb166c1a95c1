import harden from '@endo/harden';
import type { PackedRows, StoreChange } from '@cooperage/protocol';
import { lowerBound, makeKeyOrder } from './key-order.ts';

/** What a lone surrogate is in a pattern with the `u` flag. UTF-8 can't hold one. */
const ILL_FORMED = /\p{Surrogate}/u;

const insistWellFormed = (text: string, what: string): void => {
  if (ILL_FORMED.test(text)) {
    throw TypeError(
      `${what} of the store holds a lone surrogate, which UTF-8 cannot keep`,
    );
  }
};

/**
 * What the store held when it was opened. Keys are found by search; a key that
 * is asked for right after the one before it, as an iteration does, at once.
 */
const makeOpened = ({ lastKeys, keysOf, valueAt, mayHold }: PackedRows) => {
  const decoded: string[][] = [];
  const keysIn = (block: number): readonly string[] =>
    block < lastKeys.length ? (decoded[block] ??= keysOf(block)) : [];
  const blockFor = (key: string): number =>
    lowerBound(lastKeys.length, index => lastKeys[index] ?? '', key);
  let lastBlock = 0;
  let lastPlace = 0;
  /** Whether a block may hold a text: asked again for each row of one that does. */
  const holding = new Map<string, boolean[]>();
  const isWithout = (text: string, block: number): boolean => {
    const known = holding.get(text) ?? [];
    holding.set(text, known);
    return !(known[block] ??= mayHold(block, text));
  };

  /** Goes to the key; false when it is not there. */
  const find = (key: string): boolean => {
    if (decoded[lastBlock]?.[lastPlace + 1] === key) {
      lastPlace += 1;
      return true;
    }
    const block = blockFor(key);
    const keys = keysIn(block);
    const place = lowerBound(keys.length, index => keys[index] ?? '', key);
    if (keys[place] !== key) {
      return false;
    }
    lastBlock = block;
    lastPlace = place;
    return true;
  };

  return {
    keysIn,
    get: (key: string): string | undefined =>
      find(key) ? valueAt(lastBlock, lastPlace) : undefined,
    lastWithout: (
      text: string,
      { key, prefix }: { key: string; prefix: string },
    ): string => {
      let last = key;
      for (let block = blockFor(key); block < lastKeys.length; block += 1) {
        const end = lastKeys[block] ?? '';
        if (!end.startsWith(prefix) || !isWithout(text, block)) {
          break;
        }
        last = end;
      }
      return last;
    },
  };
};

/** Told after each change: how many keys the crank has touched, and the units of those keys and their values. */
export type ChangeNote = (changes: number, units: number) => void;

/**
 * The working image of a vat's store: an ordered map over packed rows, which
 * it trusts to be in key order. A missing key is undefined; an empty string is
 * a value. `takeChanges` ends a crank with its net changes, `dropChanges`
 * by putting everything back.
 */
export const makeVatStore = (
  image: PackedRows,
  noteChange: ChangeNote = () => {},
) => {
  const opened = makeOpened(image);
  const order = makeKeyOrder({
    lastKeys: image.lastKeys,
    // The same strings, in a list that may change.
    keysOf: block => [...opened.keysIn(block)],
  });
  /** What differs from the opened rows, undefined for a row that is gone. */
  const changed = new Map<string, string | undefined>();
  let size = image.count;
  /** What each key that the crank touched held before it. */
  const originals = new Map<string, string | undefined>();
  let units = 0;

  const get = (key: string): string | undefined => {
    const value = changed.get(key);
    return value !== undefined || changed.has(key) ? value : opened.get(key);
  };

  const remove = (key: string): void => {
    if (opened.get(key) === undefined) {
      changed.delete(key);
    } else {
      changed.set(key, undefined);
    }
    order.remove(key);
    size -= 1;
  };

  const put = (key: string, value: string | undefined): void => {
    const isThere = get(key) !== undefined;
    if (value !== undefined) {
      changed.set(key, value);
      if (!isThere) {
        order.add(key);
        size += 1;
      }
    } else if (isThere) {
      remove(key);
    }
  };

  const change = (key: string, value: string | undefined): void => {
    const before = get(key);
    if (originals.has(key)) {
      units -= before?.length ?? 0;
    } else {
      originals.set(key, before);
      units += key.length;
    }
    units += value?.length ?? 0;
    put(key, value);
    noteChange(originals.size, units);
  };

  const forget = (): void => {
    originals.clear();
    units = 0;
  };

  return Object.freeze({
    get,
    set: (key: string, value: string): void => {
      insistWellFormed(key, 'a key');
      insistWellFormed(value, `the value of ${key}`);
      change(key, value);
    },
    delete: (key: string): void => {
      if (get(key) !== undefined) {
        change(key, undefined);
      }
    },
    getNextKey: (prior: string): string | undefined => order.next(prior),
    /**
     * The last key of a run that begins with this key: all of its keys have the
     * prefix, as this one has, and no value after this one's has the text in it.
     * The run may go on: it is what can be told without looking at each row.
     */
    lastWithout: (
      text: string,
      run: { key: string; prefix: string },
    ): string => (changed.size === 0 ? opened.lastWithout(text, run) : run.key),
    takeChanges: (): readonly StoreChange[] => {
      const changes: StoreChange[] = [];
      for (const [key, original] of originals) {
        const now = get(key);
        if (now !== original) {
          changes.push([key, now ?? null]);
        }
      }
      forget();
      return changes;
    },
    dropChanges: (): void => {
      for (const [key, original] of originals) {
        put(key, original);
      }
      forget();
    },
    size: (): number => size,
  });
};
harden(makeVatStore);
export type VatStore = ReturnType<typeof makeVatStore>;
