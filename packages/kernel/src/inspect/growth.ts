import harden from '@endo/harden';
import {
  CooperageError,
  isExportVref,
  indexOfKref,
  isPromiseKref,
  showValue,
  type EndpointGrowth,
  type EndpointId,
  type Growth,
  type GrowthReport,
  type InterfaceGrowth,
  type Kref,
} from '@cooperage/protocol';
import type { Clock } from '../ports.ts';
import type { State } from '../store/state.ts';
import { cap } from './capped.ts';
import { makeMentions } from './mentions.ts';

/** Marks that are known at once; the oldest goes. */
const MOST_MARKS = 16;
/** Rows of objects, and of c-lists, that one census counts. */
const MOST_ROWS = 1_000_000;
/** Kinds of objects that a census tells apart. */
const MOST_KINDS = 5_000;
const MOST_LISTED = 50;
const MOST_EXAMPLES = 3;
/** The interface of those that are told apart no more. */
const OTHERS = '…';

type Kind = {
  count: number;
  /** Newest first. */
  readonly newest: Kref[];
};
type References = { exports: number; imports: number; promises: number };
type Totals = Record<keyof GrowthReport['totals'], number>;

type Census = {
  readonly at: number;
  readonly totals: Totals;
  /** Objects have numbers from here on when they are newer. */
  readonly nextObject: number;
  readonly kinds: ReadonlyMap<EndpointId | null, Kinds>;
  readonly endpoints: ReadonlyMap<EndpointId, References>;
  readonly waiting: ReadonlyMap<EndpointId, number>;
  readonly unseen: number;
};

/** The kinds of one exporter, by interface. */
type Kinds = Map<string | null, Kind>;

/** Remembers the newest few. */
const remember = (newest: Kref[], kref: Kref): void => {
  const number = indexOfKref(kref);
  const place = newest.findIndex(each => indexOfKref(each) < number);
  newest.splice(place < 0 ? newest.length : place, 0, kref);
  newest.length = Math.min(newest.length, MOST_EXAMPLES);
};

const countObjects = (
  state: State,
  since: number,
): Map<EndpointId | null, Kinds> => {
  const owners = new Map<EndpointId | null, Kinds>();
  let rows = 0;
  let told = 0;
  for (const { kref, owner, iface } of state.objects.values()) {
    rows += 1;
    if (rows > MOST_ROWS) {
      break;
    }
    const kinds: Kinds = owners.get(owner) ?? new Map();
    owners.set(owner, kinds);
    const name = kinds.has(iface) || told < MOST_KINDS ? iface : OTHERS;
    let kind = kinds.get(name);
    if (!kind) {
      kind = { count: 0, newest: [] };
      kinds.set(name, kind);
      told += 1;
    }
    kind.count += 1;
    if (since < Infinity && indexOfKref(kref) >= since) {
      remember(kind.newest, kref);
    }
  }
  return owners;
};

const countReferences = (state: State): Map<EndpointId, References> => {
  const endpoints = new Map<EndpointId, References>();
  let rows = 0;
  for (const { endpoint, kref, vref } of state.clists.values()) {
    rows += 1;
    if (rows > MOST_ROWS) {
      break;
    }
    let counts = endpoints.get(endpoint);
    if (!counts) {
      counts = { exports: 0, imports: 0, promises: 0 };
      endpoints.set(endpoint, counts);
    }
    if (isPromiseKref(kref)) {
      counts.promises += 1;
    } else if (isExportVref(vref)) {
      counts.exports += 1;
    } else {
      counts.imports += 1;
    }
  }
  return endpoints;
};

/** Counts everything; objects numbered from `since` on are remembered as examples. */
const takeCensus = (state: State, at: number, since: number): Census => {
  const { objects, promises, clists, queue } = state;
  const endpoints = countReferences(state);
  return {
    at,
    totals: {
      objects: objects.size,
      promises: promises.size,
      references: clists.size,
      queued: queue.size,
    },
    nextObject: state.counters.get('object')?.next ?? 1,
    kinds: countObjects(state, since),
    endpoints,
    waiting: new Map(
      [...endpoints.keys()].map(id => [id, state.queueByName.count(id)]),
    ),
    unseen: [objects, clists].reduce(
      (sum, { size }) => sum + Math.max(0, size - MOST_ROWS),
      0,
    ),
  };
};

