import harden from '@endo/harden';
import {
  isExportVref,
  isPromiseKref,
  isSessionId,
  type EndpointId,
  type Holder,
  type Kref,
  type QueuedAs,
  type ServiceId,
  type VatId,
} from '@cooperage/protocol';
import { slotsHeldBy } from '../gc/refcounts.ts';
import type { CListRow, QueueRow } from '../store/schema.ts';
import type { State } from '../store/state.ts';
import { heldByServices } from '../services/holdings.ts';
import { REVOCATION } from '../services/objects.ts';
import type { Mentions } from './mentions.ts';

/** One that counts, in the kernel's words; `refcounts.ts` tells who does. */
export type RawHolder =
  | { readonly by: 'home'; readonly name: string }
  | { readonly by: 'bootstrap'; readonly cluster: string }
  | { readonly by: 'root' | 'parameters'; readonly vat: VatId }
  | { readonly by: 'clist'; readonly row: CListRow }
  | { readonly by: 'retiring'; readonly endpoint: EndpointId }
  | {
      readonly by: 'inbox';
      readonly endpoint: EndpointId;
      readonly as: QueuedAs;
    }
  | {
      readonly by: 'service';
      readonly service: ServiceId;
      readonly object: Kref;
    }
  | { readonly by: 'parked'; readonly promise: Kref; readonly as: QueuedAs }
  | { readonly by: 'data'; readonly promise: Kref };

/** Rows of queues and promises that one question looks at. */
export const MOST_ROWS = 300_000;
/** Entries of c-lists that it looks at. */
const MOST_ENTRIES = 1_000_000;

/** The promise or alias that must itself be held for its hold to matter; undefined for all other holders. */
export const viaOf = (holder: RawHolder): Kref | undefined => {
  switch (holder.by) {
    case 'parked':
    case 'data':
      return holder.promise;
    case 'service':
      return holder.service === REVOCATION ? holder.object : undefined;
    default:
      return undefined;
  }
};
harden(viaOf);

/** True when it holds whether or not anything else does; a vat's c-list only may. */
export const isRoot = (holder: RawHolder): boolean =>
  holder.by === 'clist'
    ? isSessionId(holder.row.endpoint)
    : viaOf(holder) === undefined;
harden(isRoot);

/** Calls `at` for each reference that a queued item holds, with the part of it that names it. */
export const visitHeldByItem = (
  row: QueueRow,
  at: (kref: Kref, as: QueuedAs) => void,
): void => {
  if (row.queue !== row.target) {
    at(row.target, row.kind === 'notify' ? 'notify' : 'target');
  }
  for (const slot of row.slots) {
    at(slot, 'argument');
  }
  if (row.result !== null) {
    at(row.result, 'result');
  }
};
harden(visitHeldByItem);

/** True for a c-list row that counts: an importer's, and for a promise everyone's. */
const counts = ({ kref, vref }: CListRow): boolean =>
  isPromiseKref(kref) || !isExportVref(vref);

/** The entries of all c-lists by their reference. */
const indexEntries = (
  state: State,
  most: number,
): ReadonlyMap<Kref, CListRow[]> => {
  const entries = new Map<Kref, CListRow[]>();
  let left = most;
  for (const row of state.clists.values()) {
    if (left === 0) {
      break;
    }
    left -= 1;
    const others = entries.get(row.kref);
    if (others) {
      others.push(row);
    } else {
      entries.set(row.kref, [row]);
    }
  }
  return entries;
};

/**
 * Gives the entries of a reference. There is no index of them, since nobody but
 * an inspection asks: so each c-list is, as long as that is less than to look at all entries.
 */
const makeEntries = (state: State, most: number) => {
  const endpoints = state.clistByEndpoint.groups() as EndpointId[];
  let asked = 0;
  let index: ReadonlyMap<Kref, CListRow[]> | undefined;
  return {
    of: (kref: Kref): readonly CListRow[] => {
      asked += endpoints.length;
      if (asked <= Math.min(state.clists.size, most)) {
        return endpoints.flatMap(
          endpoint => state.clists.get(endpoint, kref) ?? [],
        );
      }
      index ??= indexEntries(state, most);
      return index.get(kref) ?? [];
    },
    /** Entries that were too many, for those who ask for many references. */
    unseen: (): number =>
      index === undefined ? 0 : Math.max(0, state.clists.size - most),
  };
};

