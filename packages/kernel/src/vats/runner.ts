import harden from '@endo/harden';
import {
  type LogLevel,
  type ToVat,
  type VatId,
  type VatLimits,
  type VatState,
} from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import { EndpointFault, insistRow } from '../faults.ts';
import type { Lives } from '../lives.ts';
import type { QueueRow, VatRow } from '../store/schema.ts';
import type { State } from '../store/state.ts';
import type { Done } from '../translate/check.ts';
import type { Flight } from '../translate/to-endpoint.ts';
import type { StoreKeeper } from '../vat-stores.ts';
import { makeAbandonment } from './abandonment.ts';
import type { WorkerOwner } from './worker-owner.ts';
import type { Workers } from './workers.ts';

type Start = Extract<ToVat, { type: 'start' }>;

/** What a worker is told at its start; `bundle` is the stored text. */
export const makeStart = (
  row: Pick<VatRow, 'id' | 'name' | 'incarnation' | 'endowments'>,
  {
    bundle,
    store,
    limits,
  }: { bundle: string; store: ArrayBuffer; limits: VatLimits },
): Start => ({
  type: 'start',
  vatId: row.id,
  incarnation: row.incarnation,
  label: row.name,
  bundle,
  store,
  endowments: row.endowments,
  limits,
});
harden(makeStart);

/** A vat that ends itself as a failure takes back what else it did in that crank. */
const effectsOf = ({
  syscalls,
  changes,
}: Done): Pick<Done, 'syscalls' | 'changes'> => {
  const failing = syscalls.find(([name, isFailure]) =>
    name === 'exit' ? isFailure : false,
  );
  return failing ? { syscalls: [failing], changes: [] } : { syscalls, changes };
};

/** The item can't go to this vat any more: what it names has moved or ended. */
const isMisplaced = (state: State, vat: VatId, item: QueueRow): boolean =>
  item.kind === 'message' && state.objects.get(item.target)?.owner !== vat;

