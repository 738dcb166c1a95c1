import harden from '@endo/harden';
import {
  isServiceId,
  isVatId,
  type KernelStatus,
  type VatId,
} from '@cooperage/protocol';
import type { DuplexStream } from '@cooperage/streams';
import { announceEnd } from './announce-end.ts';
import { boundsOf, mostsOf, mostUnfoldedOf } from './bounds.ts';
import { makeBundles } from './bundles.ts';
import { makeClusters } from './clusters.ts';
import { makeClientServer, type ClientOptions } from './control.ts';
import { makeCrankParts } from './crank.ts';
import { CriticalLoss } from './faults.ts';
import { joinEndpoints, type Calls } from './endpoints.ts';
import type { KernelOptions } from './kernel-options.ts';
import { makeInspector } from './inspect/inspector.ts';
import { makeKeptBundles } from './kept-bundles.ts';
import { makeLaunches } from './launch.ts';
import { makeLaunchLog, textOfRejection } from './launch-log.ts';
import { makeLives } from './lives.ts';
import { makeLogRate } from './log-rate.ts';
import { makeMerging } from './merging.ts';
import { makeNaming } from './naming.ts';
import { makeNews, type News } from './news.ts';
import { makePausing } from './pausing.ts';
import { makeOutputs, type Outputs } from './outputs.ts';
import { makePhase } from './phase.ts';
import type { Platform } from './ports.ts';
import { makeRefusalNews } from './refusal-news.ts';
import { makeRest } from './rest.ts';
import { makeRoom } from './room.ts';
import { makeStorageCheck } from './storage-check.ts';
import { makeStatus } from './status.ts';
import { makeStopping } from './stopping.ts';
import { makeState, type State } from './store/state.ts';
import { noteWriters } from './note-writers.ts';
import type { Exit } from './syscalls.ts';
import { makeUpgrades } from './upgrades.ts';
import { settleChild } from './services/vat-admin-children.ts';
import { makeStoreKeeper } from './vat-stores.ts';
import { makeStoreBounds } from './vats/store-bounds.ts';
import { makeTrials } from './vats/trials.ts';

/** Why heaps are lost that were there when the kernel ended. */
const RESTARTED = 'the kernel was restarted';

/** What others than its maker hear of it. */
const reasonOfExit = ({ data: { body } }: Exit): string =>
  `the vat ended itself: ${textOfRejection(body).slice(0, 500).toWellFormed()}`;

/** The tables, what changes them, and what makes the changes durable. */
const joinTables = (
  platform: Platform,
  options: KernelOptions,
  calls: Calls,
) => {
  const { onArrival, onExit, onGone, onRefused, onDamaged } = calls;
  const { onCommit, inFlight, stir, say } = calls;
  const { clock, stores } = platform;
  const bounds = boundsOf(options);
  const state = makeState(platform.db);
  const phase = makePhase();
  const merging = makeMerging({ ...platform, phase });
  let cranks = 0;
  const parts = makeCrankParts(state, {
    bounds,
    clearedPerCrank: options.clearedPerCrank ?? 100,
    onArrival,
    onGone,
    onRefused,
    onExit: (endpoint, exit) => {
      const vat = endpoint as VatId;
      settleChild(state, parts, vat, exit);
      onExit(vat, reasonOfExit(exit));
    },
    afterCrank: () => {
      cranks += 1;
      outputs.count();
      options.afterCrank?.(state, parts.worklist.isDone());
    },
  });
  const outputs = makeOutputs(state, {
    clock,
    phase,
    onCommit: () => [merging.committed, stir, onCommit].forEach(tell => tell()),
    inFlight,
    epochCranks: options.epochCranks ?? 1_024,
    epochMilliseconds: options.epochMilliseconds ?? 32,
    holdMilliseconds: options.holdMilliseconds ?? 2,
  });
  const keeper = makeStoreKeeper(state, {
    stores,
    commit: outputs.commitIfNeeded,
    mostUnfolded: mostUnfoldedOf(options),
    onDamaged,
  });
  const bundles = makeBundles(state, platform);
  return {
    state,
    phase,
    parts,
    outputs,
    keeper,
    lives: makeLives(state, parts, { now: clock.now, say }),
    bundles,
    kept: makeKeptBundles(state, {
      bundles,
      parts,
      phase,
      most: mostsOf(options).bundles,
    }),
    bounds: makeStoreBounds(state, {
      stores,
      usual: bounds.usual.storeBytes,
    }),
    trials: makeTrials(state, { ...platform, ...options, parts }),
    cranks: () => cranks,
  };
};

