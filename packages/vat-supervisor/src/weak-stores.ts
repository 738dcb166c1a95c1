import harden from '@endo/harden';
import { X, q, makeError } from '@endo/errors';
import { Far } from '@endo/far';
import type { Passable } from '@endo/pass-style';
import { assertScalarKey, mustMatch, type Pattern } from '@endo/patterns';
import type { InescapableGlobals } from './liveslots.ts';

type Key = Passable & WeakKey;
type StoreOptions = {
  readonly keyShape?: Pattern;
  readonly valueShape?: Pattern;
};

const checkShape = (
  specimen: Passable,
  shape: Pattern | undefined,
  label: string,
): void => {
  if (shape !== undefined) {
    mustMatch(specimen, shape, label);
  }
};

const insistObject = (key: Passable, label: string): Key => {
  assertScalarKey(key);
  if (typeof key !== 'object' || key === null) {
    throw makeError(X`only a remotable can be a key of ${q(label)}`);
  }
  return key;
};

/**
 * Weak stores on the heap, over the vat's own `WeakMap` and `WeakSet`: a
 * representative of a virtual object, or a presence, is recognized by its vref,
 * so an entry outlives the collection of the JavaScript object.
 */
export const makeWeakStores = ({ WeakMap, WeakSet }: InescapableGlobals) => {
  const makeScalarWeakMapStore = (
    tag = 'key',
    { keyShape, valueShape }: StoreOptions = {},
  ): object => {
    const label = `scalarWeakMapStore:${tag}`;
    const map = new WeakMap<WeakKey, unknown>();
    const insistPresent = (key: Passable): Key => {
      const object = insistObject(key, label);
      if (!map.has(object)) {
        throw makeError(X`key ${key} not found in collection ${q(label)}`);
      }
      return object;
    };
    const put = (key: Key, value: Passable): void => {
      harden(value);
      checkShape(key, keyShape, label);
      checkShape(value, valueShape, label);
      map.set(key, value);
    };
    return Far(label, {
      has: (key: WeakKey) => map.has(key),
      get: (key: Passable) => map.get(insistPresent(key)),
      init: (key: Passable, value: Passable) => {
        const object = insistObject(key, label);
        if (map.has(object)) {
          throw makeError(
            X`key ${key} already registered in collection ${q(label)}`,
          );
        }
        put(object, value);
      },
      set: (key: Passable, value: Passable) => put(insistPresent(key), value),
      delete: (key: Passable) => void map.delete(insistPresent(key)),
      addAll: (entries: Iterable<[Passable, Passable]>) => {
        for (const [key, value] of entries) {
          put(insistObject(key, label), value);
        }
      },
    });
  };

  const makeScalarWeakSetStore = (
    tag = 'key',
    { keyShape }: StoreOptions = {},
  ): object => {
    const label = `scalarWeakSetStore:${tag}`;
    const set = new WeakSet<WeakKey>();
    const add = (key: Passable): void => {
      const object = insistObject(key, label);
      checkShape(object, keyShape, label);
      set.add(object);
    };
    return Far(label, {
      has: (key: WeakKey) => set.has(key),
      add,
      delete: (key: Passable) => {
        const object = insistObject(key, label);
        if (!set.delete(object)) {
          throw makeError(X`key ${key} not found in collection ${q(label)}`);
        }
      },
      addAll: (keys: Iterable<Passable>) => {
        for (const key of keys) {
          add(key);
        }
      },
    });
  };
  return harden({ makeScalarWeakMapStore, makeScalarWeakSetStore });
};
harden(makeWeakStores);
