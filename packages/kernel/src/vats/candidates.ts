import harden from '@endo/harden';
import {
  encodeRows,
  ROOT_VREF,
  type CapData,
  type ClusterId,
  type Kref,
  type VatConfig,
  type VatId,
} from '@cooperage/protocol';
import type { Code } from '../bundles.ts';
import type { CrankParts } from '../crank.ts';
import { faultUnless } from '../faults.ts';
import type { VatRow } from '../store/vat-schema.ts';
import type { State } from '../store/state.ts';
import type { Done } from '../translate/check.ts';
import { FIRST_IMPORT, type Flight } from '../translate/to-endpoint.ts';
import { makeStartLine, type Behind, type ReadyStart } from './start-line.ts';
import type { TellStart } from './start.ts';
import type { StoreBounds } from './store-bounds.ts';
import type { VatWorker } from './worker.ts';
import type { LossCause } from './worker-owner.ts';
import type { Workers } from './workers.ts';

/** A vat that is to be, with a number of its own and nothing else in the tables. */
export type Newcomer = Pick<
  VatConfig,
  'endowments' | 'deadline' | 'onFault' | 'critical' | 'eviction' | 'limits'
> & {
  readonly id: VatId;
  readonly name: string;
  /** Bytes that its store may have; null for as many as is usual. */
  readonly storeBytes: number | null;
  readonly code: Code;
  /** Whoever makes the newcomer holds what these name until it has entered. */
  readonly parameters: CapData<Kref>;
};

/**
 * A worker that runs startVat, of which nothing is applied. Whoever starts it
 * applies it in a crank and then hands it to the runner (`adopt`), or kills it.
 */
export type Candidate = {
  readonly worker: VatWorker;
  readonly flight: Flight;
  /** What startVat did, once `onHeld` was called. */
  done(): Done | undefined;
  kill(): void;
};

/** What whoever starts a candidate is told. */
export type CandidateEvents = {
  /** startVat has ended well; what it did waits to be applied. */
  onHeld(): void;
  /**
   * It is of no use, and was ended: now, or after it was held. The cause is that
   * of a worker's loss, if that was it. Called once at most, and never after `kill`.
   */
  onFailed(problem: string, cause?: LossCause): void;
};

/** The tables' row of a vat that starts for the first time. */
const rowOf = (
  { id, name, code, parameters, ...config }: Newcomer,
  { cluster, root }: { cluster: ClusterId; root: Kref },
): VatRow => ({
  id,
  cluster,
  name,
  bundle: code.hash,
  parametersBody: parameters.body,
  parametersSlots: parameters.slots,
  endowments: config.endowments,
  incarnation: 1,
  asleep: 0,
  root,
  failure: null,
  suspension: null,
  stoppedBy: null,
  deadline: config.deadline,
  onFault: config.onFault,
  paused: 0,
  critical: config.critical ? 1 : 0,
  eviction: config.eviction,
  storeBytes: config.storeBytes,
  nextImport: FIRST_IMPORT,
  fold: 0,
  limits: config.limits,
});

/**
 * Starts workers whose startVat is held: of vats that are not in the tables yet,
 * and of vats that are to get new code. Then it applies what they did.
 */
export const makeCandidates = (
  state: State,
  {
    parts,
    workers,
    bounds,
    tellStart,
    pump,
    ...powers
  }: Parameters<typeof makeStartLine>[0] & {
    parts: CrankParts;
    workers: Workers;
    bounds: Pick<StoreBounds, 'problemOf' | 'forget'>;
    tellStart: TellStart;
    /** To be called when more may be delivered. */
    pump: () => void;
  },
) => {
  const line = makeStartLine(powers);

  /**
   * Starts a worker beside the vat's own, if it has one. `pack` is asked for the
   * store when the worker is there.
   */
  const start = (
    {
      row,
      code,
      pack,
      flight,
      ...behind
    }: Behind & {
      row: Pick<
        VatRow,
        | 'id'
        | 'name'
        | 'incarnation'
        | 'endowments'
        | 'deadline'
        | 'fold'
        | 'storeBytes'
        | 'limits'
      >;
      code: Code;
      pack: () => ArrayBuffer;
      flight: Flight;
    },
    { onHeld, onFailed }: CandidateEvents,
  ): Candidate => {
    let held: Done | undefined;
    let isOver = false;
    const own: ReadyStart = harden({
      ...behind,
      vat: row.id,
      name: row.name,
      flight,
      begin: () => worker.deliver(flight, row.deadline),
    });
    const fail = (problem: string, cause?: LossCause): void => {
      if (!isOver) {
        isOver = true;
        line.leave(own);
        bounds.forget(row.id);
        worker.kill();
        onFailed(problem, cause);
      }
    };
    const worker = workers.startBeside(
      { vat: row.id, label: row.name, party: behind.party },
      () => tellStart(row, { bundle: code.text, store: pack() }),
      {
        onReady: () => line.add(own),
        onDone: done => {
          line.leave(own);
          const problem = done.outcome.ok
            ? bounds.problemOf(row, done.changes)
            : done.outcome.problem;
          if (problem === undefined) {
            held = done;
            onHeld();
          } else {
            fail(problem);
          }
          pump();
        },
        onFailed: problem => {
          fail(problem);
          pump();
        },
        onLost: (problem, cause) => {
          line.noteLoss(own, problem, cause);
          fail(problem, cause);
        },
        afterLoss: pump,
      },
    );
    return harden({
      worker,
      flight,
      done: () => held,
      kill: () => {
        isOver = true;
        line.leave(own);
        bounds.forget(row.id);
        worker.kill();
      },
    });
  };

  return harden({
    start,
    /** Those whose workers are ready, and those under way. */
    line,

    /** Starts a vat that is not in the tables. */
    startNew: (
      { newcomer, ...behind }: Behind & { newcomer: Newcomer },
      events: CandidateEvents,
    ): Candidate =>
      start(
        {
          ...behind,
          row: { ...newcomer, incarnation: 1, fold: 0 },
          code: newcomer.code,
          pack: () => encodeRows([]),
          flight: parts.flights.startNewVat(newcomer.id, newcomer.parameters),
        },
        events,
      ),

    /**
     * Writes the row of a new vat and gives the kref of its root, which the row
     * holds; inside a crank. Its code must be in the tables by the end of that.
     */
    enter: (newcomer: Newcomer, cluster: ClusterId): Kref => {
      const root = parts.clists.addExport(newcomer.id, ROOT_VREF);
      parts.refcounts.hold(root);
      newcomer.parameters.slots.forEach(parts.refcounts.hold);
      state.vats.put(rowOf(newcomer, { cluster, root }));
      return root;
    },

    /** Applies what a held startVat did, for a vat whose row is there; inside a crank. Throws EndpointFault. */
    apply: ({ worker: { vat }, flight, done }: Candidate): void => {
      const { syscalls, changes } = done() ?? { syscalls: [], changes: [] };
      parts.flights.land(flight);
      for (const syscall of syscalls) {
        faultUnless(
          syscall[0] !== 'exit',
          () => 'it ended itself while it started',
        );
        parts.applySyscall(vat, syscall);
      }
      for (const [key, value] of changes) {
        state.vatChanges.put({ vat, key, value });
      }
    },
  });
};
harden(makeCandidates);

export type Candidates = ReturnType<typeof makeCandidates>;
