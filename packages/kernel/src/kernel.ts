import harden from '@endo/harden';
import {
  DEFAULT_VAT_LIMITS,
  isVatId,
  type EndpointId,
  type KernelStatus,
  type LogLevel,
  type TraceEvent,
  type VatId,
  type VatLimits,
} from '@cooperage/protocol';
import type { DuplexStream } from '@cooperage/streams';
import { makeClusters } from './clusters.ts';
import { makeClientServer, type ClientOptions } from './control.ts';
import { makeCrankParts } from './crank.ts';
import { makeLaunches } from './launch.ts';
import { makeLaunchLog } from './launch-log.ts';
import { makeLives } from './lives.ts';
import { makeNews, type News } from './news.ts';
import { makePausing } from './pausing.ts';
import { makeOutputs } from './outputs.ts';
import { makePhase, type Phase } from './phase.ts';
import type { Clock, Platform } from './ports.ts';
import { makeRest } from './rest.ts';
import { makeScheduler } from './scheduler.ts';
import { makeSessions } from './sessions.ts';
import { makeStatus } from './status.ts';
import type { VatRow } from './store/schema.ts';
import { makeState, type State } from './store/state.ts';
import { makeStoreKeeper } from './vat-stores.ts';
import { makeRunner } from './vats/runner.ts';
import { makeWorkers } from './vats/workers.ts';

export type KernelOptions = {
  readonly limits?: VatLimits;
  /** Deliveries in flight at once; 1 gives the order of arrival. 2 by default. */
  readonly parallel?: number;
  /** How long a vat's worker may take to be ready. 20,000 by default. */
  readonly bootMilliseconds?: number;
  /** How long a vat may take for one delivery, unless its config says otherwise. 5,000 by default. */
  readonly deliveryMilliseconds?: number;
  /** Messages that may wait for one vat, or for one promise; one sender may have half of them. 100,000 by default. */
  readonly inboxMessages?: number;
  /** Messages of one sender that a vat gets before those of another that wait for it. 50 by default; with `parallel` 1 the order is that of arrival. */
  readonly roundMessages?: number;
  /** An epoch commits after that many cranks or that time; 256 and 8 by default. */
  readonly epochCranks?: number;
  readonly epochMilliseconds?: number;
  /** How long after the last crank committed changes are folded into the vats' files; 1,000 by default. */
  readonly foldMilliseconds?: number;
  /** Called after each kept crank with the kernel's state: for tests of invariants. */
  readonly afterCrank?: (state: State) => void;
};

/** What another room does, made later than the one that calls it. */
type Calls = {
  readonly onArrival: (endpoint: EndpointId) => void;
  readonly onExit: (vat: VatId, reason: string) => void;
  readonly onEnded: (row: VatRow) => void;
  readonly stir: () => void;
  readonly pump: () => void;
  readonly say: (vat: VatId, level: LogLevel, text: string) => void;
  readonly trace: (event: TraceEvent) => void;
};

/** The tables, what changes them, and what makes the changes durable. */
const joinTables = (
  platform: Platform,
  options: KernelOptions,
  { onArrival, onExit, stir }: Calls,
) => {
  const { clock, stores } = platform;
  const { limits = DEFAULT_VAT_LIMITS } = options;
  const state = makeState(platform.db);
  const phase = makePhase();
  let cranks = 0;
  const parts = makeCrankParts(state, {
    bounds: {
      inboxMessages: options.inboxMessages ?? 100_000,
      roundMessages:
        options.parallel === 1 ? Infinity : (options.roundMessages ?? 50),
    },
    onArrival,
    onExit: (endpoint, info) =>
      onExit(
        endpoint as VatId,
        `the vat ended itself: ${info.body.slice(0, limits.logUnits)}`,
      ),
    afterCrank: () => {
      cranks += 1;
      outputs.count();
      options.afterCrank?.(state);
    },
  });
  const outputs = makeOutputs(state, {
    clock,
    phase,
    onCommit: stir,
    epochCranks: options.epochCranks ?? 256,
    epochMilliseconds: options.epochMilliseconds ?? 8,
  });
  const keeper = makeStoreKeeper(state, {
    stores,
    commit: outputs.commitIfNeeded,
  });
  const lives = makeLives(state, parts);
  return { state, phase, parts, outputs, keeper, lives, cranks: () => cranks };
};

/** Those to whom things are delivered, and whose turn it is. */
const joinEndpoints = (
  platform: Platform,
  options: KernelOptions,
  tables: ReturnType<typeof joinTables>,
  { onEnded, pump, say, trace }: Calls,
) => {
  const { state, phase, parts, outputs, keeper, lives } = tables;
  const { limits = DEFAULT_VAT_LIMITS } = options;
  const sessions = makeSessions(state, {
    parts,
    lives,
    outputs,
    phase,
    limits,
  });
  const workers = makeWorkers({
    launcher: platform.vats,
    clock: platform.clock,
    limits,
    bootMilliseconds: options.bootMilliseconds ?? 20_000,
    deliveryMilliseconds: options.deliveryMilliseconds ?? 5_000,
    phase,
    onLog: say,
    onTrace: trace,
  });
  const runner = makeRunner(state, {
    parts,
    lives,
    workers,
    keeper,
    limits,
    pump,
    wake: vat => scheduler.wakeEagerly(vat),
    onEnded,
    say,
  });
  const scheduler = makeScheduler({
    inbox: parts.inbox,
    dispatcher: {
      toSession: sessions.deliverHead,
      isFree: runner.isFree,
      isReady: runner.isReady,
      isStarting: runner.isStarting,
      isFlying: runner.isFlying,
      suspects: runner.suspects,
      toVat: runner.toVat,
      inFlight: runner.inFlight,
    },
    most: options.parallel ?? 2,
  });
  return { limits, sessions, workers, runner, scheduler };
};

