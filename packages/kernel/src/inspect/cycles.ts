import harden from '@endo/harden';
import {
  isExportVref,
  isPromiseKref,
  isVatId,
  type Cycle,
  type CycleEdge,
  type CycleReport,
  type EndpointId,
  type Kref,
  type VatId,
} from '@cooperage/protocol';
import { slotsHeldBy } from '../gc/refcounts.ts';
import type { State } from '../store/state.ts';
import { cap } from './capped.ts';
import { findComponents } from './components.ts';
import {
  makeHolders,
  MOST_ROWS,
  viaOf,
  visitHeldByItem,
  type Holders,
} from './holders.ts';
import { makeMentions, type Mentions } from './mentions.ts';

const MOST_CYCLES = 20;
const MOST_EDGES = 50;
const USUAL_BOUNDS = harden({
  /** Rows of c-lists that one search follows. */
  rows: 300_000,
  /** References of a cycle whose other holders are sought. */
  members: 10_000,
  /** Rows in which holders are sought. */
  holders: MOST_ROWS,
});
type Bounds = typeof USUAL_BOUNDS;

/** A promise, an alias or a vat. Another object is no node of its own: whoever holds it leads to the vat that exports it. */
type Node = Kref | VatId;
type Held = {
  readonly by: 'clist' | 'data' | 'parked' | 'alias';
  readonly held: Kref;
};

/** What a promise holds: what its settlement names, and what the messages that wait for it name. */
const heldByPromise = (state: State, promise: Kref): Held[] => {
  const row = state.promises.get(promise);
  const found: Held[] = (row ? slotsHeldBy(row) : []).map(held => ({
    by: 'data',
    held,
  }));
  for (const item of state.queueByName.values(promise)) {
    visitHeldByItem(item, held => found.push({ by: 'parked', held }));
  }
  return found;
};

/** What the promise or alias holds; nothing when it is another object. */
const heldByKref = (state: State, kref: Kref): Held[] => {
  if (isPromiseKref(kref)) {
    return heldByPromise(state, kref);
  }
  const target = state.aliases.get(kref)?.target ?? null;
  return target === null ? [] : [{ by: 'alias', held: target }];
};

/** What roots hold, and what those promises and aliases hold in turn. */
const findSurelyHeld = (state: State, holders: Holders): Set<Kref> => {
  const held = new Set(holders.heldByRoots());
  for (const { id } of state.sessions.values()) {
    for (const { kref, vref } of state.clistByEndpoint.values(id)) {
      if (isPromiseKref(kref) || !isExportVref(vref)) {
        held.add(kref);
      }
    }
  }
  for (const kref of held) {
    heldByKref(state, kref).forEach(edge => held.add(edge.held));
  }
  return held;
};

/** Who may hold what, with all left out that a root holds, and what leads nowhere. */
const makeGraph = (
  state: State,
  surelyHeld: ReadonlySet<Kref>,
  mostRows: number,
) => {
  const held = new Map<Node, readonly Held[]>();
  let seen = 0;
  let unseen = 0;

  const canHold = (promise: Kref): boolean =>
    (state.promises.get(promise)?.slots.length ?? 0) > 0 ||
    state.queueByName.count(promise) > 0;

  /** Where a reference leads: a promise or an alias to itself, another object to its vat. */
  const nodeOf = (kref: Kref): Node | undefined => {
    if (surelyHeld.has(kref)) {
      return undefined;
    }
    if (isPromiseKref(kref)) {
      return canHold(kref) ? kref : undefined;
    }
    if (state.aliases.has(kref)) {
      return kref;
    }
    const owner = state.objects.get(kref)?.owner;
    return isVatId(owner) ? owner : undefined;
  };

  const heldByVat = (vat: VatId): Held[] => {
    const found: Held[] = [];
    const rows = state.clistByEndpoint.values(vat);
    const most = Math.max(0, mostRows - seen);
    seen += Math.min(rows.length, most);
    unseen += Math.max(0, rows.length - most);
    for (const { kref, vref, reachable } of rows.slice(0, most)) {
      if (isPromiseKref(kref) || (!isExportVref(vref) && reachable === 1)) {
        found.push({ by: 'clist', held: kref });
      }
    }
    return found;
  };

  const heldBy = (node: Node): readonly Held[] => {
    const known =
      held.get(node) ??
      (isVatId(node) ? heldByVat(node) : heldByKref(state, node)).filter(
        edge => nodeOf(edge.held) !== undefined,
      );
    held.set(node, known);
    return known;
  };

  return {
    unseen: () => unseen,
    nodeOf,
    heldBy,
    next: (node: Node): Node[] => {
      const nodes = new Set<Node>();
      for (const edge of heldBy(node)) {
        const next = nodeOf(edge.held);
        if (next !== undefined) {
          nodes.add(next);
        }
      }
      return [...nodes];
    },
    starts: (): Node[] => [
      ...[...state.vats.values()].map(({ id }) => id),
      ...[...state.promises.values(), ...state.aliases.values()]
        .map(({ kref }) => kref)
        .filter(kref => nodeOf(kref) !== undefined),
    ],
  };
};

