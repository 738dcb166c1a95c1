import harden from '@endo/harden';
import { isVatId, type EndpointId, type VatId } from '@cooperage/protocol';
import type { Phase } from '../phase.ts';
import type { Clock } from '../ports.ts';
import type { Actions } from './actions.ts';
import type { Chores } from './chores.ts';
import type { Dirt } from './dirt.ts';

/** A collection ends after so many rounds: a vat may make new garbage in each. */
const MOST_ROUNDS = 100;

type Waiter = {
  readonly resolve: () => void;
  readonly reject: (problem: unknown) => void;
};

/**
 * Collections: when somebody asks, all that is garbage goes, in rounds. In each,
 * every vat that has had a delivery since its last reap is reaped, and everybody
 * told all that is due; what that frees may be what the next round finds. A
 * collection ends when a round has left nothing to do.
 *
 * When the kernel has been idle for a while it collects of itself. A reap costs
 * its vat more than the time that it takes: engines forget code that they have
 * optimized. So then a vat is reaped that was told of garbage, or has got many
 * references; one that has got few, once its last reap was long ago; one that had
 * other deliveries, long after the first of them. Such
 * a collection ends with the next message too: what is left is for the next
 * idleness. Where the kernel is never idle, what has waited for long is done at work.
 */
export const makeCollection = ({
  chores,
  dirt,
  actions,
  clock,
  phase,
  isAwake,
  wake,
  search,
  sweep,
  heirs,
  isQuiet,
  pump,
  idleMilliseconds,
  overdueMilliseconds,
}: {
  chores: Chores;
  dirt: Dirt;
  actions: Actions;
  clock: Clock;
  phase: Phase;
  isAwake: (vat: VatId) => boolean;
  /** Starts a vat that sleeps, if it may run. */
  wake: (vat: VatId) => void;
  /** Looks for some of the cycles of promises that were not looked for; true when there may be more. */
  search: () => boolean;
  /** Services forget what nobody can hear of; true when something has gone. */
  sweep: () => boolean;
  /** Vats that sleep and have what only a dead heap may have held. */
  heirs: () => readonly VatId[];
  isQuiet: () => boolean;
  pump: () => void;
  /** How long the kernel is to be idle before it collects of itself; Infinity for never. */
  idleMilliseconds: number;
  /** How long something may be due to an endpoint. */
  overdueMilliseconds: number;
}) => {
  let rounds = 0;
  let waiters: Waiter[] = [];
  let lastWork = clock.now();
  /** When the timer rings. */
  let ringsAt = Infinity;
  let cancelTimer = (): void => {};
  /** Those to whom something is due, and since when the timer has found it so. */
  const dueSince = new Map<EndpointId, number>();

  const vatsThat = (isSo: (vat: VatId) => boolean): VatId[] =>
    [...dirt.vats()].filter(vat => isSo(vat) && isAwake(vat));

  const isPresent = (endpoint: EndpointId): boolean =>
    !isVatId(endpoint) || isAwake(endpoint);

  /** Whether a collection has the vat reaped. */
  const isToReap = (vat: VatId): boolean =>
    waiters.length > 0
      ? dirt.isDirty(vat)
      : dirt.isDue(vat) || dirt.isOverdue(vat);
  const isToReapAtFirst = (vat: VatId): boolean =>
    isToReap(vat) || dirt.owes(vat);

  const isAnythingLeft = (): boolean =>
    vatsThat(isToReapAtFirst).length > 0 ||
    [...actions.endpoints()].some(isPresent);

  /** For what the next idleness is to do, or for the vat whose last reap will first have been long ago. */
  const armForRest = (): void =>
    arm(
      isAnythingLeft()
        ? idleMilliseconds
        : Math.min(...vatsThat(dirt.isDirty).map(dirt.overdueAt)) - clock.now(),
    );

  /** True when it leaves more cycles to be looked for. */
  const startRound = (vats: readonly VatId[]): boolean => {
    const isMore = search();
    sweep();
    vats
      .filter(vat => waiters.length > 0 || dirt.isRested(vat))
      .forEach(chores.reap);
    return isMore;
  };

  const begin = (): void => {
    rounds = MOST_ROUNDS;
    chores.setEager(true);
    startRound(vatsThat(isToReapAtFirst));
  };

  const end = (): void => {
    rounds = 0;
    chores.setEager(false);
    const served = waiters;
    waiters = [];
    served.forEach(({ resolve }) => resolve());
  };

  /** At work: what has waited for so long that idleness may never come. */
  const doOverdue = (): void => {
    search();
    vatsThat(vat => dirt.isOverdue(vat) && dirt.isRested(vat)).forEach(
      chores.reap,
    );
    const now = clock.now();
    const owed = new Set(actions.endpoints());
    for (const endpoint of dueSince.keys()) {
      if (!owed.has(endpoint)) {
        dueSince.delete(endpoint);
      }
    }
    for (const endpoint of owed) {
      const since = dueSince.get(endpoint) ?? now;
      dueSince.set(endpoint, since);
      if (now - since >= overdueMilliseconds && isPresent(endpoint)) {
        chores.tell(endpoint);
      }
    }
  };

  const ring = (): void => {
    const rest = lastWork + idleMilliseconds - clock.now();
    const isIdle = rest <= 0 && isQuiet() && rounds === 0;
    const isSwept = isIdle && sweep();
    if (isIdle && !isSwept && !isAnythingLeft()) {
      armForRest();
      return;
    }
    if (isIdle) {
      begin();
    } else {
      doOverdue();
      arm(rest > 0 ? rest : idleMilliseconds);
    }
    pump();
  };

  /** One timer, set anew only to ring sooner, or when it has rung: work comes far more often. */
  const arm = (milliseconds: number): void => {
    const wait = Math.min(milliseconds, overdueMilliseconds);
    const next = clock.now() + wait;
    if (
      milliseconds === Infinity ||
      idleMilliseconds === Infinity ||
      next >= ringsAt
    ) {
      return;
    }
    cancelTimer();
    ringsAt = next;
    cancelTimer = clock.after(wait, () => {
      ringsAt = Infinity;
      phase.guard(ring);
    });
  };

  phase.onEnd(problem => {
    cancelTimer();
    waiters.forEach(({ reject }) => reject(problem));
    waiters = [];
  });

  return harden({
    /** A delivery to the vat has been applied. */
    worked: (isChore: boolean): void => {
      lastWork = clock.now();
      if (!isChore && waiters.length === 0 && rounds > 0) {
        end();
      }
      arm(idleMilliseconds);
    },
    /** How far a collection is, and since when the next one waits. */
    memory: () => ({
      rounds,
      waiters: waiters.length,
      lastWork,
      ringsAt,
      dueSince: [...dueSince],
    }),
    /** To be called when nothing is left to deliver; true when there is now. */
    goOn: (): boolean => {
      if (rounds > 1) {
        rounds -= 1;
        const isMore = startRound(vatsThat(isToReap));
        if (chores.due().length > 0) {
          return true;
        }
        if (isMore) {
          clock.soon(() => phase.guard(pump));
          return false;
        }
        if (!isQuiet()) {
          return false; // what has been found goes in steps, and then there is another round
        }
      }
      if (rounds > 0) {
        end();
      }
      armForRest();
      return false;
    },
    /**
     * Collects what can be collected, to be pumped after this; vats that sleep
     * are started when something is due to them, or when they may give up what
     * a dead heap held. Resolves at the first rest with
     * nothing left to do; rejects when the kernel ends before.
     */
    collect: (): Promise<void> =>
      new Promise((resolve, reject) => {
        waiters.push({ resolve, reject });
        [...[...actions.endpoints()].filter(isVatId), ...heirs()].forEach(wake);
        begin();
      }),
  });
};
harden(makeCollection);

export type Collection = ReturnType<typeof makeCollection>;
