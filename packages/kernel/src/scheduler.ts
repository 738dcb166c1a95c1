import harden from '@endo/harden';
import {
  isServiceId,
  isSessionId,
  isVatId,
  type EndpointId,
  type ServiceId,
  type SessionId,
  type VatId,
} from '@cooperage/protocol';
import type { Inbox } from './inbox.ts';
import type { QueueRow } from './store/schema.ts';

/** What the scheduler asks of the one who delivers. */
export type Dispatcher = {
  /** Delivers to a session, at once. */
  toSession(session: SessionId): void;
  /** False while the session's client has much to read: what waits for it waits on, but what the kernel has to tell. */
  isReading(session: SessionId): boolean;
  /** Answers the service's next call, at once. */
  toService(service: ServiceId): void;
  /** False when services have answered enough for now. */
  hasTimeForServices(): boolean;
  /** True when the vat can take a delivery, or be started for one, now. */
  isFree(vat: VatId): boolean;
  /** True when the vat's worker is there: the next thing for it is a delivery. */
  isReady(vat: VatId): boolean;
  /** True while the vat's worker is on its way. */
  isStarting(vat: VatId): boolean;
  isFlying(vat: VatId): boolean;
  /** Whether a delivery to a vat that is ready may begin now, for all that others are to be alone. */
  isLetIn(vat: VatId): boolean;
  /** Does the next thing for the vat: starts its worker, delivers, or refuses the item. */
  toVat(vat: VatId, item: QueueRow | undefined): void;
  /** Endpoints for which the kernel has a delivery of its own, which comes before what waits for them. */
  withChores(): readonly EndpointId[];
  /** Makes that delivery; to a vat that is ready, or to a session. */
  toChore(endpoint: EndpointId): void;
  /** How many deliveries are in flight. */
  inFlight(): number;
  /** Whether there is a place for one more; asked for a vat that could take it. */
  isPlace(vat: VatId): boolean;
};

type Turn = {
  readonly endpoint: EndpointId;
  readonly item: QueueRow | undefined;
  readonly isChore: boolean;
};

/**
 * Chooses whose turn it is. Vats run in parallel, each with one delivery in
 * flight, as many of them as there are places. Among those that can take a delivery it is the
 * one that had its last turn the longest ago. A turn is a few deliveries, as long
 * as they are short and one waits when another ends: what belongs together comes
 * together, and threads and caches stay warm. With `most` 1 a turn is one
 * delivery, to the vat whose next item arrived first: a strict global order.
 */
