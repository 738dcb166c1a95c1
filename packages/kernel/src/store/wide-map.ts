import harden from '@endo/harden';

/** What tables use of a Map whose keys are texts or numbers. */
export type WideMap<Value> = Pick<
  Map<string | number, Value>,
  'get' | 'has' | 'delete' | 'size'
> & {
  set(key: string | number, value: Value): void;
  keys(): IterableIterator<string | number>;
  values(): IterableIterator<Value>;
  entries(): IterableIterator<[string | number, Value]>;
};

/** Where there are more, a Map is not quick any more. */
export const MOST_TOGETHER = 4_096;
const SHARDS = 64;

/** Neighbors by their number, which come and go together, share a shard: so shards are made anew one after the other. */
const shardOf = (key: string | number): number =>
  (typeof key === 'number'
    ? key >>> 7
    : 10 * key.charCodeAt(key.length - 3) + key.charCodeAt(key.length - 4)) &
  (SHARDS - 1);

/**
 * A map that stays quick when it is large. A Map is made anew, all of it at once,
 * whenever it has grown or shrunk to some size; with a hundred thousand entries
 * that takes tens of milliseconds, and a table has several. This one keeps its
 * entries in many Maps; no order is promised.
 */
export const makeWideMap = <Value>(): WideMap<Value> => {
  const shards = Array.from(
    { length: SHARDS },
    () => new Map<string | number, Value>(),
  );
  let size = 0;

  const mapOf = (key: string | number): Map<string | number, Value> =>
    shards[shardOf(key)] as Map<string | number, Value>;
  function* each<Item>(
    itemsOf: (map: Map<string | number, Value>) => Iterable<Item>,
  ) {
    for (const map of shards) {
      yield* itemsOf(map);
    }
  }

  return harden({
    get: (key: string | number) => mapOf(key).get(key),
    has: (key: string | number) => mapOf(key).has(key),
    set: (key: string | number, value: Value) => {
      const map = mapOf(key);
      const before = map.size;
      map.set(key, value);
      size += map.size - before;
    },
    delete: (key: string | number) => {
      const isGone = mapOf(key).delete(key);
      size -= Number(isGone);
      return isGone;
    },
    get size() {
      return size;
    },
    keys: () => each(map => map.keys()),
    values: () => each(map => map.values()),
    entries: () => each(map => map.entries()),
  });
};
harden(makeWideMap);

/** As long as there are few, a Map, which is cheaper to make and to use. */
export type Growing<Value> = Map<string | number, Value> | WideMap<Value>;

/** The map to put this key into: another one where the keys before have become too many for a Map. */
export const widened = <Value>(
  map: Growing<Value>,
  key: string | number,
): Growing<Value> => {
  if (
    map.size < MOST_TOGETHER ||
    !(map instanceof Map) ||
    map.has(key) // and whoever goes through the map goes on through it
  ) {
    return map;
  }
  const wide = makeWideMap<Value>();
  map.forEach((value, each) => wide.set(each, value));
  return wide;
};
harden(widened);
