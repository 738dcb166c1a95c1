import harden from '@endo/harden';
import {
  PROTOCOL_VERSION,
  limitsOfCrank,
  limitsOfStart,
  narrowLimits,
  showValue,
  type LogLevel,
  type TraceEvent,
  type VatId,
  type VatLimits,
} from '@cooperage/protocol';
import { EndpointFault, faultUnless } from '../faults.ts';
import type { Phase } from '../phase.ts';
import type { Clock, VatLauncher, VatPort } from '../ports.ts';
import {
  checkDone,
  checkFailed,
  checkLog,
  ownField,
  parseKind,
  showProblem,
  type Done,
} from '../translate/check.ts';
import type { Flight } from '../translate/to-endpoint.ts';
import { isStoreDamaged } from '../damaged-store.ts';
import { setDeadline } from './deadline.ts';
import type { Start } from './start.ts';
import { makeTurns } from './turns.ts';
import type { LossCause, WorkerOwner } from './worker-owner.ts';

export type WorkerState = 'launching' | 'starting' | 'idle' | 'busy' | 'gone';

/** One worker of a vat. What becomes of it is told to its owner. */
export type VatWorker = {
  readonly vat: VatId;
  state(): WorkerState;
  /** Sends a delivery to an idle worker, with a deadline of its own or, if null, the usual one. */
  deliver(
    told: Pick<Flight, 'delivery' | 'held'>,
    deadline: number | null,
  ): void;
  /** From now on another one is told. */
  give(owner: WorkerOwner): void;
  /** Ends it, if it has not ended; its owner is not told. */
  kill(): void;
  /** Tells its owner that it is lost, when it has been ended as one of many. */
  tellLost(reason: string, cause: LossCause): void;
  /** Tells its owner that all that were lost together have been told. */
  tellAfterLoss(): void;
};

export type WorkerPowers = {
  readonly launcher: VatLauncher;
  readonly clock: Clock;
  readonly limits: VatLimits;
  /** How long a worker may take until it is ready. */
  readonly bootMilliseconds: number;
  /** How long a worker may take for one delivery, unless its vat has a measure of its own. */
  readonly deliveryMilliseconds: number;
  readonly phase: Phase;
  readonly onLog: (vat: VatId, level: LogLevel, text: string) => void;
  /** Asked for the event only when somebody wants it. */
  readonly onTrace: (makeEvent: () => TraceEvent) => void;
};

/** Workers that start at once: in a crowd each would take so long that all pass their deadline. */
const MOST_STARTING = 4;

