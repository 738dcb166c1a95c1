import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';
import type { Flight } from '../translate/to-endpoint.ts';
import type { Start } from './start.ts';
import {
  makeWorkerStarter,
  type VatWorker,
  type WorkerPowers,
  type WorkerState,
} from './worker.ts';
import type { WorkerOwner } from './worker-owner.ts';

/**
 * The vats' workers. A vat has one at most; beside it another may be started
 * that has no vat yet, until it takes the place of the vat's own or is ended.
 */
export const makeWorkers = (powers: WorkerPowers) => {
  const all = new Set<VatWorker>();
  const own = new Map<VatId, VatWorker>();

  const onGone = (worker: VatWorker): void => {
    all.delete(worker);
    if (own.get(worker.vat) === worker) {
      own.delete(worker.vat);
    }
  };

  const isOnItsWay = (worker: VatWorker): boolean =>
    ['launching', 'starting'].includes(worker.state());

  /**
   * One tells that the process of all is gone: nothing must be sent to the
   * others before they tell it too. A worker on its way may be in a new process
   * already, and tells for itself.
   */
  const onHostLost = (witness: VatWorker, reason: string): void => {
    const lost = [...all].filter(each => each === witness || !isOnItsWay(each));
    const atWork = lost.filter(each => each.state() === 'busy');
    lost.forEach(each => each.kill());
    lost.forEach(each =>
      each.tellLost(
        reason,
        atWork.length === 1 && atWork[0] === each ? 'alone' : 'host',
      ),
    );
    witness.tellAfterLoss();
  };

  const starter = makeWorkerStarter(powers, { onGone, onHostLost });

  /** Starts a worker that no vat has yet; whoever starts it seats or kills it. */
  const startBeside = (
    named: { vat: VatId; label: string; party: string },
    makeStart: () => Start,
    owner: WorkerOwner,
  ): VatWorker => {
    const worker = starter.start(named, makeStart, owner);
    all.add(worker);
    return worker;
  };

  const kill = (vat: VatId): void => own.get(vat)?.kill();

  powers.phase.onEnd(() => {
    starter.close();
    all.forEach(worker => worker.kill());
  });

  return {
    /** Of the vat's own worker. */
    state: (vat: VatId): WorkerState | undefined => own.get(vat)?.state(),

    /** Starts the vat's own worker. */
    start: (
      named: { vat: VatId; label: string; party: string },
      makeStart: () => Start,
      owner: WorkerOwner,
    ): void => {
      own.set(named.vat, startBeside(named, makeStart, owner));
    },
    startBeside,

    /** Makes a worker its vat's own, and ends the one before it. */
    seat: (worker: VatWorker, owner: WorkerOwner): void => {
      kill(worker.vat);
      own.set(worker.vat, worker);
      worker.give(owner);
    },

    /** Sends a delivery to the vat's own worker, which must be idle. */
    deliver: (
      vat: VatId,
      flight: Pick<Flight, 'delivery' | 'held'>,
      deadline: number | null,
    ): void => {
      const worker = own.get(vat);
      if (!worker) {
        throw Error(`vat ${vat} has no worker that could take a delivery`);
      }
      worker.deliver(flight, deadline);
    },

    /** Ends the vat's own worker, if there is one; its owner is not told. */
    kill,
    /** How many vats have a worker of their own. */
    count: (): number => own.size,
    /** True while a worker is on its way. */
    isStarting: (): boolean => [...all].some(isOnItsWay),
  };
};
harden(makeWorkers);

export type Workers = ReturnType<typeof makeWorkers>;
