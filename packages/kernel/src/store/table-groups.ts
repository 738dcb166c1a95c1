import harden from '@endo/harden';
import {
  makeKeyMap,
  type KeyPart,
  type KeyReader,
  type PairMap,
} from './key-map.ts';
import type { IndexKey, IndexKeeper } from './table-index.ts';
import { widened, type Growing } from './wide-map.ts';

/** An index with many rows for a key. What it hands out is a copy: the table may change meanwhile. */
export type GroupIndex<Row> = {
  /** In the order asked for when the index was made; without one, no order is promised. */
  values(group: KeyPart): Row[];
  first(group: KeyPart): Row | undefined;
  /** As `values`, but so many at most: none where that is nothing or less. */
  firsts(group: KeyPart, most: number): Row[];
  last(group: KeyPart): Row | undefined;
  count(group: KeyPart): number;
  /** Every group that has a row. */
  groups(): KeyPart[];
};

const firstsOf = <Row>(rows: Growing<Row>, most: number): Row[] => {
  const found: Row[] = [];
  for (const row of rows.values()) {
    if (found.length >= most) {
      break;
    }
    found.push(row);
  }
  return found;
};

/** The rows of a table by the first column of their keys, as its own map has them. */
export const makeFirstGroups = <Row>(rows: PairMap<Row>): GroupIndex<Row> => {
  const firsts = (group: KeyPart, most: number): Row[] => {
    const found = rows.under(group);
    return found ? firstsOf(found, most) : [];
  };
  const values = (group: KeyPart) => firsts(group, Infinity);
  return harden({
    values,
    firsts,
    first: (group: KeyPart) => firsts(group, 1)[0],
    last: (group: KeyPart) => values(group).at(-1),
    count: (group: KeyPart) => rows.under(group)?.size ?? 0,
    groups: () => [...rows.firsts()],
  });
};
harden(makeFirstGroups);

/** The rows of one group, whatever keeps them. Functions and not methods: groups come and go with every message. */
type Grouping<Row, Group> = {
  of(row: Row): Group;
  /** Gives the group that then stands for the old one. A row before is exchanged where it stands. */
  put(group: Group, before: Row | undefined, after: Row): Group;
  /** Undefined when that was the last row. */
  delete(group: Group, row: Row): Group | undefined;
  /** So many at most, but one or more. */
  values(group: Group, most: number): Row[];
  first(group: Group): Row | undefined;
  last(group: Group): Row | undefined;
  count(group: Group): number;
};

/** Told from a row by its prototype, which is quick for rows of all shapes. */
class Many<Row> {
  rows: Growing<Row> = new Map();
}

const isMany = <Row extends object>(
  group: Row | Many<Row>,
): group is Many<Row> => group instanceof Many;

/** Most groups have one row and never another, which stands for its group; few have so many that they need a wide map. */
const makeUnordered = <Row extends object>({
  idOf,
}: Pick<KeyReader<Row>, 'idOf'>): Grouping<Row, Row | Many<Row>> => {
  const add = (many: Many<Row>, row: Row): void => {
    const id = idOf(row);
    many.rows = widened(many.rows, id);
    many.rows.set(id, row);
  };
  return {
    of: row => row,
    put: (group, before, after) => {
      if (group === before) {
        return after;
      }
      if (isMany(group)) {
        add(group, after);
        return group;
      }
      const many = new Many<Row>();
      add(many, group);
      add(many, after);
      return many;
    },
    delete: (group, row) => {
      if (!isMany(group)) {
        return group === row ? undefined : group;
      }
      group.rows.delete(idOf(row));
      return group.rows.size > 0 ? group : undefined;
    },
    values: (group, most) =>
      isMany(group) ? firstsOf(group.rows, most) : [group],
    first: group => (isMany(group) ? firstsOf(group.rows, 1)[0] : group),
    last: group =>
      isMany(group) ? firstsOf(group.rows, Infinity).at(-1) : group,
    count: group => (isMany(group) ? group.rows.size : 1),
  };
};

/**
 * A sorted array with a free space at its head: a queue is pushed at one end
 * and shifted at the other, and an undone shift puts back at the head.
 */
type Line<Row> = { rows: (Row | undefined)[]; head: number };

type Order<Row> = (left: Row, right: Row) => number;

