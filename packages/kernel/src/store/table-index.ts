import harden from '@endo/harden';
import {
  makeKeyMap,
  makePairMap,
  type KeyPart,
  type KeyReader,
} from './key-map.ts';

/** What an index is sought by. Rows without one are not in the index. */
export type IndexKey = KeyPart | undefined;

/** An index with at most one row for a key. */
export type UniqueIndex<Row> = {
  get(key: KeyPart): Row | undefined;
  has(key: KeyPart): boolean;
};

/** An index with at most one row for a key among those that share the first column of their table's key. */
export type PairIndex<Row> = {
  get(first: KeyPart, key: KeyPart): Row | undefined;
};

/** How a table keeps an index true. */
export type IndexKeeper<Row> = {
  /** Throws, before anything has changed, when the row can't be let in to take the place of the one before. */
  insist?(before: Row | undefined, after: Row): void;
  replace(before: Row | undefined, after: Row | undefined): void;
};

type UniqueOptions<Row extends object> = {
  readonly keyOf: (row: Row) => IndexKey;
  readonly key: Pick<KeyReader<Row>, 'idOf'>;
  readonly tableName: string;
};

/** Keeps rows by a key; where and how these are held is the caller's. */
const makeUniqueKeeper = <Row extends object>(
  { keyOf, key: { idOf }, tableName }: UniqueOptions<Row>,
  holders: {
    find(row: Row, key: KeyPart): Row | undefined;
    set(row: Row, key: KeyPart): void;
    delete(row: Row, key: KeyPart): void;
  },
): Required<IndexKeeper<Row>> => ({
  insist: (before, after) => {
    const key = keyOf(after);
    const holder = key === undefined ? undefined : holders.find(after, key);
    if (holder && holder !== before) {
      throw Error(
        `table ${tableName}: rows ${idOf(holder)} and ${idOf(after)} both claim ${key} in a unique index`,
      );
    }
  },
  replace: (before, after) => {
    const oldKey = before && keyOf(before);
    const newKey = after && keyOf(after);
    if (before && oldKey !== undefined && oldKey !== newKey) {
      holders.delete(before, oldKey);
    }
    if (after && newKey !== undefined) {
      holders.set(after, newKey);
    }
  },
});

export const makeUniqueIndex = <Row extends object>(
  options: UniqueOptions<Row>,
): {
  readonly index: UniqueIndex<Row>;
  readonly keeper: Required<IndexKeeper<Row>>;
} => {
  const rows = makeKeyMap<Row>({ keys: 1 });
  return harden({
    index: {
      get: (key: KeyPart) => rows.get(key),
      has: (key: KeyPart) => rows.has(key),
    },
    keeper: makeUniqueKeeper(options, {
      find: (_, key) => rows.get(key),
      set: (row, key) => rows.set(key, undefined, row),
      delete: (_, key) => rows.delete(key),
    }),
  });
};
harden(makeUniqueIndex);

export const makePairIndex = <Row extends object>(
  options: UniqueOptions<Row> & {
    readonly key: Pick<KeyReader<Row>, 'idOf' | 'firstOf'>;
  },
): {
  readonly index: PairIndex<Row>;
  readonly keeper: Required<IndexKeeper<Row>>;
} => {
  const rows = makePairMap<Row>();
  const { firstOf } = options.key;
  return harden({
    index: { get: (first: KeyPart, key: KeyPart) => rows.get(first, key) },
    keeper: makeUniqueKeeper(options, {
      find: (row, key) => rows.get(firstOf(row), key),
      set: (row, key) => rows.set(firstOf(row), key, row),
      delete: (row, key) => rows.delete(firstOf(row), key),
    }),
  });
};
harden(makePairIndex);