const joinNews = (
  { clock, log }: Platform,
  {
    state,
    outputs,
    status,
  }: { state: State; outputs: Outputs; status: () => KernelStatus },
): News =>
  makeNews({
    clock,
    log,
    status,
    ride: outputs.ride,
    isCommitted: () => !state.store.dirty,
  });

/** The kernel's rooms, joined. */
const joinRooms = (given: Platform, options: KernelOptions) => {
  const { platform, ...room } = makeRoom(given);
  const { clock } = platform;
  const calls: Calls = {
    onArrival: endpoint => scheduler.wake(endpoint),
    onExit: (vat, reason) => runner.exit(vat, reason),
    onGone: () => services.tidy(),
    onRefused: (endpoint, problem) => refusals.note(endpoint, problem),
    onDamaged: (vat, problem) => runner.spoil(vat, problem),
    upgrade: (vat, order) => upgrades.upgrade(vat, order),
    inFlight: () => runner.flights().values(),
    stir: () => news.stir(),
    onCommit: () => room.committed(),
    trace: makeEvent => news.trace(makeEvent),
    pump: () => pump(),
    say: (vat, level, text) =>
      news.write({ at: clock.now(), vat, label: labelOf(vat), level, text }),
    write: (label, level, text) =>
      news.write({ at: clock.now(), vat: null, label, level, text }),
    hear: (...line) => logRate.write(...line),
  };
  const refusals = makeRefusalNews({ say: calls.hear, write: calls.write });
  const labelOf = (vat: VatId): string => state.vats.get(vat)?.name ?? vat;
  const tables = joinTables(platform, options, calls);
  const { state, phase, parts, outputs, keeper, lives, trials } = tables;
  const logRate = makeLogRate(calls.say, { clock, phase, ...parts.usage });
  const endpoints = joinEndpoints(platform, options, tables, calls);
  const { clearance, collector, runner, scheduler, services } = endpoints;
  const status = (): KernelStatus =>
    makeStatus(state, {
      phase,
      clusters,
      runner,
      inbox: parts.inbox,
      isPaused: scheduler.isPaused(),
      launches: log.list(),
      sessions: endpoints.sessions.size,
      mosts: mostsOf(options),
      cranks: tables.cranks(),
      counters: platform.db.counters,
      room: room.known(),
    });
  const news = joinNews(platform, { state, outputs, status });
  const shared = { ...tables, ...endpoints, options };
  const clusters = makeClusters(state, shared);
  const log = makeLaunchLog(news.stir);
  const running = { ...shared, platform, clock, pump: calls.pump };
  const launches = makeLaunches(state, { ...running, clusters, log });
  const upgrades = makeUpgrades(state, running);
  const rest = makeRest(running);
  const stopping = makeStopping(running);

  /** Delivers what can be delivered; when there is nothing to wait for, commits. */
  const pump = (): void => {
    services.beginTurn();
    const mayBegin = !stopping.isUnderWay();
    if (mayBegin) {
      upgrades.goOn();
      endpoints.candidates.line.goOn();
    }
    do {
      scheduler.pump();
    } while (mayBegin && endpoints.isQuiet() && collector.goOn());
    clearance.pumped();
    rest.pumped();
    stopping.pumped();
    refusals.tell();
    news.stir();
  };

  const named = { clusters, naming: makeNaming(state, clusters) };
  const shown = { ...platform, ...parts, ...logRate };
  const server = makeClientServer(state, {
    ...shared,
    ...named,
    inspector: makeInspector(state, { ...named, ...shown }),
    launches,
    upgrades,
    status,
    watch: news.watch,
    collect: collector.collect,
    pump: () => phase.guard(pump),
    archive: platform.archive,
    check: makeStorageCheck(state, platform),
    pausing: makePausing({ scheduler, nextRest: rest.next }),
  });

  announceEnd(phase, news, clock);
  room.begin({ ...calls, phase, commit: outputs.commitIfNeeded });

  /** So a kernel that such a vat has stopped says why it was, and what is to be done. */
  const sayWhichCriticalAreSuspended = (): void => {
    for (const { critical, suspension, id } of state.vats.values()) {
      if (critical && suspension !== null) {
        const text = `this critical vat is suspended: ${suspension}; resume, restart, upgrade or terminate it`;
        calls.say(id, 'error', text);
      }
    }
  };

  /** What the last run left: heaps and sessions are gone, stores and queues are not. */
  const restore = (): void => {
    parts.worklist.restore();
    endpoints.sessions.purge();
    for (const { id } of [...state.vats.values()]) {
      parts.run(() => lives.loseHeap(id, RESTARTED));
    }
    parts.run(() => lives.resumeLosses(RESTARTED));
    const queues = state.queueByName.groups();
    queues.filter(isVatId).forEach(scheduler.wake);
    queues.filter(isServiceId).forEach(scheduler.wake);
    services.restore();
    parts.promises.restore();
    parts.refusals.restore();
    sayWhichCriticalAreSuspended();
    trials.restore(runner.giveUp);
    keeper.fold();
    keeper.deleteStrays();
    collector.restore();
    noteWriters(state);
  };

  const { memory } = endpoints;
  return { ...tables, memory, status, rest, stopping, server, pump, restore };
};

