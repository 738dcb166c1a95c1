import harden from '@endo/harden';
import { compareKeys } from '@cooperage/protocol';
import type { ColumnValue, TableSchema } from '../ports.ts';
import { widened, type Growing } from './wide-map.ts';

/** A column of a row's key. */
export type KeyPart = string | number;

/** A map by a table's keys. Where keys have one column, the second is left out. */
export type KeyMap<Value> = {
  get(first: KeyPart, second?: KeyPart): Value | undefined;
  has(first: KeyPart, second?: KeyPart): boolean;
  set(first: KeyPart, second: KeyPart | undefined, value: Value): void;
  delete(first: KeyPart, second?: KeyPart): void;
  clear(): void;
  forEach(
    visit: (value: Value, first: KeyPart, second: KeyPart | undefined) => void,
  ): void;
  values(): IterableIterator<Value>;
  /** Each first column for which there is something. */
  firsts(): IterableIterator<KeyPart>;
  readonly size: number;
};

/** Has, beside, all that share the first column. */
export type PairMap<Value> = KeyMap<Value> & {
  under(first: KeyPart): Growing<Value> | undefined;
};

const makeSingleMap = <Value>(): KeyMap<Value> => {
  let map: Growing<Value> = new Map();
  return {
    get: first => map.get(first),
    has: first => map.has(first),
    set: (first, _, value) => {
      map = widened(map, first);
      map.set(first, value);
    },
    delete: first => {
      map.delete(first);
      if (map.size === 0 && !(map instanceof Map)) {
        map = new Map(); // few are cheaper in one
      }
    },
    clear: () => {
      if (map.size > 0) {
        map = new Map();
      }
    },
    forEach: visit => {
      for (const [first, value] of map.entries()) {
        visit(value, first, undefined);
      }
    },
    values: () => map.values(),
    firsts: () => map.keys(),
    get size() {
      return map.size;
    },
  };
};

/**
 * Maps in a map: a row's key is no text of its own, of which a hundred thousand
 * rows would have as many, and what shares the first column stands together.
 */
export const makePairMap = <Value>(): PairMap<Value> => {
  const maps = new Map<KeyPart, Growing<Value>>();
  let size = 0;
  function* values() {
    for (const map of maps.values()) {
      yield* map.values();
    }
  }
  return {
    get: (first, second = '') => maps.get(first)?.get(second),
    has: (first, second = '') => maps.get(first)?.has(second) ?? false,
    set: (first, second = '', value) => {
      const found = maps.get(first);
      const map = widened(found ?? new Map<KeyPart, Value>(), second);
      if (map !== found) {
        maps.set(first, map);
      }
      const before = map.size;
      map.set(second, value);
      size += map.size - before;
    },
    delete: (first, second = '') => {
      const map = maps.get(first);
      if (map?.delete(second)) {
        size -= 1;
        if (map.size === 0) {
          maps.delete(first);
        }
      }
    },
    clear: () => {
      maps.clear();
      size = 0;
    },
    forEach: visit => {
      for (const [first, map] of maps) {
        for (const [second, value] of map.entries()) {
          visit(value, first, second);
        }
      }
    },
    values,
    get size() {
      return size;
    },
    under: first => maps.get(first),
    firsts: () => maps.keys(),
  };
};
harden(makePairMap);

/** For a table's keys, or for what is noted about some of them. */
export const makeKeyMap = <Value>({
  keys,
}: Pick<TableSchema, 'keys'>): KeyMap<Value> =>
  keys === 1 ? makeSingleMap() : makePairMap();
harden(makeKeyMap);

/** Text is preceded by its length, so that no two keys of two columns meet. */
const part = (value: KeyPart): string =>
  typeof value === 'string' ? `${value.length}:${value}` : `${value};`;

/** Numbers come before texts; a number and a text are never the same. */
const compareParts = (
  left: KeyPart | undefined,
  right: KeyPart | undefined,
): number => {
  if (typeof left === 'string' && typeof right === 'string') {
    return compareKeys(left, right);
  }
  return typeof left === 'number' && typeof right === 'number'
    ? left - right
    : Number(typeof left === 'string') - Number(typeof right === 'string');
};

/** How to read a key: from a row, whose fields are its columns. Throws for a schema whose keys have more than two columns. */
export const makeKeyReader = <Row extends object>({
  name,
  keys,
  columns,
}: TableSchema) => {
  if (keys !== 1 && keys !== 2) {
    throw Error(`table ${name}: a key has one column or two, not ${keys}`);
  }
  const [firstName = '', secondName = ''] = columns.map(column => column.name);
  const insistPart = (value: ColumnValue | undefined): KeyPart => {
    if (typeof value === 'string' || typeof value === 'number') {
      return value;
    }
    throw Error(`table ${name}: a key is a text or an integer`);
  };
  const secondIn = keys === 1 ? () => undefined : insistPart;
  const firstOf = (row: Row): KeyPart =>
    insistPart((row as Record<string, ColumnValue>)[firstName]);
  const secondOf = (row: Row): KeyPart | undefined =>
    secondIn((row as Record<string, ColumnValue>)[secondName]);
  return harden({
    /** Nothing for two rows of the same key. */
    compare: (left: Row, right: Row): number =>
      compareParts(firstOf(left), firstOf(right)) ||
      compareParts(secondOf(left), secondOf(right)),
    /** From the key's columns, each of which must be a text or an integer. */
    firstIn: insistPart,
    secondIn,
    firstOf,
    secondOf,
    /** The key as one value: what a row is called, and told from others by, where rows of several first columns meet. */
    idOf: (row: Row): KeyPart => {
      const first = firstOf(row);
      const second = secondOf(row);
      return second === undefined ? first : part(first) + part(second);
    },
  });
};
harden(makeKeyReader);

export type KeyReader<Row extends object> = ReturnType<
  typeof makeKeyReader<Row>
>;