type Graph = ReturnType<typeof makeGraph>;

/** Who holds something of the cycle from outside of it; where not all can be looked at, it counts as held. */
const findOutsiders = (
  held: Iterable<Kref>,
  members: ReadonlySet<Node>,
  { holders, bounds }: { holders: Holders; bounds: Bounds },
): { isHeld: boolean; endpoints: EndpointId[] } => {
  const endpoints = new Set<EndpointId>();
  let isHeld = false;
  let looked = 0;
  for (const kref of held) {
    looked += 1;
    if (looked > bounds.members) {
      isHeld = true;
      break;
    }
    for (const holder of holders.of(kref)) {
      if (holder.by === 'clist') {
        const { endpoint, reachable } = holder.row;
        if (reachable && !(isVatId(endpoint) && members.has(endpoint))) {
          endpoints.add(endpoint);
          isHeld = true;
        }
      } else {
        const via = viaOf(holder);
        isHeld ||= via !== undefined && !members.has(via);
      }
    }
  }
  return {
    isHeld: isHeld || holders.unseen > 0,
    endpoints: [...endpoints],
  };
};

/** A cycle as it is told. */
const showCycle = (
  state: State,
  members: ReadonlySet<Node>,
  {
    graph,
    mentions,
    ...looking
  }: { graph: Graph; holders: Holders; mentions: Mentions; bounds: Bounds },
): Cycle => {
  const edges: (readonly [Node, Held])[] = [];
  for (const node of members) {
    for (const edge of graph.heldBy(node)) {
      const to = graph.nodeOf(edge.held);
      if (to !== undefined && members.has(to)) {
        edges.push([node, edge]);
      }
    }
  }
  const show = ([node, { by, held }]: readonly [Node, Held]): CycleEdge => {
    const shown = mentions.ref(held);
    if (by !== 'clist' || !isVatId(node)) {
      const via = mentions.ref(node as Kref);
      return by === 'alias'
        ? { by, alias: via, held: shown }
        : { by: by === 'parked' ? by : 'data', promise: via, held: shown };
    }
    const owner = state.objects.get(held)?.owner;
    return {
      by,
      vat: mentions.endpoint(node),
      exporter: owner ? mentions.endpoint(owner) : null,
      held: shown,
    };
  };
  const vats = [...members].filter(isVatId);
  const outside = findOutsiders(
    new Set(edges.map(([, { held }]) => held)),
    members,
    looking,
  );
  return {
    vats: vats.map(mentions.endpoint),
    edges: cap(edges, MOST_EDGES, show),
    alsoHeldBy: cap(outside.endpoints, MOST_EDGES, mentions.endpoint),
    isGarbage: vats.length === 0 && !outside.isHeld,
  };
};

/**
 * References that lead back to where they begin: from a promise to what its
 * data and its waiting messages name, from an alias to what it stands for, from an object to the vat that exports it,
 * and from a vat to what it imports, for which it may have any reason.
 */
export const reportCycles = (
  state: State,
  bounds = USUAL_BOUNDS,
): CycleReport => {
  const mentions = makeMentions(state);
  const holders = makeHolders(state, bounds.holders);
  const graph = makeGraph(state, findSurelyHeld(state, holders), bounds.rows);
  const components = findComponents(graph.starts(), graph.next)
    .filter(
      members =>
        members.length > 1 ||
        members.some(member => graph.next(member).includes(member)),
    )
    .sort((left, right) => right.length - left.length);
  return {
    cycles: cap(components, MOST_CYCLES, members =>
      showCycle(state, new Set(members), { graph, holders, mentions, bounds }),
    ),
    unseen: holders.unseen + graph.unseen(),
  };
};
harden(reportCycles);