/**
 * Who holds what, found in one pass over queues, promises, names and vats; c-lists
 * are asked when it is wanted to know. True for as long as the tables don't change.
 */
export const makeHolders = (
  state: State,
  mostRows = MOST_ROWS,
  mostEntries = MOST_ENTRIES,
) => {
  const known = new Map<Kref, RawHolder[]>();
  let seen = 0;

  const note = (kref: Kref, holder: RawHolder): void => {
    const holders = known.get(kref);
    if (holders) {
      holders.push(holder);
    } else {
      known.set(kref, [holder]);
    }
  };
  const look = <Row>(rows: Iterable<Row>, at: (row: Row) => void): void => {
    for (const row of rows) {
      if (seen >= mostRows) {
        return;
      }
      seen += 1;
      at(row);
    }
  };

  look(state.home.values(), ({ name, kref }) =>
    note(kref, { by: 'home', name }),
  );
  look(state.clusters.values(), ({ name, bootstrapResult }) => {
    if (bootstrapResult !== null) {
      note(bootstrapResult, { by: 'bootstrap', cluster: name });
    }
  });
  look(state.vats.values(), ({ id, root, parametersSlots }) => {
    note(root, { by: 'root', vat: id });
    parametersSlots.forEach(slot => note(slot, { by: 'parameters', vat: id }));
  });
  look(state.retiring.values(), ({ session, kref }) =>
    note(kref, { by: 'retiring', endpoint: session }),
  );
  look(heldByServices(state), ({ kref, ...holder }) =>
    note(kref, { by: 'service', ...holder }),
  );
  look(state.queue.values(), row => {
    const isParked = row.queue === row.target;
    const endpoint = row.queue as EndpointId;
    visitHeldByItem(row, (kref, as) =>
      note(
        kref,
        isParked
          ? { by: 'parked', promise: row.target, as }
          : { by: 'inbox', endpoint, as },
      ),
    );
  });
  look(state.promises.values(), row =>
    slotsHeldBy(row).forEach(slot =>
      note(slot, { by: 'data', promise: row.kref }),
    ),
  );
  const entries = makeEntries(state, mostEntries);
  const { home, clusters, vats, retiring, queue, promises } = state;
  const rows = [home, clusters, vats, retiring, queue, promises].reduce(
    (sum, { size }) => sum + size,
    heldByServices(state).length,
  );

  return {
    /** Rows that were too many, until now: what they hold is not known. */
    get unseen() {
      return rows - seen + entries.unseen();
    },
    of: (kref: Kref): readonly RawHolder[] => [
      ...entries
        .of(kref)
        .filter(counts)
        .map(row => ({ by: 'clist', row }) as const),
      ...(known.get(kref) ?? []),
    ],
    /** Everything that a root holds by itself, c-lists of sessions left out. */
    *heldByRoots(): Iterable<Kref> {
      for (const [kref, holders] of known) {
        if (holders.some(isRoot)) {
          yield kref;
        }
      }
    },
  };
};
harden(makeHolders);

export type Holders = ReturnType<typeof makeHolders>;

/** The holder as it is told. */
export const showHolder = (holder: RawHolder, mentions: Mentions): Holder => {
  switch (holder.by) {
    case 'home':
    case 'bootstrap':
      return holder;
    case 'root':
    case 'parameters':
      return { by: holder.by, vat: mentions.endpoint(holder.vat) };
    case 'retiring':
    case 'inbox':
      return { ...holder, endpoint: mentions.endpoint(holder.endpoint) };
    case 'service':
      return {
        by: 'service',
        service: mentions.endpoint(holder.service),
        object: mentions.ref(holder.object),
      };
    case 'parked':
      return { ...holder, promise: mentions.ref(holder.promise) };
    case 'data':
      return { by: 'data', promise: mentions.ref(holder.promise) };
    case 'clist': {
      const { endpoint, vref, reachable } = holder.row;
      return {
        by: 'clist',
        endpoint: mentions.endpoint(endpoint),
        vref,
        isExport: isExportVref(vref),
        reachable: reachable === 1,
      };
    }
  }
};
harden(showHolder);
