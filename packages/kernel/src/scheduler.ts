import harden from '@endo/harden';
import {
  isSessionId,
  isVatId,
  type EndpointId,
  type SessionId,
  type VatId,
} from '@cooperage/protocol';
import type { Inbox } from './inbox.ts';
import type { QueueRow } from './store/schema.ts';

/** What the scheduler asks of the one who delivers. */
export type Dispatcher = {
  /** Delivers to a session, at once. */
  toSession(session: SessionId): void;
  /** True when the vat can take a delivery, or be started for one, now. */
  isFree(vat: VatId): boolean;
  /** Does the next thing for the vat: starts its worker, delivers, or refuses the item. */
  toVat(vat: VatId, item: QueueRow | undefined): void;
  /** How many deliveries are in flight. */
  inFlight(): number;
};

/**
 * Chooses whose turn it is: among those who can take a delivery, the one whose
 * next item arrived first. Vats run in parallel, each with one delivery in
 * flight, `most` of them at once; with 1 the order is that of arrival.
 */
export const makeScheduler = ({
  inbox,
  dispatcher,
  most,
}: {
  inbox: Inbox;
  dispatcher: Dispatcher;
  most: number;
}) => {
  /** Endpoints that may have something to be delivered. */
  const awake = new Set<EndpointId>();
  /** Vats to be started although nothing waits for them. */
  const eager = new Set<VatId>();

  const canTakeTurn = (endpoint: EndpointId): boolean =>
    isSessionId(endpoint) ||
    (isVatId(endpoint) &&
      dispatcher.isFree(endpoint) &&
      dispatcher.inFlight() < most);

  const pick = ():
    { endpoint: EndpointId; item: QueueRow | undefined } | undefined => {
    let best: { endpoint: EndpointId; item: QueueRow } | undefined;
    for (const endpoint of awake) {
      const item = inbox.head(endpoint);
      if (!item) {
        awake.delete(endpoint);
      } else if (
        canTakeTurn(endpoint) &&
        (!best || item.position < best.item.position)
      ) {
        best = { endpoint, item };
      }
    }
    if (best) {
      return best;
    }
    for (const vat of eager) {
      if (canTakeTurn(vat)) {
        eager.delete(vat);
        return { endpoint: vat, item: undefined };
      }
    }
    return undefined;
  };

  return {
    wake: (endpoint: EndpointId): void => {
      awake.add(endpoint);
    },
    wakeEagerly: (vat: VatId): void => {
      eager.add(vat);
    },
    forget: (endpoint: EndpointId): void => {
      awake.delete(endpoint);
      if (isVatId(endpoint)) {
        eager.delete(endpoint);
      }
    },
    /** Delivers as much as can be delivered now. */
    pump: (): void => {
      for (let next = pick(); next; next = pick()) {
        if (isSessionId(next.endpoint)) {
          dispatcher.toSession(next.endpoint);
        } else if (isVatId(next.endpoint)) {
          dispatcher.toVat(next.endpoint, next.item);
        }
      }
    },
  };
};
harden(makeScheduler);

export type Scheduler = ReturnType<typeof makeScheduler>;
