import harden from '@endo/harden';
import {
  CooperageError,
  DEFAULT_VAT_LIMITS,
  PROTOCOL_VERSION,
  type KernelStatus,
  type LogLevel,
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
import { makeNews } from './news.ts';
import { makeOutputs } from './outputs.ts';
import type { Platform } from './ports.ts';
import { makeScheduler } from './scheduler.ts';
import { makeSessions } from './sessions.ts';
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
  /** An epoch commits after that many cranks or that time; 256 and 8 by default. */
  readonly epochCranks?: number;
  readonly epochMilliseconds?: number;
  /** How long after the last crank committed changes are folded into the vats' files; 1,000 by default. */
  readonly foldMilliseconds?: number;
  /** Called after each kept crank with the kernel's state: for tests of invariants. */
  readonly afterCrank?: (state: State) => void;
};

/**
 * Starts a kernel over what the platform's storage holds. Owns the platform
 * until `stop`. Throws CooperageError STORAGE_FAILED when the storage can't be read.
 */
export const makeKernel = (platform: Platform, options: KernelOptions = {}) => {
  const { clock, stores } = platform;
  const { limits = DEFAULT_VAT_LIMITS, afterCrank } = options;
  const state = makeState(platform.db);
  const idlers = new Set<{
    resolve: () => void;
    reject: (problem: Error) => void;
  }>();
  let phase: KernelStatus['state'] = 'running';
  let reason: string | undefined;
  let cranks = 0;
  let cancelFold = (): void => {};

  const news = makeNews({
    clock,
    log: platform.log,
    status: () => status(),
  });

  const say = (vat: VatId, level: LogLevel, text: string): void =>
    news.write({
      at: clock.now(),
      vat,
      label: state.vats.get(vat)?.name ?? vat,
      level,
      text,
    });

  /** The kernel itself is at fault, or its storage: it stops here, with its last commit intact. */
  const fail = (problem: unknown): void => {
    if (phase !== 'running') {
      return;
    }
    phase = 'failed';
    reason = problem instanceof Error ? problem.message : String(problem);
    cancelFold();
    workers.killAll();
    const stopped = new CooperageError(
      'KERNEL_FAILED',
      `The kernel has failed: ${reason}`,
    );
    idlers.forEach(({ reject }) => reject(stopped));
    idlers.clear();
    const stack = problem instanceof Error ? problem.stack : undefined;
    news.write({
      at: clock.now(),
      vat: null,
      label: 'kernel',
      level: 'error',
      text: `the kernel has stopped: ${stack ?? reason}`,
    });
    news.stir();
  };

  const guard = (work: () => void): void => {
    if (phase === 'running') {
      try {
        work();
      } catch (problem) {
        fail(problem);
      }
    }
  };

  const parts = makeCrankParts(state, {
    onArrival: endpoint => scheduler.wake(endpoint),
    onExit: (endpoint, _isFailure, info) =>
      runner.exit(endpoint as VatId, `the vat ended itself: ${info.body}`),
    afterCrank: () => {
      cranks += 1;
      outputs.count();
      afterCrank?.(state);
    },
  });
  const outputs = makeOutputs(state, {
    clock,
    guard,
    onCommit: news.stir,
    epochCranks: options.epochCranks ?? 256,
    epochMilliseconds: options.epochMilliseconds ?? 8,
  });
  const keeper = makeStoreKeeper(state, { stores, commit: outputs.commit });
  const lives = makeLives(state, parts);
  const sessions = makeSessions(state, { parts, lives, outputs, limits });
  const workers = makeWorkers({
    launcher: platform.vats,
    clock,
    limits,
    bootMilliseconds: options.bootMilliseconds ?? 20_000,
    guard,
    onLog: say,
  });
  const runner = makeRunner(state, {
    parts,
    lives,
    workers,
    keeper,
    limits,
    commit: outputs.commitIfNeeded,
    pump: () => pump(),
    wake: vat => scheduler.wakeEagerly(vat),
    onEnded: vat => clusters.ended(vat),
    say,
  });
  const scheduler = makeScheduler({
    inbox: parts.inbox,
    dispatcher: {
      toSession: sessions.deliverHead,
      isFree: runner.isFree,
      toVat: runner.toVat,
      inFlight: runner.inFlight,
    },
    most: options.parallel ?? 2,
  });
  const clusters = makeClusters(state, {
    parts,
    lives,
    runner,
    scheduler,
    outputs,
    stores,
  });
  const log = makeLaunchLog(news.stir);
  const launches = makeLaunches(state, {
    platform,
    parts,
    sessions,
    outputs,
    workers,
    runner,
    limits,
    log,
  });

  const foldLater = (): void => {
    cancelFold();
    cancelFold = clock.after(options.foldMilliseconds ?? 1_000, () =>
      guard(() => {
        if (runner.inFlight() === 0) {
          outputs.commitIfNeeded();
          keeper.fold();
        }
      }),
    );
  };

  /** Delivers what can be delivered; when there is nothing to wait for, commits. */
  const pump = (): void => {
    scheduler.pump();
    if (runner.inFlight() === 0 && !workers.isStarting()) {
      outputs.commitIfNeeded();
      foldLater();
      idlers.forEach(({ resolve }) => resolve());
      idlers.clear();
    }
    news.stir();
  };

  const status = (): KernelStatus => ({
    state: phase,
    ...(reason === undefined ? {} : { reason }),
    version: PROTOCOL_VERSION,
    clusters: [...state.clusters.values()].map(cluster => ({
      id: cluster.id,
      name: cluster.name,
      bootstrap: cluster.bootstrap,
      vats: clusters.vatsOf(cluster).map(row => ({
        id: row.id,
        name: row.name,
        state: runner.vatState(row),
        incarnation: row.incarnation,
        bundleHash: row.bundle,
        root: row.root,
        waiting: parts.inbox.length(row.id),
        ...(row.failure === null ? {} : { reason: row.failure }),
      })),
    })),
    launches: log.list(),
    home: [...state.home.values()],
    sessions: sessions.size,
    cranks,
    commits: platform.db.counters.commits,
  });

  const insistRunning = (): void => {
    if (phase !== 'running') {
      throw new CooperageError(
        phase === 'stopped' ? 'KERNEL_STOPPED' : 'KERNEL_FAILED',
        `The kernel has ${phase}${reason === undefined ? '' : `: ${reason}`}`,
      );
    }
  };

  const server = makeClientServer(state, {
    clusters,
    launches,
    sessions,
    outputs,
    status,
    watch: news.watch,
    insistRunning,
    guard,
    pump: () => guard(pump),
  });

  /** What the last run left: heaps and sessions are gone, stores and queues are not. */
  const restore = (): void => {
    sessions.purge();
    for (const { id } of [...state.vats.values()]) {
      parts.run(() => lives.loseHeap(id, 'the kernel was restarted'));
    }
    for (const name of state.queueByName.groups()) {
      scheduler.wake(name as VatId);
    }
    outputs.commitIfNeeded();
    keeper.fold();
    keeper.deleteStrays();
  };

  const idle = async (): Promise<void> => {
    insistRunning();
    await new Promise<void>((resolve, reject) => {
      idlers.add({ resolve, reject });
      clock.soon(() => guard(pump));
    });
  };

  restore();
  guard(pump);

  return {
    /** Serves a client over the stream, which the kernel owns from now on. */
    connect: (
      stream: DuplexStream<unknown, unknown>,
      client: ClientOptions,
    ): void => server.serve(stream, client),
    status,
    /** Resolves when nothing is in flight, nothing can be delivered, and all is committed; rejects when the kernel stops or has stopped. */
    idle,
    /** Ends every worker and closes the storage after a last commit. */
    stop: async (): Promise<void> => {
      if (phase === 'running') {
        await idle();
        guard(() => {
          cancelFold();
          keeper.fold();
        });
        workers.killAll();
        phase = 'stopped';
      }
      platform.db.close();
      stores.close();
    },
    /** For tests and tools that look at the tables; not to be written to. */
    state,
  };
};
harden(makeKernel);

export type Kernel = ReturnType<typeof makeKernel>;