const gained = ({ before, now }: Growth): number => now - before;
const mostFirst =
  <Item>(sizeOf: (item: Item) => number) =>
  (left: Item, right: Item): number =>
    sizeOf(right) - sizeOf(left);

const NO_REFERENCES: References = { exports: 0, imports: 0, promises: 0 };

const compare = (
  state: State,
  mark: string,
  [before, now]: readonly [Census, Census],
): GrowthReport => {
  const mentions = makeMentions(state);
  const total = (name: keyof Totals): Growth => ({
    before: before.totals[name],
    now: now.totals[name],
  });
  const endpoints: EndpointGrowth[] = [...now.endpoints].map(([id, counts]) => {
    const old = before.endpoints.get(id) ?? NO_REFERENCES;
    const grown = (name: keyof References): Growth => ({
      before: old[name],
      now: counts[name],
    });
    return {
      ...mentions.endpoint(id),
      exports: grown('exports'),
      imports: grown('imports'),
      promises: grown('promises'),
      waiting: {
        before: before.waiting.get(id) ?? 0,
        now: now.waiting.get(id) ?? 0,
      },
    };
  });
  const growthOf = ({ exports, imports, promises, waiting }: EndpointGrowth) =>
    [exports, imports, promises, waiting].reduce(
      (sum, growth) => sum + Math.max(0, gained(growth)),
      0,
    );
  const interfaces: InterfaceGrowth[] = [...now.kinds].flatMap(
    ([owner, kinds]) => {
      const exporter = owner && mentions.endpoint(owner);
      const old = before.kinds.get(owner);
      return [...kinds].map(([iface, { count, newest }]) => ({
        exporter,
        iface,
        objects: { before: old?.get(iface)?.count ?? 0, now: count },
        newest: newest.map(mentions.ref),
      }));
    },
  );
  return {
    mark,
    at: before.at,
    totals: {
      objects: total('objects'),
      promises: total('promises'),
      references: total('references'),
      queued: total('queued'),
    },
    endpoints: cap(
      endpoints.filter(each => growthOf(each) > 0).sort(mostFirst(growthOf)),
      MOST_LISTED,
      each => each,
    ),
    interfaces: cap(
      interfaces
        .filter(({ objects }) => gained(objects) > 0)
        .sort(mostFirst(({ objects }) => gained(objects))),
      MOST_LISTED,
      each => each,
    ),
    unseen: { before: before.unseen, now: now.unseen },
  };
};

/** What grew between a mark and now. Marks are counts in memory: they end with the kernel's run. */
export const makeGrowth = (state: State, clock: Pick<Clock, 'now'>) => {
  const marks = new Map<string, Census>();
  let last = 0;
  return {
    /** The name of the mark. The time in it keeps it apart from those of other runs. */
    mark: (): string => {
      const census = takeCensus(state, clock.now(), Infinity);
      last += 1;
      const name = `m${last}-${census.at.toString(36)}`;
      marks.set(name, census);
      const [oldest] = marks.keys();
      if (marks.size > MOST_MARKS && oldest !== undefined) {
        marks.delete(oldest);
      }
      return name;
    },
    /** Throws CooperageError MARK_UNKNOWN. */
    grownSince: (mark: string): GrowthReport => {
      const before = marks.get(mark);
      if (!before) {
        throw new CooperageError(
          'MARK_UNKNOWN',
          `There is no mark ${showValue(mark)}: the last ${MOST_MARKS} are known, until the kernel starts anew; make one first`,
        );
      }
      const now = takeCensus(state, clock.now(), before.nextObject);
      return compare(state, mark, [before, now]);
    },
  };
};
harden(makeGrowth);
