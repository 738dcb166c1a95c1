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
  /** True when the vat's worker is there: the next thing for it is a delivery. */
  isReady(vat: VatId): boolean;
  /** True while the vat's worker is on its way. */
  isStarting(vat: VatId): boolean;
  isFlying(vat: VatId): boolean;
  /** Vats that are to be delivered to alone. */
  suspects(): ReadonlySet<VatId>;
  /** Does the next thing for the vat: starts its worker, delivers, or refuses the item. */
  toVat(vat: VatId, item: QueueRow | undefined): void;
  /** How many deliveries are in flight. */
  inFlight(): number;
};

type Turn = {
  readonly endpoint: EndpointId;
  readonly item: QueueRow | undefined;
};

/**
 * Chooses whose turn it is. Vats run in parallel, each with one delivery in
 * flight, `most` of them at once. Among those that can take a delivery it is the
 * one that had its last turn the longest ago; with `most` 1 it is the one whose
 * next item arrived first: a strict global order.
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
  /** When a vat had its last turn, as the number of that turn. */
  const lastTurns = new Map<EndpointId, number>();
  let turns = 0;

  let isPaused = false;
  /** Told to which vat a step has delivered; first come, first served. */
  let steps: ((vat: VatId) => void)[] = [];
  /** The vat that the next step is for: its worker starts. */
  let stepping: VatId | undefined;

  /** False for all but one while a suspect is to be alone. A worker that only starts runs no code of its vat. */
  const isAllowed = (vat: VatId): boolean => {
    const suspects = dispatcher.suspects();
    if (suspects.size === 0 || !dispatcher.isReady(vat)) {
      return true;
    }
    if (suspects.has(vat)) {
      return dispatcher.inFlight() === 0;
    }
    return ![...suspects].some(
      suspect =>
        dispatcher.isFlying(suspect) ||
        (dispatcher.isFree(suspect) &&
          dispatcher.isReady(suspect) &&
          inbox.head(suspect) !== undefined),
    );
  };

  /** Whether the pause, if there is one, lets the vat have a turn. */
  const isInStep = (vat: VatId): boolean =>
    !isPaused ||
    (steps.length > 0 && (stepping === undefined || stepping === vat));

  const canTakeTurn = (endpoint: EndpointId): boolean =>
    isSessionId(endpoint) ||
    (isVatId(endpoint) &&
      isInStep(endpoint) &&
      dispatcher.isFree(endpoint) &&
      dispatcher.inFlight() < most &&
      isAllowed(endpoint));

  /** Sessions have no turns: what is for them is on its way out. */
  const turnOf = ({ endpoint }: Turn): number =>
    most === 1 ? 0 : (lastTurns.get(endpoint) ?? 0);
  const arrivalOf = ({ item }: Turn): number => item?.position ?? Infinity;
  const isBefore = (left: Turn, right: Turn): boolean =>
    (turnOf(left) - turnOf(right) || arrivalOf(left) - arrivalOf(right)) < 0;

  /** A step waits for the worker of its vat, unless that comes to nothing. */
  const reviewStep = (): void => {
    if (
      stepping !== undefined &&
      !dispatcher.isStarting(stepping) &&
      !(
        dispatcher.isFree(stepping) &&
        (eager.has(stepping) || inbox.head(stepping))
      )
    ) {
      stepping = undefined;
    }
  };

  const pick = (): Turn | undefined => {
    reviewStep();
    let best: Turn | undefined;
    const consider = (turn: Turn): void => {
      if (canTakeTurn(turn.endpoint) && (!best || isBefore(turn, best))) {
        best = turn;
      }
    };
    for (const endpoint of awake) {
      const item = inbox.head(endpoint);
      if (item) {
        consider({ endpoint, item });
      } else {
        awake.delete(endpoint);
      }
    }
    for (const vat of eager) {
      consider({ endpoint: vat, item: inbox.head(vat) });
    }
    return best;
  };

  const giveTurn = (vat: VatId, item: QueueRow | undefined): void => {
    eager.delete(vat);
    dispatcher.toVat(vat, item);
    if (dispatcher.isFlying(vat)) {
      turns += 1;
      lastTurns.set(vat, turns);
      if (isPaused) {
        stepping = undefined;
        steps.shift()?.(vat);
      }
    } else if (isPaused) {
      stepping = vat;
    }
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
      lastTurns.delete(endpoint);
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
          giveTurn(next.endpoint, next.item);
        }
      }
    },
    isPaused: () => isPaused,
    /** No vat has a turn from now on; deliveries in flight end, and sessions are told what is for them. */
    pause: (): void => {
      isPaused = true;
    },
    unpause: (): void => {
      isPaused = false;
      steps = [];
      stepping = undefined;
    },
    /** Lets a paused kernel make one delivery, and calls back when it is made. Returns what takes an unused step back. */
    allowStep: (onStep: (vat: VatId) => void): (() => void) => {
      steps.push(onStep);
      return () => {
        steps = steps.filter(each => each !== onStep);
      };
    },
  };
};
harden(makeScheduler);

export type Scheduler = ReturnType<typeof makeScheduler>;