/** Writes into the log why the kernel has stopped, when it did not mean to. */
const announceEnd = (phase: Phase, news: News, clock: Clock): void =>
  phase.onEnd((_, cause) => {
    if (cause !== undefined) {
      const stack = cause instanceof Error ? cause.stack : String(cause);
      const text = `the kernel has stopped: ${stack}`;
      const label = 'kernel';
      news.write({ at: clock.now(), vat: null, label, level: 'error', text });
    }
    news.stir();
  });

/** The kernel's rooms, joined. */
const joinRooms = (platform: Platform, options: KernelOptions) => {
  const { clock, stores } = platform;
  const calls: Calls = {
    onArrival: endpoint => scheduler.wake(endpoint),
    onExit: (vat, reason) => runner.exit(vat, reason),
    onEnded: row => clusters.ended(row),
    stir: () => news.stir(),
    trace: event => news.trace(event),
    pump: () => pump(),
    say: (vat, level, text) =>
      news.write({ at: clock.now(), vat, label: labelOf(vat), level, text }),
  };
  const labelOf = (vat: VatId): string => state.vats.get(vat)?.name ?? vat;
  const tables = joinTables(platform, options, calls);
  const { state, phase, parts, outputs, keeper, lives } = tables;
  const endpoints = joinEndpoints(platform, options, tables, calls);
  const { limits, sessions, workers, runner, scheduler } = endpoints;
  const status = (): KernelStatus =>
    makeStatus(state, {
      phase,
      clusters,
      runner,
      inbox: parts.inbox,
      isPaused: scheduler.isPaused(),
      launches: log.list(),
      sessions: sessions.size,
      cranks: tables.cranks(),
      counters: platform.db.counters,
    });
  const news = makeNews({ clock, log: platform.log, status });
  const clusters = makeClusters(state, { ...tables, ...endpoints, stores });
  const log = makeLaunchLog(news.stir);
  const launches = makeLaunches(state, {
    platform,
    phase,
    clusters,
    parts,
    sessions,
    outputs,
    workers,
    runner,
    limits,
    log,
  });
  const rest = makeRest({
    platform,
    foldMilliseconds: options.foldMilliseconds ?? 1_000,
    phase,
    isQuiet: () => runner.inFlight() === 0 && !workers.isStarting(),
    commit: outputs.commitIfNeeded,
    fold: () => keeper.fold(),
  });

  /** Delivers what can be delivered; when there is nothing to wait for, commits. */
  const pump = (): void => {
    scheduler.pump();
    rest.pumped();
    news.stir();
  };

  const server = makeClientServer(state, {
    clusters,
    launches,
    sessions,
    outputs,
    status,
    watch: news.watch,
    pausing: makePausing({ scheduler, nextRest: rest.next }),
    phase,
    pump: () => phase.guard(pump),
  });

  announceEnd(phase, news, clock);

  /** What the last run left: heaps and sessions are gone, stores and queues are not. */
  const restore = (): void => {
    sessions.purge();
    for (const { id } of [...state.vats.values()]) {
      parts.run(() => lives.loseHeap(id, 'the kernel was restarted'));
    }
    state.queueByName.groups().filter(isVatId).forEach(scheduler.wake);
    keeper.fold();
    keeper.deleteStrays();
  };

  return { state, phase, status, keeper, rest, server, pump, restore };
};

/**
 * Starts a kernel over what the platform's storage holds. Owns the platform
 * until `stop`. Throws CooperageError STORAGE_FAILED when the storage can't be read.
 */
export const makeKernel = (platform: Platform, options: KernelOptions = {}) => {
  const { state, phase, status, keeper, rest, server, pump, restore } =
    joinRooms(platform, options);

  const idle = async (): Promise<void> => {
    phase.insistRunning();
    const rested = rest.next();
    platform.clock.soon(() => phase.guard(pump));
    await rested;
  };

  restore();
  phase.guard(pump);

  return {
    /** Serves a client over the stream, which the kernel owns from now on. */
    connect: (
      stream: DuplexStream<unknown, unknown>,
      client: ClientOptions,
    ): void => server.serve(stream, client),
    status,
    /**
     * Resolves when nothing is in flight, nothing can be delivered, and all is
     * committed. What waits for a suspended vat, or for any while the kernel is
     * paused, can't be delivered. Rejects when the kernel stops or has stopped.
     */
    idle,
    /**
     * Ends every worker and closes the storage after a last commit. Waits for
     * the deliveries in flight; rejects when the kernel fails meanwhile, and has
     * closed the storage then too.
     */
    stop: async (): Promise<void> => {
      try {
        if (phase.isRunning()) {
          await idle();
          phase.guard(() => keeper.fold());
          phase.end('stopped');
        }
      } finally {
        platform.db.close();
        platform.stores.close();
      }
    },
    /** For tests and tools that look at the tables; not to be written to. */
    state,
  };
};
harden(makeKernel);

export type Kernel = ReturnType<typeof makeKernel>;
