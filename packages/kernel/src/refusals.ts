import harden from '@endo/harden';
import {
  encodeError,
  type CapData,
  type Kref,
  type VatId,
} from '@cooperage/protocol';
import type { Inbox } from './inbox.ts';
import type { Promises } from './promises.ts';
import { findRoute } from './router.ts';
import type { QueueRow } from './store/schema.ts';
import type { State } from './store/state.ts';

/** Abandoned deliveries of one message before it is given up. One that has so many is refused, in steps, and never delivered. */
const MOST_TRIES = 3;

/** Stands for tries where there were none: the vat could not run when steps began to refuse the item. */
const COULD_NOT_RUN = 1_000;

/** Items that a step looks at for each that it may refuse. */
const LOOKS = 10;

/**
 * Rejects what can't be delivered, however much it is, in steps of so many
 * rows; all of it inside a crank. A promise can have an inbox full of messages
 * parked on it, and so can the answer to each of them. As all of that is to be
 * rejected alike, what is parked on an answer is moved, each at most once, to
 * the promise in front, until nothing is left that one rejection would bring along.
 */
export const makeRefusals = (
  state: State,
  {
    promises,
    inbox,
    most,
  }: {
    promises: Promises;
    inbox: Inbox;
    /** Rows that one step refuses. */
    most: number;
  },
) => {
  const isUnresolved = (kref: Kref): boolean =>
    state.promises.get(kref)?.state === 'unresolved';

  /** The next item parked on the promise; last comes one that the promise itself is to answer. */
  const nextParked = (kref: Kref): QueueRow | undefined => {
    const [first, second] = state.queueByName.firsts(kref, 2);
    return first?.result === kref ? (second ?? first) : first;
  };

  /** Rejects what the item was to answer, on which nothing is parked. */
  const refuse = (item: QueueRow, data: CapData<Kref>): void => {
    inbox.remove(item);
    if (item.kind === 'message' && item.result !== null) {
      promises.resolve(item.result, true, data);
    }
  };

  /** Rejects an unresolved promise unless more is parked on it than may be refused; gives how many rows that took. */
  const reject = (kref: Kref, data: CapData<Kref>, limit: number): number => {
    for (let rows = 1; rows <= limit; rows += 1) {
      const item = nextParked(kref);
      if (item === undefined) {
        if (isUnresolved(kref)) {
          promises.resolve(kref, true, data);
        }
        return rows;
      }
      const behind =
        item.result === null || item.result === kref
          ? undefined
          : state.queueByName.first(item.result);
      if (behind) {
        state.queue.put({ ...behind, queue: kref, target: kref });
      } else {
        refuse(item, data);
      }
    }
    return limit;
  };

  /** Takes items off their inbox and rejects what they were to answer, at most so many rows; gives how many. */
  const refuseItems = (
    items: readonly QueueRow[],
    data: CapData<Kref>,
    limit: number,
  ): number => {
    let left = limit;
    for (const item of items) {
      if (left <= 0) {
        break;
      }
      const { kind, result } = item;
      const isAnswer = kind === 'message' && result !== null;
      left -= isAnswer ? reject(result, data, left) : 1;
      if (!isAnswer || !isUnresolved(result)) {
        inbox.remove(item);
      }
    }
    return limit - left;
  };

  /** Vats whose code can't run and for which messages may wait. A crank that was undone may have left one; the tables are believed. */
  const failed = new Map<VatId, null>();
  /** Vats that have lost objects for which messages may wait, and where those wait of which it is not known yet. */
  const sifted = new Map<VatId, { positions?: number[] }>();

  const failureOf = (vat: VatId): string | null =>
    state.vats.get(vat)?.failure ?? null;

  /** Its first messages reject while its row says that its code can't run; gives how many rows that took. */
  const refuseFor = (vat: VatId, limit: number): number => {
    const failure = failureOf(vat);
    return failure === null
      ? 0
      : refuseItems(
          state.messages.firsts(vat, limit),
          dataOfFailure(vat, failure),
          limit,
        );
  };

  const isLeftFor = (vat: VatId): boolean =>
    failureOf(vat) !== null && state.messages.count(vat) > 0;

  /** Rejects the item when its object is not the vat's any more. */
  const siftItem = (vat: VatId, position: number, limit: number): number => {
    const item = inbox.get(position);
    if (
      item?.queue !== vat ||
      item.kind !== 'message' ||
      state.objects.get(item.target)?.owner === vat
    ) {
      return 0;
    }
    const route = findRoute(state, item.target);
    if (route.to === 'reject') {
      return refuseItems([item], route.data, limit);
    }
    inbox.reroute(item);
    return 1;
  };

  /** Works through positions, the last one first; gives how many rows that took, and so many looks are one. Those that are left stay in the list. */
  const sift = (vat: VatId, positions: number[], limit: number): number => {
    let left = limit;
    let looks = 0;
    for (; looks < limit * LOOKS && left > 0; looks += 1) {
      const position = positions.pop();
      if (position === undefined) {
        break;
      }
      left -= siftItem(vat, position, left);
      if (left <= 0 && inbox.get(position)?.queue === vat) {
        positions.push(position);
      }
    }
    return Math.max(limit - left, Math.ceil(looks / LOOKS));
  };

  /** Positions of items that are given up, and what they reject with. Here too the tables are believed. */
  const givenUp = new Map<number, CapData<Kref>>();

  /** Never a notify: it would be lost, and a durable watcher that waits for it would bring it back as one without a try. */
  const isGivenUp = (item: QueueRow | undefined): item is QueueRow =>
    item?.kind === 'message' && item.tries >= MOST_TRIES;

  const dataOfTries = ({ tries }: QueueRow, reason = ''): CapData<Kref> =>
    encodeError(
      'Error',
      tries === COULD_NOT_RUN
        ? 'its vat could not run'
        : `given up after ${tries} tries${reason}`,
    );

  const dataOfFailure = (vat: VatId, failure: string): CapData<Kref> =>
    encodeError('Error', `vat ${vat} can't run: ${failure}`);

  /** Gives how many rows that took. */
  const refuseGivenUp = (position: number, limit: number): number => {
    const item = inbox.get(position);
    if (!isGivenUp(item)) {
      givenUp.delete(position);
      return 0;
    }
    const data = givenUp.get(position) ?? dataOfTries(item);
    const rows = refuseItems([item], data, limit);
    if (inbox.get(position)) {
      givenUp.set(position, data);
    } else {
      givenUp.delete(position);
    }
    return rows;
  };

  const positionsIn = (vat: VatId): number[] =>
    inbox
      .items(vat)
      .map(({ position }) => position)
      .reverse();

  /** Refuses at most so many rows of one after the other; gives how many more may be. Whoever had a turn comes last the next time. */
  const inTurn = <Key, Value>(
    all: Map<Key, Value>,
    limit: number,
    refuseSome: (key: Key, limit: number, value: Value) => number,
  ): number => {
    let left = limit;
    for (const [key, value] of [...all]) {
      if (left <= 0) {
        break;
      }
      left -= refuseSome(key, left, value);
      if (all.delete(key)) {
        all.set(key, value);
      }
    }
    return left;
  };

  /** They take turns: whoever has much to be refused, of whatever kind, delays others by a step. */
  const kinds = [
    (limit: number) => inTurn(givenUp, limit, refuseGivenUp),
    (limit: number) =>
      inTurn(failed, limit, (vat, left) => {
        const rows = refuseFor(vat, left);
        if (!isLeftFor(vat)) {
          failed.delete(vat);
        }
        return rows;
      }),
    (limit: number) =>
      inTurn(sifted, limit, (vat, left, known) => {
        known.positions ??= positionsIn(vat);
        const rows = sift(vat, known.positions, left);
        if (known.positions.length === 0) {
          sifted.delete(vat);
        }
        return rows;
      }),
  ];

  return harden({
    reject,
    refuseItems,
    /** A delivery of the item was abandoned. Tried often enough it rejects, some of it now, the rest in steps. */
    countTry: (item: QueueRow, reason: string): void => {
      const tried = inbox.countTry(item);
      if (isGivenUp(tried)) {
        givenUp.set(tried.position, dataOfTries(tried, `: ${reason}`));
        refuseGivenUp(tried.position, most);
      }
    },
    /** What waits first for the vat is given up: steps refuse it, before anything is delivered. */
    isRefusing: (vat: VatId): boolean => {
      const head = givenUp.size > 0 ? inbox.head(vat) : undefined;
      return isGivenUp(head);
    },
    /** The vat's code can't run, and its row says so: its messages reject, some now, the rest in steps. */
    fail: (vat: VatId): void => {
      refuseFor(vat, most);
      if (isLeftFor(vat)) {
        failed.set(vat, null);
      }
    },
    /**
     * Its code is to run again: to be called before its row says so, in that
     * crank. A message that steps have begun to refuse is never delivered, and
     * refused on in steps, before what comes after it: what was sent to the
     * answers behind it may wait for its own by now.
     */
    unfail: (vat: VatId): void => {
      const failure = failureOf(vat);
      const [first] = failure === null ? [] : state.messages.firsts(vat, 1);
      if (failure !== null && first !== undefined) {
        inbox.giveUp(first, COULD_NOT_RUN);
        givenUp.set(first.position, dataOfFailure(vat, failure));
        refuseGivenUp(first.position, most);
      }
    },
    /** The vat has lost objects: what waits for them rejects, some now, the rest in steps, also if the vat does not run for long. */
    sift: (vat: VatId): void => {
      const positions = positionsIn(vat);
      sift(vat, positions, most);
      if (positions.length > 0) {
        sifted.set(vat, {});
      }
    },
    /** Of what waits for the vat it is not known yet what can still be delivered. */
    isSifting: (vat: VatId): boolean => sifted.has(vat),
    /** What an earlier run may have left. */
    restore: (): void => {
      for (const { id } of state.vats.values()) {
        if (isLeftFor(id)) {
          failed.set(id, null);
        }
        // What came later, or a notify, may stand before one that is given up.
        for (const item of inbox.items(id).filter(isGivenUp)) {
          givenUp.set(item.position, dataOfTries(item));
        }
        if (state.messages.count(id) > 0) {
          sifted.set(id, {});
        }
      }
    },
    isDone: (): boolean =>
      failed.size === 0 && sifted.size === 0 && givenUp.size === 0,
    /** A bounded part of what is left; in a crank of its own, which is not undone. */
    step: (): void => {
      let left = most;
      for (const refuseSome of kinds) {
        left = refuseSome(left);
      }
      kinds.push(...kinds.splice(0, 1));
    },
  });
};
harden(makeRefusals);

export type Refusals = ReturnType<typeof makeRefusals>;
