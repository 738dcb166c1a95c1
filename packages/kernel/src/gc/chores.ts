import harden from '@endo/harden';
import {
  isPromiseKref,
  isSessionId,
  isVatId,
  type EndpointId,
  type VatId,
} from '@cooperage/protocol';
import type { Inbox } from '../inbox.ts';
import type { Done } from '../translate/check.ts';
import type { Flight, Flights } from '../translate/to-endpoint.ts';
import type { Actions } from './actions.ts';
import type { Dirt } from './dirt.ts';

const objectsGivenBy = ({ additions, reached }: Flight): number => {
  let count = reached.size;
  for (const kref of additions.keys()) {
    count += isPromiseKref(kref) ? 0 : 1;
  }
  return count;
};

/**
 * Deliveries that the kernel makes of itself: a vat is reaped
 * (bringOutYourDead), an endpoint is told what is due to it (dropExports,
 * retireExports, retireImports). A chore takes a turn as a message does; between
 * two chores of an endpoint an item that waits gets its turn, so that neither
 * holds up the other for ever.
 *
 * At work a vat is reaped when it is dirty enough, and an endpoint told when much
 * is due to it, or when it was long ago (`reap`, `tell`). While a collection is under way (`setEager`) everybody is told.
 */
export const makeChores = ({
  actions,
  dirt,
  flights,
  inbox,
  isAwake,
  actionsPerDelivery,
  onWork,
}: {
  actions: Actions;
  dirt: Dirt;
  flights: Flights;
  inbox: Inbox;
  /** True when the vat has a heap, and may be delivered to: no vat is started for a chore. */
  isAwake: (vat: VatId) => boolean;
  /** References in one delivery, at most; so many make much. */
  actionsPerDelivery: number;
  /** A delivery to a vat has been applied; false unless it was the kernel's own. */
  onWork: (isChore: boolean) => void;
}) => {
  /** Vats that are to be reaped. */
  const toReap = new Set<VatId>();
  /** Endpoints that are to be told what is due to them, be it little: one delivery's worth. */
  const toTell = new Set<EndpointId>();
  /** Endpoints whose last delivery was a chore. */
  const served = new Set<EndpointId>();
  let isEager = false;

  const isMuchDue = (endpoint: EndpointId): boolean =>
    isEager ||
    toTell.has(endpoint) ||
    actions.count(endpoint) >= actionsPerDelivery;

  /** It is there, and no item has been waiting for longer than its last chore. */
  const isAtHand = (endpoint: EndpointId): boolean =>
    !(served.has(endpoint) && inbox.head(endpoint)) &&
    (isVatId(endpoint) ? isAwake(endpoint) : isSessionId(endpoint));

  const reap = (vat: VatId): Flight => {
    toReap.delete(vat);
    served.add(vat);
    dirt.reapBegins(vat);
    return flights.reap(vat);
  };

  return harden({
    /** Endpoints that have a chore to do and are there to do it. */
    due: (): readonly EndpointId[] => {
      const found: EndpointId[] = [];
      for (const endpoint of actions.endpoints()) {
        if (isMuchDue(endpoint) && isAtHand(endpoint)) {
          found.push(endpoint);
        }
      }
      for (const vat of toReap) {
        if (isAtHand(vat)) {
          found.push(vat);
        }
      }
      return found;
    },
    /** The endpoint's next chore; undefined when a closer look finds nothing to do. */
    next: (endpoint: EndpointId): Flight | undefined => {
      const action = isMuchDue(endpoint)
        ? actions.next(endpoint, actionsPerDelivery)
        : undefined;
      toTell.delete(endpoint);
      if (action) {
        served.add(endpoint);
        return flights.tell(endpoint, action);
      }
      return isVatId(endpoint) && toReap.has(endpoint)
        ? reap(endpoint)
        : undefined;
    },
    /** The endpoint gets an item. */
    yield: (endpoint: EndpointId): void => {
      served.delete(endpoint);
    },
    /** A delivery to the vat has been applied. */
    landed: (
      vat: VatId,
      flight: Flight,
      { isUnsure, hasMore }: Pick<Done, 'isUnsure' | 'hasMore'>,
    ): void => {
      const [kind] = flight.delivery;
      let isToReap = hasMore;
      if (kind === 'startVat') {
        toReap.delete(vat); // what the heap before this one held is swept
        dirt.forget(vat);
      } else if (kind === 'bringOutYourDead') {
        dirt.reapEnds(vat);
      } else {
        isToReap = dirt.count(
          vat,
          objectsGivenBy(flight),
          flight.action !== null,
        );
      }
      if (isToReap) {
        toReap.add(vat);
      }
      if (isUnsure) {
        dirt.owe(vat); // it is reaped again at the next idleness
      }
      onWork(flight.item === null);
    },
    reap: (vat: VatId): void => {
      toReap.add(vat);
    },
    tell: (endpoint: EndpointId): void => {
      toTell.add(endpoint);
    },
    /** The reap of a vat that is there, out of turn. */
    reapNow: reap,
    setEager: (eager: boolean): void => {
      isEager = eager;
    },
    /** On what, beside what is due, it hangs who has a chore. */
    memory: () => ({
      toReap: [...toReap],
      toTell: [...toTell],
      served: [...served].sort(),
      isEager,
    }),
    /** The endpoint is no more. */
    forget: (endpoint: EndpointId): void => {
      served.delete(endpoint);
      toTell.delete(endpoint);
      if (isVatId(endpoint)) {
        toReap.delete(endpoint);
        dirt.forget(endpoint);
      }
    },
  });
};
harden(makeChores);

export type Chores = ReturnType<typeof makeChores>;
