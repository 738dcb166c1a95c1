import harden from '@endo/harden';
import type { LogLevel, StoppedBy, VatId, VatState } from '@cooperage/protocol';
import { alsoStoppedBy } from '../authority.ts';
import type { CrankParts } from '../crank.ts';
import { CriticalExit, EndpointFault, insistRow } from '../faults.ts';
import type { Chores } from '../gc/chores.ts';
import type { Lives } from '../lives.ts';
import type { QueueRow } from '../store/schema.ts';
import type { VatRow } from '../store/vat-schema.ts';
import type { State } from '../store/state.ts';
import type { Done } from '../translate/check.ts';
import type { Flight } from '../translate/to-endpoint.ts';
import type { StoreKeeper } from '../vat-stores.ts';
import { makeAbandonment } from './abandonment.ts';
import type { Candidate } from './candidates.ts';
import { effectsOf } from './effects.ts';
import type { TellStart } from './start.ts';
import { makeHolds } from './holds.ts';
import { vatStateOf } from './vat-state.ts';
import type { WorkerOwner } from './worker-owner.ts';
import type { StoreBounds } from './store-bounds.ts';
import type { Trials } from './trials.ts';
import type { Workers } from './workers.ts';

/** What a reap takes depends on the heap's size and the engine, and is no fault of the vat's code. */
const REAP_MILLISECONDS = 60_000;

/** Neither broken nor held still. */
const isFit = (row: VatRow | undefined): boolean =>
  row?.failure === null && row.suspension === null && row.paused === 0;

/** The item can't go to this vat any more: what it names has moved or ended. */
const isMisplaced = (state: State, vat: VatId, item: QueueRow): boolean =>
  item.kind === 'message' && state.objects.get(item.target)?.owner !== vat;

type RunnerPowers = {
  chores: Chores;
  parts: CrankParts;
  lives: Lives;
  workers: Workers;
  keeper: StoreKeeper;
  bounds: StoreBounds;
  trials: Trials;
  tellStart: TellStart;
  /** To be called when more may be delivered. */
  pump: () => void;
  wake: (vat: VatId) => void;
  /** The vat has left the tables. */
  onEnded: (vat: VatId) => void;
  /** A critical vat was suspended for a fault. Stops the kernel: does not return. */
  onCriticalLoss: (row: VatRow, reason: string) => void;
  /** The vat has a worker now, has ended a delivery, or may be delivered to again. */
  onIdle: (vat: VatId) => void;
  say: (vat: VatId, level: LogLevel, text: string) => void;
};