/** Runs the vats that are in the tables: starts workers when they are needed, delivers, applies what comes back. */
export const makeRunner = (
  state: State,
  {
    parts,
    lives,
    workers,
    keeper,
    limits,
    pump,
    wake,
    onEnded,
    say,
  }: {
    parts: CrankParts;
    lives: Lives;
    workers: Workers;
    keeper: StoreKeeper;
    limits: VatLimits;
    /** To be called when more may be delivered. */
    pump: () => void;
    wake: (vat: VatId) => void;
    /** The vat has ended itself. */
    onEnded: (row: VatRow) => void;
    say: (vat: VatId, level: LogLevel, text: string) => void;
  },
) => {
  /** Vats that asked to end in the crank that is being applied. */
  const exiting = new Map<VatId, string>();

  const vatRow = (vat: VatId): VatRow =>
    insistRow(state.vats.get(vat), `vat ${vat}`);

  const { flights, lostStarts, suspects, abandon, fail } = makeAbandonment(
    state,
    { parts, lives, workers, onEnded, say },
  );

  const apply = (vat: VatId, flight: Flight, done: Done): void =>
    parts.run(() => {
      exiting.clear();
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
        lives.endVat(vat, exit);
      }
    });

  const onDone = (vat: VatId, done: Done): void => {
    const flight = insistRow(flights.get(vat), `delivery in flight to ${vat}`);
    const row = vatRow(vat);
    if (!done.outcome.ok) {
      if (flight.delivery[0] === 'startVat') {
        fail(vat, done.outcome.problem);
      } else {
        abandon(vat, done.outcome.problem, 'fault');
      }
      return;
    }
    try {
      apply(vat, flight, done);
    } catch (problem) {
      if (!(problem instanceof EndpointFault)) {
        throw problem;
      }
      abandon(vat, `illegal syscall: ${problem.message}`, 'fault');
      return;
    }
    flights.delete(vat);
    lostStarts.delete(vat);
    if (flight.delivery[0] !== 'startVat') {
      suspects.delete(vat);
    }
    if (exiting.delete(vat)) {
      workers.kill(vat);
      onEnded(row);
    }
  };

  const ownerOf = (vat: VatId): WorkerOwner => ({
    onReady: pump,
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
    const { name } = vatRow(vat);
    workers.start(
      vat,
      name,
      () => {
        keeper.fold(vat);
        const row = vatRow(vat);
        const { text } = insistRow(
          state.bundles.get(row.bundle),
          `bundle ${row.bundle}`,
        );
        return makeStart(row, {
          bundle: text,
          store: keeper.pack(vat),
          limits,
        });
      },
      ownerOf(vat),
    );
  };

  const fly = (vat: VatId, flight: Flight): void => {
    flights.set(vat, flight);
    workers.deliver(vat, flight.delivery, vatRow(vat).deadline);
  };

  const passOn = (item: QueueRow): void =>
    parts.run(() => {
      const message = {
        target: item.target,
        methargs: { body: item.body, slots: item.slots },
        result: item.result,
        sender: item.sender,
      };
      parts.route(message);
      parts.inbox.remove(item);
    });

  /** Its worker goes, and with it what was known of it alone. */
  const forget = (vat: VatId): void => {
    workers.kill(vat);
    flights.delete(vat);
    lostStarts.delete(vat);
    suspects.delete(vat);
  };

  return {
    /** False also for a vat that can't run, or may not: what it is to be told of waits. */
    isFree: (vat: VatId): boolean => {
      const worker = workers.state(vat);
      const row = state.vats.get(vat);
      return (
        (worker === undefined || worker === 'idle') &&
        row?.failure === null &&
        row.suspension === null
      );
    },
    suspects: (): ReadonlySet<VatId> => suspects,
    isReady: (vat: VatId): boolean => workers.state(vat) === 'idle',
    isStarting: (vat: VatId): boolean =>
      ['launching', 'starting'].includes(workers.state(vat) ?? 'gone'),
    isFlying: (vat: VatId): boolean => flights.has(vat),
    inFlight: (): number => flights.size,
    /** Does the next thing for a vat that is free. */
    toVat: (vat: VatId, item: QueueRow | undefined): void => {
      const row = vatRow(vat);
      if (item && isMisplaced(state, vat, item)) {
        passOn(item);
      } else if (workers.state(vat) === undefined) {
        start(vat);
        wake(vat);
      } else if (row.asleep) {
        fly(vat, parts.flights.startVat(vat));
      } else if (item) {
        const flight = parts.flights.prepare(vat, item);
        if (flight) {
          fly(vat, flight);
        } else {
          parts.run(() => parts.inbox.remove(item));
        }
      }
    },
    exit: (vat: VatId, reason: string): void => {
      exiting.set(vat, reason);
    },
    /** Takes over a worker that a launch has started. */
    adopt: (vat: VatId): void => workers.give(vat, ownerOf(vat)),
    /** The heap goes now, the delivery in flight is made again by the next incarnation. */
    restart: (vat: VatId, reason: string): void => {
      forget(vat);
      parts.run(() => {
        lives.loseHeap(vat, reason);
        state.vats.put({ ...vatRow(vat), failure: null, suspension: null });
      });
      wake(vat);
    },
    /** A suspended vat goes on, and starts at once. */
    resume: (vat: VatId): void => {
      parts.run(() => state.vats.put({ ...vatRow(vat), suspension: null }));
      wake(vat);
    },
    /** The vat is about to leave the tables. */
    drop: forget,
    vatState: (row: VatRow): VatState => {
      if (row.failure !== null) {
        return 'failed';
      }
      if (row.suspension !== null) {
        return 'suspended';
      }
      switch (workers.state(row.id)) {
        case 'launching':
        case 'starting':
          return 'starting';
        case 'idle':
        case 'busy':
          return row.asleep ? 'starting' : 'running';
        default:
          return 'asleep';
      }
    },
  };
};
harden(makeRunner);

export type Runner = ReturnType<typeof makeRunner>;