/** The first place whose row is not before this one. */
const placeOf = <Row>(
  { rows, head }: Line<Row>,
  row: Row,
  order: Order<Row>,
): number => {
  const last = rows.at(-1);
  if (last && order(last, row) < 0) {
    return rows.length; // most come in their order
  }
  let low = head;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = rows[middle];
    if (other && order(other, row) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
};

const putInLine = <Row>(line: Line<Row>, row: Row, order: Order<Row>): void => {
  const { rows } = line;
  const place = placeOf(line, row, order);
  const other = rows[place];
  if (other && order(other, row) === 0) {
    rows[place] = row;
  } else if (place === line.head && line.head > 0) {
    line.head -= 1;
    rows[line.head] = row;
  } else if (place === rows.length) {
    rows.push(row);
  } else {
    rows.splice(place, 0, row);
  }
};

const deleteFromLine = <Row>(
  line: Line<Row>,
  row: Row,
  order: Order<Row>,
): void => {
  const { rows } = line;
  const place = rows[line.head] === row ? line.head : placeOf(line, row, order);
  const found = rows[place];
  if (!found || (found !== row && order(found, row) !== 0)) {
    return;
  }
  if (place > line.head) {
    rows.splice(place, 1);
    return;
  }
  rows[place] = undefined;
  line.head += 1;
  if (line.head > 64 && line.head * 2 > rows.length) {
    line.rows = rows.slice(line.head);
    line.head = 0;
  }
};

const makeOrdered = <Row extends object>(
  orderOf: (row: Row) => number,
  { compare }: Pick<KeyReader<Row>, 'compare'>,
): Grouping<Row, Line<Row>> => {
  const order: Order<Row> = (left, right) =>
    orderOf(left) - orderOf(right) || compare(left, right);
  const count = ({ rows, head }: Line<Row>) => rows.length - head;
  return {
    of: row => ({ rows: [row], head: 0 }),
    put: (line, before, row) => {
      if (before && orderOf(before) !== orderOf(row)) {
        deleteFromLine(line, before, order);
      }
      putInLine(line, row, order);
      return line;
    },
    delete: (line, row) => {
      deleteFromLine(line, row, order);
      return count(line) > 0 ? line : undefined;
    },
    values: ({ rows, head }, most) => {
      const found: Row[] = [];
      const end = Math.min(rows.length, head + most);
      for (let place = head; place < end; place += 1) {
        found.push(rows[place] as Row); // only the space at the head is empty
      }
      return found;
    },
    first: ({ rows, head }) => rows[head],
    last: ({ rows }) => rows.at(-1),
    count,
  };
};

export type GroupIndexKit<Row> = {
  readonly index: GroupIndex<Row>;
  readonly keeper: IndexKeeper<Row>;
};

const makeIndexOfGroups = <Row extends object, Group>(
  groupOf: (row: Row) => IndexKey,
  grouping: Grouping<Row, Group>,
): GroupIndexKit<Row> => {
  const groups = makeKeyMap<Group>({ keys: 1 });

  const remove = (name: KeyPart, row: Row): void => {
    const group = groups.get(name);
    if (group !== undefined && grouping.delete(group, row) === undefined) {
      groups.delete(name);
    }
  };

  const put = (name: KeyPart, before: Row | undefined, after: Row): void => {
    const group = groups.get(name);
    const grown =
      group === undefined
        ? grouping.of(after)
        : grouping.put(group, before, after);
    if (grown !== group) {
      groups.set(name, undefined, grown);
    }
  };

  /** What is sought by `seek` in a group, or `none` when there is no such group. */
  const inGroup =
    <Found>(seek: (group: Group) => Found, none: () => Found) =>
    (name: KeyPart): Found => {
      const group = groups.get(name);
      return group === undefined ? none() : seek(group);
    };

  return harden({
    index: {
      values: inGroup(
        group => grouping.values(group, Infinity),
        (): Row[] => [],
      ),
      firsts: (name: KeyPart, most: number) => {
        const group = groups.get(name);
        return group === undefined || most <= 0
          ? []
          : grouping.values(group, most);
      },
      first: inGroup(grouping.first, () => undefined),
      last: inGroup(grouping.last, () => undefined),
      count: inGroup(grouping.count, () => 0),
      groups: () => [...groups.firsts()],
    },
    keeper: {
      replace: (before: Row | undefined, after: Row | undefined) => {
        const left = before && groupOf(before);
        const joined = after && groupOf(after);
        const stays = left === joined;
        if (before && left !== undefined && !stays) {
          remove(left, before);
        }
        if (after && joined !== undefined) {
          put(joined, stays ? before : undefined, after);
        }
      },
    },
  });
};

export const makeGroupIndex = <Row extends object>({
  groupOf,
  orderOf,
  key,
}: {
  readonly groupOf: (row: Row) => IndexKey;
  readonly orderOf?: ((row: Row) => number) | undefined;
  readonly key: Pick<KeyReader<Row>, 'idOf' | 'compare'>;
}): GroupIndexKit<Row> =>
  orderOf
    ? makeIndexOfGroups(groupOf, makeOrdered(orderOf, key))
    : makeIndexOfGroups(groupOf, makeUnordered(key));
harden(makeGroupIndex);
