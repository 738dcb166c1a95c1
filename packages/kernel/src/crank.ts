import harden from '@endo/harden';
import type { CapData, EndpointId, Kref } from '@cooperage/protocol';
import { makeCLists } from './clist.ts';
import { makeInbox, type InboxBounds } from './inbox.ts';
import { makePromises } from './promises.ts';
import { makeRefcounts } from './refcounts.ts';
import { makeRouter } from './router.ts';
import type { State } from './store/state.ts';
import { makeSyscalls } from './syscalls.ts';
import { makeFlights } from './translate/to-endpoint.ts';

/** The parts that change the tables, joined; all of them are to be used inside `run`. */
export const makeCrankParts = (
  state: State,
  {
    onArrival,
    onExit,
    afterCrank,
    bounds,
  }: {
    bounds: InboxBounds;
    onArrival: (endpoint: EndpointId) => void;
    onExit: (endpoint: EndpointId, info: CapData<Kref>) => void;
    /** Called after each kept crank: where tests check the invariants. */
    afterCrank: () => void;
  },
) => {
  const refcounts = makeRefcounts(state);
  const clists = makeCLists(state, refcounts);
  const inbox = makeInbox(state, {
    refcounts,
    route: message => router.route(message),
    onArrival,
    bounds,
  });
  const promises = makePromises(state, { refcounts, inbox });
  const router = makeRouter(state, { promises, inbox });
  const flights = makeFlights(state, { clists, promises, inbox });
  const applySyscall = makeSyscalls(state, {
    clists,
    refcounts,
    promises,
    route: router.route,
    onExit,
  });

  /** Runs one crank: all that `work` writes is applied, or, when it throws, nothing. */
  const run = <Result>(work: () => Result): Result => {
    state.store.begin();
    let result: Result;
    try {
      result = work();
      refcounts.settle();
    } catch (problem) {
      refcounts.forget();
      state.store.undo();
      throw problem;
    }
    state.store.keep();
    afterCrank();
    return result;
  };

  return {
    refcounts,
    clists,
    inbox,
    promises,
    route: router.route,
    flights,
    applySyscall,
    run,
  };
};
harden(makeCrankParts);

export type CrankParts = ReturnType<typeof makeCrankParts>;