/** Runs the vats that are in the tables: starts workers when they are needed, delivers, applies what comes back. */
export const makeRunner = (state: State, powers: RunnerPowers) => {
  const { parts, lives, workers, keeper, bounds, chores, tellStart } = powers;
  const { trials, pump, wake, onEnded, onIdle } = powers;
  const holds = makeHolds();
  /** Vats that asked to end in the crank that is being applied. */
  const exiting = new Map<VatId, string>();

  const vatRow = (vat: VatId): VatRow =>
    insistRow(state.vats.get(vat), `vat ${vat}`);

  /** Its worker goes, and with it what was known of it alone. */
  const drop = (vat: VatId): void => {
    workers.kill(vat);
    endFlight(vat);
    lostStarts.delete(vat);
    suspects.delete(vat);
  };
  /** The same, by order: whoever holds the vat hears of it. */
  const forget = (vat: VatId): void => {
    holds.void(vat);
    drop(vat);
  };
  const leave = (vat: VatId): void => {
    drop(vat);
    onEnded(vat);
  };

  const abandonment = makeAbandonment(state, { ...powers, onEnded: leave });
  const { flights, endFlight, lostStarts, suspects, abandon, fail } =
    abandonment;

  const apply = (vat: VatId, flight: Flight, done: Done): void =>
    parts.run(() => {
      if (exiting.size > 0) {
        exiting.clear();
      }
      const { syscalls, changes } = effectsOf(done);
      parts.flights.land(flight);
      if (flight.delivery[0] === 'startVat') {
        state.vats.put({ ...vatRow(vat), asleep: 0 });
      }
      for (const syscall of syscalls) {
        parts.applySyscall(vat, syscall);
      }
      for (const [key, value] of changes) {
        state.vatChanges.put({ vat, key, value });
      }
      const exit = exiting.get(vat);
      if (exit !== undefined) {
        if (vatRow(vat).critical) {
          throw new CriticalExit(exit);
        }
        lives.endVats([vat], exit);
      }
    });

  const onDone = (vat: VatId, done: Done): void => {
    const flight = insistRow(flights.get(vat), `delivery in flight to ${vat}`);
    const problem = done.outcome.ok
      ? bounds.problemOf(vatRow(vat), effectsOf(done).changes)
      : done.outcome.problem;
    if (problem !== undefined) {
      if (flight.delivery[0] === 'startVat') {
        fail(vat, problem);
      } else {
        abandon(vat, problem, 'fault');
      }
      return;
    }
    try {
      apply(vat, flight, done);
    } catch (fault) {
      if (!(fault instanceof EndpointFault)) {
        throw fault;
      }
      const isExit = fault instanceof CriticalExit;
      const reason = `${isExit ? '' : 'illegal syscall: '}${fault.message}`;
      abandon(vat, reason, isExit ? 'exit' : 'fault');
      return;
    }
    endFlight(vat, ['message', 'notify'].includes(flight.delivery[0]));
    bounds.taken(vat);
    chores.landed(vat, flight, done);
    lostStarts.delete(vat);
    if (flight.delivery[0] !== 'startVat') {
      suspects.delete(vat);
    }
    if (exiting.delete(vat)) {
      leave(vat);
    } else {
      onIdle(vat);
    }
  };

  const ownerOf = (vat: VatId): WorkerOwner => ({
    onReady: () => {
      onIdle(vat);
      pump();
    },
    onDone: done => {
      onDone(vat, done);
      pump();
    },
    onFailed: problem => {
      fail(vat, problem);
      pump();
    },
    onLost: (reason, cause) => {
      abandon(vat, reason, cause);
    },
    afterLoss: pump,
  });

  const start = (vat: VatId): void => {
    const { name, cluster } = vatRow(vat);
    workers.start(
      { vat, label: name, party: cluster },
      () => {
        keeper.foldOne(vat);
        const row = vatRow(vat);
        const { text } = insistRow(
          state.bundles.get(row.bundle),
          `bundle ${row.bundle}`,
        );
        return tellStart(row, { bundle: text, store: keeper.pack(vat) });
      },
      ownerOf(vat),
    );
  };

  const fly = (vat: VatId, flight: Flight): void => {
    flights.set(vat, flight);
    trials.begin(vat);
    const { deadline } = vatRow(vat);
    const isReap = flight.delivery[0] === 'bringOutYourDead';
    workers.deliver(vat, flight, isReap ? REAP_MILLISECONDS : deadline);
  };

  /** Whether anybody lets it run. */
  const isWanted = (vat: VatId): boolean =>
    isFit(state.vats.get(vat)) && !holds.isHeld(vat);

  const mayRun = (vat: VatId): boolean =>
    isWanted(vat) &&
    !parts.losses.isUnderWay(vat) &&
    !parts.refusals.isSifting(vat) &&
    !parts.refusals.isRefusing(vat);

  return {
    ...holds,
    /** False also for a vat that can't run, or may not: what it is to be told of waits. */
    isFree: (vat: VatId): boolean =>
      [undefined, 'idle'].includes(workers.state(vat)) && mayRun(vat),
    suspects: (): ReadonlyMap<VatId, number> => suspects,
    isReady: (vat: VatId): boolean => workers.state(vat) === 'idle',
    isStarting: (vat: VatId): boolean =>
      ['launching', 'starting'].includes(workers.state(vat) ?? 'gone'),
    isFlying: (vat: VatId): boolean => flights.has(vat),
    inFlight: (): number => flights.size,
    flights: (): ReadonlyMap<VatId, Flight> => flights,
    /** Does the next thing for a vat that is free. */
    toVat: (vat: VatId, item: QueueRow | undefined): void => {
      const row = vatRow(vat);
      if (item && isMisplaced(state, vat, item)) {
        parts.run(() => parts.refusals.sift(vat));
      } else if (workers.state(vat) === undefined) {
        start(vat);
        wake(vat);
      } else if (row.asleep) {
        fly(vat, parts.flights.startVat(vat));
      } else if (item) {
        chores.yield(vat);
        fly(
          vat,
          insistRow(parts.flights.prepare(vat, item), `what ${vat} is told`),
        );
      }
    },
    /** True when the vat has a heap and may be delivered to, now or when it is done with what is in flight. */
    isAwake: (vat: VatId): boolean =>
      state.vats.get(vat)?.asleep === 0 &&
      mayRun(vat) &&
      ['idle', 'busy'].includes(workers.state(vat) ?? 'gone'),
    /** True when the vat has no worker, and may have one, now or when what is done in steps is done. */
    isAsleep: (vat: VatId): boolean =>
      isWanted(vat) && workers.state(vat) === undefined,
    /** The next delivery that the kernel makes of itself. */
    toChore: (vat: VatId): void => {
      const flight = chores.next(vat);
      if (flight) {
        fly(vat, flight);
      }
    },
    /** It has asked for starts that took the process of all along: it is suspended, unless it is already. */
    blame: abandonment.blame,
    /** Its file can't be used: it fails, unless it could not run before. */
    spoil: abandonment.spoil,
    exit: (vat: VatId, reason: string): void => {
      exiting.set(vat, reason);
    },
    /**
     * Takes over a candidate's worker, whose startVat has just been applied, as
     * its vat's own; the one before it is ended.
     */
    adopt: ({ worker, flight, done }: Candidate): void => {
      const { vat } = worker;
      workers.seat(worker, ownerOf(vat));
      bounds.taken(vat);
      onIdle(vat);
      lostStarts.delete(vat);
      suspects.delete(vat);
      chores.landed(
        vat,
        flight,
        insistRow(done(), `what startVat of ${vat} did`),
      );
    },
    giveUp: abandonment.giveUp,
    /** Ends a worker that has no heap yet, and with it what it was to begin with; the vat is to have another as soon as it may. */
    dropStart: (vat: VatId): void => {
      if (workers.state(vat) !== undefined) {
        drop(vat);
        wake(vat);
      }
    },
    /** Reaps a vat that has a heap and nothing in flight, now, even while it is held. */
    reap: (vat: VatId): void => fly(vat, chores.reapNow(vat)),
    /** The heap goes now, the delivery in flight is made again by the next incarnation. */
    restart: (vat: VatId, reason: string): void => {
      forget(vat);
      parts.run(() => {
        lives.loseHeap(vat, reason);
        lives.freeVat(vat);
      });
      wake(vat);
    },
    /** The heap goes now; what waits, and the delivery in flight, waits until the vat is resumed. */
    suspend: (vat: VatId, reason: string, by: StoppedBy): void => {
      forget(vat);
      parts.run(() => {
        lives.loseHeap(vat, reason);
        lives.suspendVat(vat, reason, by);
      });
    },
    /** No more is delivered from now on; the delivery in flight ends, and the heap stays. */
    pause: (vat: VatId, by: StoppedBy): void => {
      const row = vatRow(vat);
      const stoppedBy = alsoStoppedBy(row, by);
      parts.run(() => state.vats.put({ ...row, paused: 1, stoppedBy }));
      onIdle(vat);
    },
    unpause: (vat: VatId): void => {
      parts.run(() =>
        state.vats.put({ ...vatRow(vat), paused: 0, stoppedBy: null }),
      );
      onIdle(vat);
    },
    /** It has a worker, and nothing in flight, and may be delivered to. */
    isIdle: (vat: VatId): boolean =>
      workers.state(vat) === 'idle' && mayRun(vat),
    /** The heap goes, and the worker; the next message brings another. */
    evict: (vat: VatId): void => {
      forget(vat);
      chores.forget(vat);
      parts.run(() => lives.loseHeap(vat, 'vat was evicted: it was idle'));
    },
    /** A suspended vat goes on, and starts at once. */
    resume: (vat: VatId): void => {
      parts.run(() =>
        state.vats.put({ ...vatRow(vat), suspension: null, stoppedBy: null }),
      );
      wake(vat);
    },
    /** They end now, and together: one crank. */
    terminate: (vats: readonly VatId[], reason: string): void => {
      vats.forEach(forget);
      parts.run(() => lives.endVats(vats, reason));
      vats.forEach(onEnded);
    },
    vatState: (row: VatRow): VatState =>
      vatStateOf(row, {
        isHeld: holds.isHeld(row.id),
        worker: workers.state(row.id),
      }),
  };
};
harden(makeRunner);

export type Runner = ReturnType<typeof makeRunner>;