/** Starts workers and speaks with each, one delivery at a time. */
export const makeWorkerStarter = (
  {
    launcher,
    clock,
    limits,
    bootMilliseconds,
    deliveryMilliseconds,
    phase,
    onLog,
    onTrace,
  }: WorkerPowers,
  {
    onGone,
    onHostLost,
  }: {
    /** The worker has ended, for whatever reason. */
    onGone: (worker: VatWorker) => void;
    /** One of them tells that the process of all is lost. */
    onHostLost: (worker: VatWorker, reason: string) => void;
  },
) => {
  const { guard } = phase;
  const starts = makeTurns(MOST_STARTING);
  let lastCrank = 0;

  /** Parties take turns to start workers. `makeStart` is asked for code and store when the worker is there; it throws STORE_DAMAGED, of which the owner is told as of a failure, and kernel faults. */
  const start = (
    { vat, label, party }: { vat: VatId; label: string; party: string },
    makeStart: () => Start,
    firstOwner: WorkerOwner,
  ): VatWorker => {
    let owner = firstOwner;
    let state: WorkerState = 'launching';
    let port: VatPort | undefined;
    let crank = 0;
    /** What its vat has narrowed. */
    let narrowed: Start['narrowed'] = {};
    /** Of the crank that ends next. */
    let limitsNow = limits;
    /** Of log, since the last delivery. */
    let lines = 0;
    /** Of the start, or of the delivery in flight. */
    let cancelDeadline = (): void => {};
    /** Lets another worker start. */
    let endStart = (): void => {};

    const kill = (): void => {
      if (state !== 'gone') {
        state = 'gone';
        cancelDeadline();
        endStart();
        port?.kill();
        onGone(worker);
      }
    };

    const tellLost = (reason: string, cause: LossCause): void => {
      onTrace(() => ({ type: 'lost', at: clock.now(), vat, reason }));
      owner.onLost(reason, cause);
    };

    const lose = (reason: string, cause: LossCause): void => {
      if (state !== 'gone') {
        kill();
        tellLost(reason, cause);
        owner.afterLoss();
      }
    };

    /** Ends it if it is still at it when its time is up. */
    const limitTime = (
      milliseconds: number,
      problem: string,
      cause: LossCause,
    ): void => {
      cancelDeadline = setDeadline(clock, milliseconds, () =>
        guard(() => lose(`${problem} within ${milliseconds / 1000} s`, cause)),
      );
    };

    /** Undefined when its store can't be used, of which its owner has been told. */
    const provideStart = (): Start | undefined => {
      try {
        return makeStart();
      } catch (problem) {
        if (!isStoreDamaged(problem)) {
          throw problem;
        }
        kill();
        owner.onFailed(problem.message);
        return undefined;
      }
    };

    const acceptHello = (fields: Record<string, unknown>): void => {
      const version = ownField(fields, 'version');
      faultUnless(
        version === PROTOCOL_VERSION,
        () =>
          `it speaks version ${showValue(version)}, not ${PROTOCOL_VERSION}`,
      );
      state = 'starting';
      const message = provideStart();
      if (message === undefined) {
        return;
      }
      narrowed = message.narrowed;
      limitsNow = limitsOfStart(limits);
      port?.send(message, [message.store]);
    };

    const acceptDone = (done: Done): void => {
      faultUnless(
        done.crank === crank,
        () => `done for crank ${done.crank} while ${crank} is in flight`,
      );
      state = 'idle';
      cancelDeadline();
      onTrace(() => ({
        type: 'done',
        at: clock.now(),
        vat,
        crank,
        ok: done.outcome.ok,
        syscalls: done.syscalls.map(([name]) => name),
        changes: done.changes.length,
      }));
      owner.onDone(done);
    };

    const acceptLog = (fields: Record<string, unknown>): void => {
      const { level, text } = checkLog(fields, limits);
      const { logLinesPerCrank } = narrowLimits(limits, narrowed);
      lines += 1;
      // A crank's own, what comes between it and the next, and a word about lines left out of each.
      faultUnless(
        lines <= 2 * (logLinesPerCrank + 1),
        () => 'it floods its log',
      );
      onLog(vat, level, text);
    };

    const accept = (message: unknown): void => {
      const { type, fields } = parseKind(message);
      if (type === 'log') {
        acceptLog(fields);
      } else if (type === 'hello' && state === 'launching') {
        acceptHello(fields);
      } else if (type === 'ready' && state === 'starting') {
        state = 'idle';
        cancelDeadline();
        endStart();
        owner.onReady();
      } else if (type === 'failed' && state === 'starting') {
        const problem = checkFailed(fields, limits);
        kill();
        owner.onFailed(problem);
      } else if (type === 'done' && state === 'busy') {
        acceptDone(checkDone(fields, limitsNow));
      } else {
        throw new EndpointFault(
          `${JSON.stringify(type.slice(0, 40))} while it is ${state}`,
        );
      }
    };

    const hear = (message: unknown): void => {
      if (state === 'gone') {
        return;
      }
      try {
        accept(message);
      } catch (problem) {
        if (!(problem instanceof EndpointFault)) {
          throw problem;
        }
        lose(`it broke the protocol: ${problem.message}`, 'fault');
      }
    };

    const connect = (opened: VatPort): void => {
      port = opened;
      port.receive(
        message => guard(() => hear(message)),
        (reason, what = 'worker') =>
          guard(() => {
            if (what !== 'host') {
              lose(showProblem(reason, limits), what); // may be the vat's own words
            } else if (state !== 'gone') {
              onHostLost(worker, reason);
            }
          }),
      );
    };

    const begin = (): void => {
      limitTime(bootMilliseconds, 'its worker was not ready', 'worker');
      launcher.launch(vat, label).then(
        opened => {
          if (state === 'gone') {
            opened.kill(); // also when the kernel has ended meanwhile
          } else {
            guard(() => connect(opened));
          }
        },
        (problem: unknown) =>
          guard(() =>
            lose(`its worker did not start: ${String(problem)}`, 'worker'),
          ),
      );
    };

    const worker: VatWorker = harden({
      vat,
      state: () => state,
      deliver: ({ delivery, held }, deadline) => {
        if (state !== 'idle') {
          throw Error(`vat ${vat} is ${state}, it can't take a delivery`);
        }
        lastCrank += 1;
        crank = lastCrank;
        if (delivery[0] !== 'startVat') {
          limitsNow = limitsOfCrank(limits, narrowed, delivery);
        }
        lines = 0;
        state = 'busy';
        limitTime(
          deadline ?? deliveryMilliseconds,
          'it did not finish its delivery',
          'fault',
        );
        onTrace(() => ({
          type: 'deliver',
          at: clock.now(),
          vat,
          crank,
          delivery: delivery[0],
        }));
        port?.send(
          held
            ? { type: 'deliver', crank, delivery, held }
            : { type: 'deliver', crank, delivery },
        );
      },
      give: next => {
        owner = next;
      },
      kill,
      tellLost,
      tellAfterLoss: () => owner.afterLoss(),
    });
    endStart = starts.take(party, begin);
    return worker;
  };

  return {
    start,
    /** No worker that waits for its turn to start gets one any more. */
    close: starts.close,
  };
};
harden(makeWorkerStarter);
