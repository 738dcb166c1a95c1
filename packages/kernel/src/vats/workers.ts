import harden from '@endo/harden';
import {
  PROTOCOL_VERSION,
  showValue,
  type Delivery,
  type LogLevel,
  type ToVat,
  type TraceEvent,
  type VatId,
  type VatLimits,
} from '@cooperage/protocol';
import { EndpointFault, faultUnless } from '../faults.ts';
import type { Phase } from '../phase.ts';
import type { Clock, VatLauncher, VatPort } from '../ports.ts';
import { setDeadline } from './deadline.ts';
import {
  checkDone,
  ownField,
  parseKind,
  type Done,
} from '../translate/check.ts';
import { makeTurns } from './turns.ts';
import type { LossCause, WorkerOwner } from './worker-owner.ts';

type Start = Extract<ToVat, { type: 'start' }>;
type Worker = {
  owner: WorkerOwner;
  state: 'launching' | 'starting' | 'idle' | 'busy' | 'gone';
  port: VatPort | undefined;
  crank: number;
  /** Of log, since the last delivery. */
  lines: number;
  /** Of the start, or of the delivery in flight. */
  cancelDeadline: () => void;
  /** Lets another worker start. */
  endStart: () => void;
};

/** Workers that start at once: in a crowd each would take so long that all pass their deadline. */
const MOST_STARTING = 4;

const LOG_LEVELS: readonly LogLevel[] = [
  'debug',
  'info',
  'log',
  'warn',
  'error',
];

