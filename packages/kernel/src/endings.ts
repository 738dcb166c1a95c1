import harden from '@endo/harden';
import {
  encodeError,
  isPromiseKref,
  type CapData,
  type EndpointId,
  type Kref,
  type SessionId,
  type VatId,
} from '@cooperage/protocol';
import type { CLists } from './clist.ts';
import type { Actions } from './gc/actions.ts';
import type { Refcounts } from './gc/refcounts.ts';
import type { Promises } from './promises.ts';
import type { Refusals } from './refusals.ts';
import type { CListRow } from './store/schema.ts';
import type { State } from './store/state.ts';

/**
 * Vats and sessions that have ended, and what they leave. An endpoint is dead to
 * everybody in the crank that ends it: its own row is gone, a row of `endings`
 * stands for what is left, and from then on nothing comes to it, nothing is due
 * to it, and what is sent to its objects rejects. The rest is cleared away in
 * steps of so many rows, each a crank or a part of one: promises that it was to
 * decide reject, what waits in its inbox rejects, its c-list goes (exports are
 * orphans, imports are released), and what its store had not folded yet. All of that only
 * becomes less, so a crash between any two steps leaves nothing but fewer steps.
 */
export const makeEndings = (
  state: State,
  {
    refcounts,
    actions,
    clists,
    promises,
    refusals,
    most,
    onGone,
  }: {
    refcounts: Refcounts;
    actions: Actions;
    clists: CLists;
    promises: Promises;
    refusals: Refusals;
    /** Rows that one step clears away. */
    most: number;
    /** Nothing is left of an endpoint. Called inside the crank. */
    onGone: () => void;
  },
) => {
  const forgetEntry = (endpoint: EndpointId, row: CListRow): void => {
    if (isPromiseKref(row.kref)) {
      promises.unsubscribe(endpoint, row.kref);
    }
    clists.remove(row);
  };

  /** Clears away at most so many rows; gives how many. */
  const clear = (
    endpoint: EndpointId,
    data: CapData<Kref>,
    limit: number,
  ): number => {
    let left = limit;
    for (const { kref } of state.promisesByDecider.firsts(endpoint, limit)) {
      left -= refusals.reject(kref, data, left);
    }
    const clearRows = <Row>(
      rows: readonly Row[],
      remove: (row: Row) => void,
    ): void => {
      rows.forEach(remove);
      left -= rows.length;
    };
    left -= refusals.refuseItems(
      state.queueByName.firsts(endpoint, left),
      data,
      left,
    );
    clearRows(state.clistByEndpoint.firsts(endpoint, left), row =>
      forgetEntry(endpoint, row),
    );
    clearRows(state.retiringBySession.firsts(endpoint, left), row => {
      state.retiring.delete(endpoint as SessionId, row.vref);
      refcounts.release(row.kref);
    });
    clearRows(state.changesByVat.firsts(endpoint, left), ({ key }) =>
      state.vatChanges.delete(endpoint as VatId, key),
    );
    return limit - left;
  };

  let steps = 0;

  /** The dead, from another one on at each step: who has left much delays the others by a step. */
  const inTurn = () => {
    const all = [...state.endings.values()];
    const first = steps % all.length;
    steps += 1;
    return [...all.slice(first), ...all.slice(0, first)];
  };

  return harden({
    /** The endpoint, whose own row goes in the same crank, is dead from now on. To be followed by a `step`. */
    begin: (endpoint: EndpointId, reason: string): void => {
      state.endings.put({ endpoint, reason });
      actions.forget(endpoint);
    },
    /** Clears away a bounded part of what the dead have left, to be used inside a crank. */
    step: (): void => {
      let left = most;
      for (const { endpoint, reason } of inTurn()) {
        const data = encodeError('Error', reason);
        left -= clear(endpoint, data, left);
        if (left <= 0) {
          break;
        }
        state.endings.delete(endpoint);
        onGone();
      }
    },
  });
};
harden(makeEndings);

export type Endings = ReturnType<typeof makeEndings>;
