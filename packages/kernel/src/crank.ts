import harden from '@endo/harden';
import type { EndpointId } from '@cooperage/protocol';
import { makeBootstraps } from './bootstraps.ts';
import { makeCLists } from './clist.ts';
import { makeEndings } from './endings.ts';
import { makeActions } from './gc/actions.ts';
import { makeRefcounts } from './gc/refcounts.ts';
import { makeWorklist } from './gc/worklist.ts';
import { makeInbox, type Inbox, type InboxBounds } from './inbox.ts';
import { makeLosses } from './losses.ts';
import { makePromises } from './promises.ts';
import { makeRefusals } from './refusals.ts';
import { makeRouter } from './router.ts';
import type { State } from './store/state.ts';
import { makeSyscalls, type Exit } from './syscalls.ts';
import { makeFlights } from './translate/to-endpoint.ts';
import { makeUsage, type UsageBounds } from './usage.ts';

type CrankOptions = {
  readonly bounds: InboxBounds & UsageBounds;
  readonly onArrival: (endpoint: EndpointId) => void;
  readonly onExit: (endpoint: EndpointId, exit: Exit) => void;
  /** Rows of the dead that one crank clears away. */
  readonly clearedPerCrank: number;
  /** Nothing is left of an endpoint that has ended. Called inside the crank. */
  readonly onGone?: () => void;
  /** Something of the endpoint's was refused, and it is not told. Called inside the crank. */
  readonly onRefused?: (endpoint: EndpointId, problem: string) => void;
};

/** What is cleared away in steps. */
const joinLeavings = (
  state: State,
  powers: Omit<Parameters<typeof makeEndings>[1], 'refusals'> & {
    inbox: Inbox;
  },
) => {
  const refusals = makeRefusals(state, powers);
  const endings = makeEndings(state, { ...powers, refusals });
  const losses = makeLosses(state, { ...powers, refusals });
  return { refusals, endings, losses };
};

const joinParts = (
  state: State,
  { onArrival, onExit, bounds, clearedPerCrank, ...options }: CrankOptions,
) => {
  const { onGone = () => {}, onRefused = () => {} } = options;
  const refcounts = makeRefcounts(state);
  const usage = makeUsage(state, bounds);
  const clists = makeCLists(state, { refcounts, usage });
  const inbox = makeInbox(state, {
    refcounts,
    route: message => router.route(message),
    passOn: (message, promise) => router.passOn(message, promise),
    onArrival,
    bounds,
  });
  const bootstraps = makeBootstraps(state, refcounts);
  const room = { inbox, usage, onRefused };
  const most = clearedPerCrank;
  const common = { ...room, refcounts, bootstraps, most };
  const promises = makePromises(state, common);
  const router = makeRouter(state, { ...room, promises });
  const flights = makeFlights(state, { clists, promises, inbox });
  const actions = makeActions(state);
  const worklist = makeWorklist(state, { ...common, actions, promises });
  const leavings = joinLeavings(state, {
    refcounts,
    actions,
    clists,
    promises,
    inbox,
    most,
    onGone,
  });
  const applySyscall = makeSyscalls(state, {
    clists,
    promises,
    inbox,
    route: router.route,
    onExit,
  });
  return {
    bootstraps,
    refcounts,
    usage,
    actions,
    worklist,
    clists,
    inbox,
    promises,
    route: router.route,
    flights,
    ...leavings,
    applySyscall,
  };
};

/** The parts that change the tables, joined; all of them are to be used inside `run`. */
export const makeCrankParts = (
  state: State,
  {
    afterCrank,
    ...options
  }: CrankOptions & {
    /** Called after each kept crank: where tests check the invariants. */
    readonly afterCrank: () => void;
  },
) => {
  const parts = joinParts(state, options);

  /** Runs one crank: all that `work` writes is applied, or, when it throws, nothing. */
  const run = <Result>(work: () => Result): Result => {
    state.store.begin();
    parts.promises.beginCrank();
    let result: Result;
    try {
      result = work();
      parts.worklist.settle();
    } catch (problem) {
      state.store.undo();
      throw problem;
    }
    state.store.keep();
    afterCrank();
    return result;
  };

  return { ...parts, run };
};
harden(makeCrankParts);

export type CrankParts = ReturnType<typeof makeCrankParts>;