export const makeScheduler = ({
  inbox,
  dispatcher,
  most,
  turn,
  now,
}: {
  inbox: Pick<Inbox, 'head'>;
  dispatcher: Dispatcher;
  most: number;
  /** How many deliveries a turn is at most, and after how long none is added. */
  turn: { readonly deliveries: number; readonly milliseconds: number };
  now: () => number;
}) => {
  /** Endpoints that may have something to be delivered. */
  const awake = new Set<EndpointId>();
  /** Vats to be started although nothing waits for them. */
  const eager = new Set<VatId>();
  /** Turns under way: when each began, and its deliveries until now. */
  const underWay = new Map<VatId, { began: number; count: number }>();
  /** When a vat had its last turn, as the number of that turn. */
  const lastTurns = new Map<EndpointId, number>();
  let turns = 0;

  let isClosed = false;
  let isPaused = false;
  /** Told to which vat a step has delivered; first come, first served. */
  let steps: ((vat: VatId) => void)[] = [];
  /** The vat that the next step is for: its worker starts. */
  let stepping: VatId | undefined;

  /** A worker that only starts runs no code of its vat. */
  const isAllowed = (vat: VatId): boolean =>
    !dispatcher.isReady(vat) || dispatcher.isLetIn(vat);

  /** Whether the pause, if there is one, lets the vat have a turn. */
  const isInStep = (vat: VatId): boolean =>
    !isPaused ||
    (steps.length > 0 && (stepping === undefined || stepping === vat));

  const canTakeTurn = ({ endpoint, isChore }: Turn): boolean =>
    (isSessionId(endpoint) && (isChore || dispatcher.isReading(endpoint))) ||
    (isServiceId(endpoint) && !isClosed && dispatcher.hasTimeForServices()) ||
    (isVatId(endpoint) &&
      !isClosed &&
      isInStep(endpoint) &&
      dispatcher.isFree(endpoint) &&
      isAllowed(endpoint) &&
      dispatcher.isPlace(endpoint));

  /** Sessions and services have no turns: what is for them is on its way out, or done at once. */
  const turnOf = ({ endpoint }: Turn): number =>
    most === 1 ? 0 : (lastTurns.get(endpoint) ?? 0);
  const arrivalOf = ({ item, isChore }: Turn): number =>
    isChore ? 0 : (item?.position ?? Infinity);
  /** Whether the vat's turn goes on. */
  const isOn = ({ endpoint, isChore }: Turn): boolean => {
    const begun =
      isVatId(endpoint) && !isChore ? underWay.get(endpoint) : undefined;
    return (
      begun !== undefined &&
      begun.count < turn.deliveries &&
      now() - begun.began < turn.milliseconds
    );
  };
  const isBefore = (left: Turn, right: Turn): boolean =>
    (Number(isOn(right)) - Number(isOn(left)) ||
      turnOf(left) - turnOf(right) ||
      arrivalOf(left) - arrivalOf(right)) < 0;

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
      if (canTakeTurn(turn) && (!best || isBefore(turn, best))) {
        best = turn;
      }
    };
    if (!isPaused && !isClosed) {
      for (const endpoint of dispatcher.withChores()) {
        consider({ endpoint, item: undefined, isChore: true });
      }
    }
    for (const endpoint of awake) {
      const item = inbox.head(endpoint);
      if (item) {
        consider({ endpoint, item, isChore: false });
      } else {
        awake.delete(endpoint);
      }
    }
    for (const vat of eager) {
      consider({ endpoint: vat, item: inbox.head(vat), isChore: false });
    }
    return best;
  };

  const countTurn = (vat: VatId): void => {
    turns += 1;
    lastTurns.set(vat, turns);
  };

  /** The delivery goes on with the turn under way, or begins one. */
  const goOn = (vat: VatId): void => {
    const begun = underWay.get(vat);
    if (begun && isOn({ endpoint: vat, item: undefined, isChore: false })) {
      begun.count += 1;
    } else {
      underWay.set(vat, { began: now(), count: 1 });
      countTurn(vat);
    }
  };

  const giveTurn = (vat: VatId, item: QueueRow | undefined): void => {
    eager.delete(vat);
    dispatcher.toVat(vat, item);
    if (dispatcher.isFlying(vat)) {
      goOn(vat);
      if (isPaused) {
        stepping = undefined;
        steps.shift()?.(vat);
      }
    } else if (isPaused) {
      stepping = vat;
    }
  };

  const giveChore = (endpoint: EndpointId): void => {
    dispatcher.toChore(endpoint);
    if (isVatId(endpoint) && dispatcher.isFlying(endpoint)) {
      countTurn(endpoint);
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
        if (next.isChore) {
          giveChore(next.endpoint);
        } else if (isSessionId(next.endpoint)) {
          dispatcher.toSession(next.endpoint);
        } else if (isServiceId(next.endpoint)) {
          dispatcher.toService(next.endpoint);
        } else if (isVatId(next.endpoint)) {
          giveTurn(next.endpoint, next.item);
        }
      }
      for (const vat of underWay.keys()) {
        if (!dispatcher.isFlying(vat)) {
          underWay.delete(vat);
        }
      }
    },
    /** No vat and no service has a turn any more; sessions are still told what is for them. */
    close: (): void => {
      isClosed = true;
    },
    isPaused: () => isPaused,
    /** On what, beside the tables and who is free, it hangs whose turn is next. */
    memory: () => ({
      lastTurns: [...lastTurns]
        .sort(([, left], [, right]) => left - right)
        .map(([endpoint]) => endpoint),
      underWay: [...underWay],
      eager: [...eager],
      steps: steps.length,
      stepping,
    }),
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