/**
 * Starts a kernel over what the platform's storage holds. Owns the platform
 * until `stop`. Throws CooperageError STORAGE_FAILED when the storage can't be read.
 */
export const makeKernel = (platform: Platform, options: KernelOptions = {}) => {
  const rooms = joinRooms(platform, options);
  const { state, memory, status, phase, keeper } = rooms;
  const { rest, stopping, server, pump, restore } = rooms;

  const idle = async (): Promise<void> => {
    phase.insistRunning();
    const rested = rest.next();
    platform.clock.soon(() => phase.guard(pump));
    await rested;
  };

  const stop = async (): Promise<void> => {
    try {
      if (phase.isRunning()) {
        await stopping.comeToRest();
        phase.guard(keeper.fold);
        phase.insistRunning(); // a storage that failed now, too
        phase.end('stopped');
      }
    } finally {
      platform.db.close();
      platform.stores.close();
    }
  };
  let stopped: Promise<void> | undefined;

  const ended = new Promise<KernelStatus>(resolve => {
    phase.onEnd(() => resolve(status()));
  });

  try {
    restore();
  } catch (problem) {
    if (!(problem instanceof CriticalLoss)) {
      throw problem;
    }
    phase.end('failed', problem); // of a vat, and in the tables: no fault of the storage
  }
  phase.guard(pump);

  return {
    /** Serves a client over the stream, which the kernel owns from now on. */
    connect: (
      stream: DuplexStream<unknown, unknown>,
      client: ClientOptions,
    ): void => server.serve(stream, client),
    status,
    /**
     * Resolves when nothing is in flight, no vat starts, nothing can be delivered,
     * and all is committed. What waits for a suspended vat, or for any while the kernel is
     * paused, can't be delivered. Rejects when the kernel stops or has stopped.
     */
    idle,
    /** Resolves when the kernel has stopped or failed, with its last status. */
    ended,
    /**
     * Ends every worker and closes the storage after a last commit. Begins no
     * delivery, and waits for those in flight for a tenth of a second at most:
     * the next run makes them again, as if they had not begun. To have all work
     * done first, await `idle`. Rejects when the kernel fails meanwhile, and has
     * closed the storage then too.
     */
    stop: (): Promise<void> => (stopped ??= stop()),
    /** For tests and tools that look at the tables; not to be written to. */
    state,
    /** The same of what it does next, as far as that hangs on more than the tables. */
    memory,
  };
};
harden(makeKernel);

export type Kernel = ReturnType<typeof makeKernel>;
