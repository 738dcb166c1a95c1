import harden from '@endo/harden';
import { compareKeys } from '@cooperage/protocol';
import { makeWideMap, MOST_TOGETHER, type WideMap } from './wide-map.ts';

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
  /** As `values`, but so many at most: none where that is nothing or less. */
  firsts(group: string | number, most: number): Row[];
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
  const rows = makeWideMap<{ id: RowId; row: Row }>();
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

/** The rows of one group, whatever keeps them. Functions and not methods: groups come and go with every message. */
type Grouping<Row, Group> = {
  of(id: RowId, row: Row): Group;
  /** Gives the group that then stands for the old one. */
  put(group: Group, id: RowId, row: Row): Group;
  delete(group: Group, id: RowId, row: Row): void;
  values(group: Group, most?: number): Row[];
  first(group: Group): Row | undefined;
  last(group: Group): Row | undefined;
  count(group: Group): number;
};

type Lone<Row> = { readonly id: RowId; row: Row | undefined };

type Many<Row> = Map<RowId, Row> | WideMap<Row>;
const isLone = <Row>(group: Lone<Row> | Many<Row>): group is Lone<Row> =>
  'id' in group;

/** Most groups have one row and never another: they need no map; and few have so many that they need a wide one. */
const makeUnordered = <Row>(): Grouping<Row, Lone<Row> | Many<Row>> => {
  const widen = (group: Many<Row>): Many<Row> => {
    if (!(group instanceof Map) || group.size < MOST_TOGETHER) {
      return group;
    }
    const wide = makeWideMap<Row>();
    group.forEach((row, id) => wide.set(id, row));
    return wide;
  };
  const values = (group: Lone<Row> | Many<Row>, most = Infinity): Row[] => {
    if (isLone(group)) {
      return group.row === undefined ? [] : [group.row];
    }
    const rows: Row[] = [];
    for (const row of group.values()) {
      if (rows.length >= most) {
        break;
      }
      rows.push(row);
    }
    return rows;
  };
  return {
    of: (id, row) => ({ id, row }),
    put: (group, id, row) => {
      if (!isLone(group)) {
        const grown = widen(group);
        grown.set(id, row);
        return grown;
      }
      if (group.id === id) {
        group.row = row;
        return group;
      }
      const rows = new Map<RowId, Row>();
      if (group.row !== undefined) {
        rows.set(group.id, group.row);
      }
      return rows.set(id, row);
    },
    delete: (group, id) => {
      if (!isLone(group)) {
        group.delete(id);
      } else if (group.id === id) {
        group.row = undefined;
      }
    },
    values,
    first: group => (isLone(group) ? group.row : values(group, 1)[0]),
    last: group => values(group).at(-1),
    count: group => {
      if (!isLone(group)) {
        return group.size;
      }
      return group.row === undefined ? 0 : 1;
    },
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
type Line<Row> = { entries: (Entry<Row> | undefined)[]; head: number };

/** The first place whose entry is not before (order, id). */
const placeOf = <Row>(
  { entries, head }: Line<Row>,
  order: number,
  id: RowId,
): number => {
  const last = entries.at(-1);
  if (last && (last.order - order || compareIds(last.id, id)) < 0) {
    return entries.length; // most come in their order
  }
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

const putInLine = <Row>(line: Line<Row>, entry: Entry<Row>): void => {
  const { entries } = line;
  const place = placeOf(line, entry.order, entry.id);
  if (entries[place]?.id === entry.id) {
    entries[place] = entry;
  } else if (place === line.head && line.head > 0) {
    line.head -= 1;
    entries[line.head] = entry;
  } else if (place === entries.length) {
    entries.push(entry);
  } else {
    entries.splice(place, 0, entry);
  }
};

const deleteFromLine = <Row>(
  line: Line<Row>,
  order: number,
  id: RowId,
): void => {
  const { entries } = line;
  const place = placeOf(line, order, id);
  if (entries[place]?.id !== id) {
    return;
  }
  if (place > line.head) {
    entries.splice(place, 1);
    return;
  }
  entries[place] = undefined;
  line.head += 1;
  if (line.head > 64 && line.head * 2 > entries.length) {
    line.entries = entries.slice(line.head);
    line.head = 0;
  }
};

const makeOrdered = <Row>(
  orderOf: (row: Row) => number,
): Grouping<Row, Line<Row>> => ({
  of: (id, row) => ({ entries: [{ order: orderOf(row), id, row }], head: 0 }),
  put: (line, id, row) => {
    putInLine(line, { order: orderOf(row), id, row });
    return line;
  },
  delete: (line, id, row) => deleteFromLine(line, orderOf(row), id),
  values: ({ entries, head }, most = Infinity) =>
    entries
      .slice(head, head + most)
      .flatMap(entry => (entry ? [entry.row] : [])),
  first: ({ entries, head }) => entries[head]?.row,
  last: ({ entries }) => entries.at(-1)?.row,
  count: ({ entries, head }) => entries.length - head,
});

export type GroupIndexKit<Row> = {
  readonly index: GroupIndex<Row>;
  readonly keeper: IndexKeeper<Row>;
};

const makeIndexOfGroups = <Row, Group>(
  groupOf: (row: Row) => IndexKey,
  orderOf: ((row: Row) => number) | undefined,
  grouping: Grouping<Row, Group>,
): GroupIndexKit<Row> => {
  const groups = makeWideMap<Group>();

  const remove = (name: IndexKey, id: RowId, row: Row): void => {
    const group = name === undefined ? undefined : groups.get(name);
    if (name === undefined || group === undefined) {
      return;
    }
    grouping.delete(group, id, row);
    if (grouping.count(group) === 0) {
      groups.delete(name);
    }
  };

  const add = (name: IndexKey, id: RowId, row: Row): void => {
    if (name === undefined) {
      return;
    }
    const group = groups.get(name);
    if (group === undefined) {
      groups.set(name, grouping.of(id, row));
      return;
    }
    const grown = grouping.put(group, id, row);
    if (grown !== group) {
      groups.set(name, grown);
    }
  };

  /** What is sought by `seek` in a group, or `none` when there is no such group. */
  const inGroup =
    <Found>(seek: (group: Group) => Found, none: () => Found) =>
    (name: string | number): Found => {
      const group = groups.get(name);
      return group === undefined ? none() : seek(group);
    };

  return harden({
    index: {
      values: inGroup(
        group => grouping.values(group),
        (): Row[] => [],
      ),
      firsts: (name: string | number, most: number) => {
        const group = groups.get(name);
        return group === undefined || most <= 0
          ? []
          : grouping.values(group, most);
      },
      first: inGroup(grouping.first, () => undefined),
      last: inGroup(grouping.last, () => undefined),
      count: inGroup(grouping.count, () => 0),
      groups: () => [...groups.keys()],
    },
    keeper: {
      insist: () => {},
      replace: (id: RowId, before: Row | undefined, after: Row | undefined) => {
        const left = before && groupOf(before);
        const joined = after && groupOf(after);
        // A row that keeps its group and its place is exchanged where it stands.
        if (
          before !== undefined &&
          (after === undefined ||
            left !== joined ||
            orderOf?.(before) !== orderOf?.(after))
        ) {
          remove(left, id, before);
        }
        if (after !== undefined) {
          add(joined, id, after);
        }
      },
    },
  });
};

export const makeGroupIndex = <Row>(
  groupOf: (row: Row) => IndexKey,
  orderOf: ((row: Row) => number) | undefined,
): GroupIndexKit<Row> =>
  orderOf
    ? makeIndexOfGroups(groupOf, orderOf, makeOrdered(orderOf))
    : makeIndexOfGroups(groupOf, undefined, makeUnordered<Row>());
harden(makeGroupIndex);