/** The vats' workers: started, spoken to one delivery at a time, ended. */
export const makeWorkers = ({
  launcher,
  clock,
  limits,
  bootMilliseconds,
  deliveryMilliseconds,
  phase,
  onLog,
  onTrace,
}: {
  launcher: VatLauncher;
  clock: Clock;
  limits: VatLimits;
  /** How long a worker may take until it is ready. */
  bootMilliseconds: number;
  /** How long a worker may take for one delivery, unless its vat has a measure of its own. */
  deliveryMilliseconds: number;
  phase: Phase;
  onLog: (vat: VatId, level: LogLevel, text: string) => void;
  onTrace: (event: TraceEvent) => void;
}) => {
  const { guard } = phase;
  const workers = new Map<VatId, Worker>();
  const starts = makeTurns(MOST_STARTING);
  // A crank's own, what comes between it and the next, and a word about lines left out of each.
  const mostLines = 2 * (limits.logLinesPerCrank + 1);
  let lastCrank = 0;

  const discard = (vat: VatId, worker: Worker): void => {
    worker.state = 'gone';
    worker.cancelDeadline();
    worker.endStart();
    worker.port?.kill();
    if (workers.get(vat) === worker) {
      workers.delete(vat);
    }
  };

  const lose = (
    vat: VatId,
    worker: Worker,
    reason: string,
    cause: LossCause,
  ): void => {
    if (worker.state !== 'gone') {
      discard(vat, worker);
      onTrace({ type: 'lost', at: clock.now(), vat, reason });
      worker.owner.onLost(reason, cause);
      worker.owner.afterLoss();
    }
  };

  /**
   * One tells that the process of all is gone: nothing must be sent to the
   * others before they tell it too. A worker on its way may be in a new process
   * already, and tells for itself.
   */
  const loseHost = (worker: Worker, reason: string): void => {
    if (worker.state === 'gone') {
      return;
    }
    const lost = [...workers].filter(
      ([, each]) =>
        each === worker || each.state === 'idle' || each.state === 'busy',
    );
    for (const [id, each] of lost) {
      discard(id, each);
      onTrace({ type: 'lost', at: clock.now(), vat: id, reason });
    }
    lost.forEach(([, each]) => each.owner.onLost(reason, 'host'));
    worker.owner.afterLoss();
  };

  /** Ends a worker that is still at it when its time is up. */
  const limitTime = (
    vat: VatId,
    worker: Worker,
    milliseconds: number,
    { problem, cause }: { problem: string; cause: LossCause },
  ): void => {
    worker.cancelDeadline = setDeadline(clock, milliseconds, () =>
      guard(() =>
        lose(vat, worker, `${problem} within ${milliseconds / 1000} s`, cause),
      ),
    );
  };

  const traceDone = (vat: VatId, done: Done): void =>
    onTrace({
      type: 'done',
      at: clock.now(),
      vat,
      crank: done.crank,
      ok: done.outcome.ok,
      syscalls: done.syscalls.map(([name]) => name),
      changes: done.changes.length,
    });

  const accept = (
    vat: VatId,
    worker: Worker,
    message: unknown,
    start: () => Start,
  ): void => {
    const { type, fields } = parseKind(message);
    if (type === 'log') {
      const level = LOG_LEVELS.find(each => each === ownField(fields, 'level'));
      const text = ownField(fields, 'text');
      faultUnless(level && typeof text === 'string', () => 'log is malformed');
      worker.lines += 1;
      faultUnless(worker.lines <= mostLines, () => 'it floods its log');
      onLog(vat, level, text.slice(0, limits.logUnits));
      return;
    }
    if (type === 'hello' && worker.state === 'launching') {
      const version = ownField(fields, 'version');
      faultUnless(
        version === PROTOCOL_VERSION,
        () =>
          `it speaks version ${showValue(version)}, not ${PROTOCOL_VERSION}`,
      );
      worker.state = 'starting';
      const message = start();
      worker.port?.send(message, [message.store]);
    } else if (type === 'ready' && worker.state === 'starting') {
      worker.state = 'idle';
      worker.cancelDeadline();
      worker.endStart();
      worker.owner.onReady();
    } else if (type === 'failed' && worker.state === 'starting') {
      const problem = ownField(fields, 'problem');
      faultUnless(typeof problem === 'string', () => 'failed is malformed');
      discard(vat, worker);
      worker.owner.onFailed(problem.slice(0, limits.logUnits));
    } else if (type === 'done' && worker.state === 'busy') {
      const done = checkDone(fields, limits);
      faultUnless(
        done.crank === worker.crank,
        () => `done for crank ${done.crank} while ${worker.crank} is in flight`,
      );
      worker.state = 'idle';
      worker.cancelDeadline();
      traceDone(vat, done);
      worker.owner.onDone(done);
    } else {
      throw new EndpointFault(
        `${JSON.stringify(type.slice(0, 40))} while it is ${worker.state}`,
      );
    }
  };

  const connect = (
    vat: VatId,
    worker: Worker,
    port: VatPort,
    start: () => Start,
  ): void => {
    worker.port = port;
    port.receive(
      message =>
        guard(() => {
          if (worker.state === 'gone') {
            return;
          }
          try {
            accept(vat, worker, message, start);
          } catch (problem) {
            if (!(problem instanceof EndpointFault)) {
              throw problem;
            }
            lose(
              vat,
              worker,
              `it broke the protocol: ${problem.message}`,
              'fault',
            );
          }
        }),
      (reason, what = 'worker') =>
        guard(() =>
          what === 'host'
            ? loseHost(worker, reason)
            : lose(vat, worker, reason, what),
        ),
    );
  };

  const begin = (
    vat: VatId,
    label: string,
    worker: Worker,
    makeStart: () => Start,
  ): void => {
    limitTime(vat, worker, bootMilliseconds, {
      problem: 'its worker was not ready',
      cause: 'worker',
    });
    launcher.launch(vat, label).then(
      port => {
        if (worker.state === 'gone') {
          port.kill(); // also when the kernel has ended meanwhile
        } else {
          guard(() => connect(vat, worker, port, makeStart));
        }
      },
      (problem: unknown) =>
        guard(() =>
          lose(
            vat,
            worker,
            `its worker did not start: ${String(problem)}`,
            'worker',
          ),
        ),
    );
  };

  phase.onEnd(() => {
    starts.close();
    for (const [vat, worker] of workers) {
      discard(vat, worker);
    }
  });

  return {
    state: (vat: VatId): Worker['state'] | undefined => workers.get(vat)?.state,

    /** Starts a worker. `makeStart` is asked for code and store when the worker is there; it throws only kernel faults. */
    start: (
      vat: VatId,
      label: string,
      makeStart: () => Start,
      owner: WorkerOwner,
    ): void => {
      const worker: Worker = {
        owner,
        state: 'launching',
        port: undefined,
        crank: 0,
        lines: 0,
        cancelDeadline: () => {},
        endStart: () => {},
      };
      workers.set(vat, worker);
      worker.endStart = starts.take(() => begin(vat, label, worker, makeStart));
    },

    /** Hands an idle worker to another owner. */
    give: (vat: VatId, owner: WorkerOwner): void => {
      const worker = workers.get(vat);
      if (worker) {
        worker.owner = owner;
      }
    },

    /** Sends a delivery to an idle worker, with a deadline of its own or, if null, the usual one. */
    deliver: (
      vat: VatId,
      delivery: Delivery,
      deadline: number | null,
    ): void => {
      const worker = workers.get(vat);
      if (worker?.state !== 'idle') {
        throw Error(`vat ${vat} is ${worker?.state}, it can't take a delivery`);
      }
      lastCrank += 1;
      worker.crank = lastCrank;
      worker.lines = 0;
      worker.state = 'busy';
      limitTime(vat, worker, deadline ?? deliveryMilliseconds, {
        problem: 'it did not finish its delivery',
        cause: 'fault',
      });
      onTrace({
        type: 'deliver',
        at: clock.now(),
        vat,
        crank: lastCrank,
        delivery: delivery[0],
      });
      worker.port?.send({ type: 'deliver', crank: lastCrank, delivery });
    },

    /** Ends the worker, if there is one; its owner is not told. */
    kill: (vat: VatId): void => {
      const worker = workers.get(vat);
      if (worker) {
        discard(vat, worker);
      }
    },
    /** True while a worker is on its way. */
    isStarting: (): boolean =>
      [...workers.values()].some(
        ({ state }) => state === 'launching' || state === 'starting',
      ),
  };
};
harden(makeWorkers);

export type Workers = ReturnType<typeof makeWorkers>;
