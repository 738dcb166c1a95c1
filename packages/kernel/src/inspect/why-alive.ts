import harden from '@endo/harden';
import {
  isExportVref,
  isPromiseKref,
  isVatId,
  type Capped,
  type EndpointId,
  type HoldLink,
  type Kref,
  type Life,
  type RefMention,
  type VatId,
} from '@cooperage/protocol';
import type { State } from '../store/state.ts';
import { cap } from './capped.ts';
import {
  isRoot,
  showHolder,
  viaOf,
  type Holders,
  type RawHolder,
} from './holders.ts';
import type { Mentions } from './mentions.ts';

/** References that are named of all that there are. */
const MOST_NAMED = 20;

/** Of two that hold it equally near, the one that says more: a name before a vat's own reasons. */
const RANKS: Readonly<Record<RawHolder['by'], number>> = {
  home: 0,
  root: 1,
  parameters: 2,
  bootstrap: 2.6,
  service: 2.7,
  inbox: 3,
  retiring: 4,
  clist: 5,
  parked: 6,
  data: 7,
};

/** An alias holds for others, as promises do, and comes after all who hold by themselves. */
const RANK_OF_ALIAS = 5.5;

const rankOf = (holder: RawHolder): number => {
  if (holder.by === 'clist' && isRoot(holder)) {
    return 2.5;
  }
  return holder.by === 'service' && !isRoot(holder)
    ? RANK_OF_ALIAS
    : RANKS[holder.by];
};

const canReach = (holder: RawHolder): boolean =>
  holder.by !== 'clist' || holder.row.reachable === 1;

/** What a vat exports and somebody can reach, its root first. */
const exportsHeld = (
  state: State,
  vat: EndpointId,
  mentions: Mentions,
): Capped<RefMention> => {
  const root = state.vats.get(vat as VatId)?.root;
  const held = state.clistByEndpoint
    .values(vat)
    .filter(
      ({ kref, vref }) =>
        isExportVref(vref) &&
        !isPromiseKref(kref) &&
        kref !== root &&
        (state.objects.get(kref)?.reachable ?? 0) > 0,
    )
    .map(({ kref }) => kref);
  return cap(root ? [root, ...held] : held, MOST_NAMED, mentions.ref);
};

/**
 * Why it is there: the shortest chain of holders from a root. It is sought from
 * the object backward, each reference looked at once.
 */
export const findLife = (
  state: State,
  subject: Kref,
  { holders, mentions }: { holders: Holders; mentions: Mentions },
): Life => {
  /** How the search came to each promise and alias: what it holds. */
  const heldBy = new Map<Kref, { held: Kref; holder: RawHolder }>();
  const visited = new Set([subject]);
  let holdsItself = false;

  const chainFrom = (root: RawHolder, first: Kref): HoldLink[] => {
    const chain: HoldLink[] = [
      { holder: showHolder(root, mentions), held: mentions.ref(first) },
    ];
    let next = first === subject ? undefined : heldBy.get(first);
    while (next) {
      const { held, holder } = next;
      chain.push({
        holder: showHolder(holder, mentions),
        held: mentions.ref(held),
      });
      next = held === subject ? undefined : heldBy.get(held);
    }
    return chain;
  };

  const heldByRoot = (root: RawHolder, kref: Kref): Life => ({
    state: 'held',
    chain: chainFrom(root, kref),
    mayBeFor:
      root.by === 'clist' &&
      isVatId(root.row.endpoint) &&
      !isExportVref(root.row.vref)
        ? exportsHeld(state, root.row.endpoint, mentions)
        : null,
  });

  for (const kref of visited) {
    const reaching = holders
      .of(kref)
      .filter(canReach)
      .sort((left, right) => rankOf(left) - rankOf(right));
    const [nearest] = reaching;
    if (nearest && viaOf(nearest) === undefined) {
      return heldByRoot(nearest, kref);
    }
    for (const holder of reaching) {
      const via = viaOf(holder);
      holdsItself ||= via === subject;
      if (via !== undefined && !visited.has(via)) {
        visited.add(via);
        heldBy.set(via, { held: kref, holder });
      }
    }
  }

  const all = holders.of(subject);
  if (holders.unseen > 0) {
    return { state: 'unknown', unseen: holders.unseen };
  }
  if (all.some(canReach)) {
    const among = [...visited].filter(kref => holdsItself || kref !== subject);
    return { state: 'cycle', among: cap(among, MOST_NAMED, mentions.ref) };
  }
  return { state: all.length > 0 ? 'recognizable' : 'unheld' };
};
harden(findLife);
