import harden from '@endo/harden';
import { compareKeys, type Row, type StoreChange } from '@cooperage/protocol';
import { makeKeyOrder } from './key-order.ts';

/** What a lone surrogate is in a pattern with the `u` flag. UTF-8 can't hold one. */
const ILL_FORMED = /\p{Surrogate}/u;

const insistWellFormed = (text: string, what: string): void => {
  if (ILL_FORMED.test(text)) {
    throw TypeError(
      `${what} of the store holds a lone surrogate, which UTF-8 cannot keep`,
    );
  }
};

const insistSorted = (rows: readonly Row[]): void => {
  for (const [index, row] of rows.entries()) {
    const before = rows[index - 1];
    if (before !== undefined && compareKeys(before[0], row[0]) >= 0) {
      throw RangeError(`row ${index} of the store image is out of order`);
    }
  }
};

/** Told after each change: how many keys the crank has touched, and the units of those keys and their values. */
export type ChangeNote = (changes: number, units: number) => void;

/**
 * The working image of a vat's store: an ordered map, filled once from rows in
 * key order (RangeError when they are not). A missing key is undefined; an empty
 * string is a value. `takeChanges` ends a crank with its net changes, `dropChanges`
 * by putting everything back.
 */
export const makeVatStore = (
  rows: readonly Row[],
  noteChange: ChangeNote = () => {},
) => {
  insistSorted(rows);
  const values = new Map<string, string>(rows);
  const order = makeKeyOrder(rows.map(([key]) => key));
  /** What each key that the crank touched held before it. */
  const originals = new Map<string, string | undefined>();
  let units = 0;

  const put = (key: string, value: string | undefined): void => {
    const before = values.get(key);
    if (value === undefined) {
      if (values.delete(key)) {
        order.remove(key);
      }
      return;
    }
    values.set(key, value);
    if (before === undefined) {
      order.add(key);
    }
  };

  const change = (key: string, value: string | undefined): void => {
    const before = values.get(key);
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
    get: (key: string): string | undefined => values.get(key),
    set: (key: string, value: string): void => {
      insistWellFormed(key, 'a key');
      insistWellFormed(value, `the value of ${key}`);
      change(key, value);
    },
    delete: (key: string): void => {
      if (values.has(key)) {
        change(key, undefined);
      }
    },
    getNextKey: (prior: string): string | undefined => order.next(prior),
    takeChanges: (): readonly StoreChange[] => {
      const changes: StoreChange[] = [];
      for (const [key, original] of originals) {
        const now = values.get(key);
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
    size: (): number => values.size,
  });
};
harden(makeVatStore);
export type VatStore = ReturnType<typeof makeVatStore>;
