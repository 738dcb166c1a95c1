import harden from '@endo/harden';
import { compareKeys } from '@cooperage/protocol';

/** A row's key as the maps use it: the value itself, or the columns joined. */
export type RowId = string | number;

/** What an index is sought by. Rows without one are not in the index. */
export type IndexKey = string | number | undefined;

/** An index with at most one row for a key. */
export type UniqueIndex<Row> = {
  get(key: string | number): Row | undefined;
  has(key: string | number): boolean;
};

/** An index with many rows for a key. What it hands out is a copy: the table may change meanwhile. */
export type GroupIndex<Row> = {
  /** In the order asked for when the index was made; without one, no order is promised. */
  values(group: string | number): Row[];
  first(group: string | number): Row | undefined;
  last(group: string | number): Row | undefined;
  count(group: string | number): number;
  /** Every group that has a row. */
  groups(): (string | number)[];
};

/** How a table keeps an index true. */
export type IndexKeeper<Row> = {
  /** Throws, before anything has changed, when the row can't be let in. */
  insist(id: RowId, row: Row): void;
  replace(id: RowId, before: Row | undefined, after: Row | undefined): void;
};

export type UniqueIndexKit<Row> = {
  readonly index: UniqueIndex<Row>;
  readonly keeper: IndexKeeper<Row>;
};

export const makeUniqueIndex = <Row>(
  keyOf: (row: Row) => IndexKey,
  tableName: string,
): UniqueIndexKit<Row> => {
  const rows = new Map<string | number, { id: RowId; row: Row }>();
  return harden({
    index: {
      get: (key: string | number) => rows.get(key)?.row,
      has: (key: string | number) => rows.has(key),
    },
    keeper: {
      insist: (id: RowId, row: Row) => {
        const key = keyOf(row);
        const holder = key === undefined ? undefined : rows.get(key);
        if (holder && holder.id !== id) {
          throw Error(
            `table ${tableName}: rows ${holder.id} and ${id} both claim ${key} in a unique index`,
          );
        }
      },
      replace: (id: RowId, before: Row | undefined, after: Row | undefined) => {
        const oldKey = before && keyOf(before);
        const newKey = after && keyOf(after);
        if (oldKey !== undefined && oldKey !== newKey) {
          rows.delete(oldKey);
        }
        if (after !== undefined && newKey !== undefined) {
          rows.set(newKey, { id, row: after });
        }
      },
    },
  });
};
harden(makeUniqueIndex);

type Group<Row> = {
  put(id: RowId, row: Row): void;
  delete(id: RowId, row: Row): void;
  values(): Row[];
  first(): Row | undefined;
  last(): Row | undefined;
  count(): number;
};

const makeUnorderedGroup = <Row>(): Group<Row> => {
  const rows = new Map<RowId, Row>();
  return {
    put: (id, row) => {
      rows.set(id, row);
    },
    delete: id => {
      rows.delete(id);
    },
    values: () => [...rows.values()],
    first: () => rows.values().next().value,
    last: () => [...rows.values()].at(-1),
    count: () => rows.size,
  };
};

type Entry<Row> = { order: number; id: RowId; row: Row };

const compareIds = (left: RowId, right: RowId): number =>
  typeof left === 'number' && typeof right === 'number'
    ? left - right
    : compareKeys(String(left), String(right));

/**
 * A sorted array with a free space at its head: a queue is pushed at one end
 * and shifted at the other, and an undone shift puts back at the head.
 */
const makeOrderedGroup = <Row>(orderOf: (row: Row) => number): Group<Row> => {
  let entries: (Entry<Row> | undefined)[] = [];
  let head = 0;

  /** The first place whose entry is not before (order, id). */
  const placeOf = (order: number, id: RowId): number => {
    let low = head;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = entries[middle];
      if (entry && (entry.order - order || compareIds(entry.id, id)) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };

  return {
    put: (id, row) => {
      const entry = { order: orderOf(row), id, row };
      const place = placeOf(entry.order, id);
      if (entries[place]?.id === id) {
        entries[place] = entry;
      } else if (place === head && head > 0) {
        head -= 1;
        entries[head] = entry;
      } else {
        entries.splice(place, 0, entry);
      }
    },
    delete: (id, row) => {
      const place = placeOf(orderOf(row), id);
      if (entries[place]?.id !== id) {
        return;
      }
      if (place > head) {
        entries.splice(place, 1);
        return;
      }
      entries[head] = undefined;
      head += 1;
      if (head > 64 && head * 2 > entries.length) {
        entries = entries.slice(head);
        head = 0;
      }
    },
    values: () =>
      entries.slice(head).flatMap(entry => (entry ? [entry.row] : [])),
    first: () => entries[head]?.row,
    last: () => entries.at(-1)?.row,
    count: () => entries.length - head,
  };
};

export type GroupIndexKit<Row> = {
  readonly index: GroupIndex<Row>;
  readonly keeper: IndexKeeper<Row>;
};

export const makeGroupIndex = <Row>(
  groupOf: (row: Row) => IndexKey,
  orderOf: ((row: Row) => number) | undefined,
): GroupIndexKit<Row> => {
  const groups = new Map<string | number, Group<Row>>();

  const remove = (id: RowId, row: Row): void => {
    const name = groupOf(row);
    const group = name === undefined ? undefined : groups.get(name);
    if (name === undefined || !group) {
      return;
    }
    group.delete(id, row);
    if (group.count() === 0) {
      groups.delete(name);
    }
  };

  const add = (id: RowId, row: Row): void => {
    const name = groupOf(row);
    if (name === undefined) {
      return;
    }
    let group = groups.get(name);
    if (!group) {
      group = orderOf ? makeOrderedGroup(orderOf) : makeUnorderedGroup<Row>();
      groups.set(name, group);
    }
    group.put(id, row);
  };

  /** A row that keeps its group and its place is exchanged where it stands. */
  const staysInPlace = (before: Row, after: Row): boolean =>
    groupOf(before) === groupOf(after) &&
    orderOf?.(before) === orderOf?.(after);

  return harden({
    index: {
      values: (group: string | number) => groups.get(group)?.values() ?? [],
      first: (group: string | number) => groups.get(group)?.first(),
      last: (group: string | number) => groups.get(group)?.last(),
      count: (group: string | number) => groups.get(group)?.count() ?? 0,
      groups: () => [...groups.keys()],
    },
    keeper: {
      insist: () => {},
      replace: (id: RowId, before: Row | undefined, after: Row | undefined) => {
        if (
          before !== undefined &&
          (after === undefined || !staysInPlace(before, after))
        ) {
          remove(id, before);
        }
        if (after !== undefined) {
          add(id, after);
        }
      },
    },
  });
};
harden(makeGroupIndex);
