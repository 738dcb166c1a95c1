import harden from '@endo/harden';
import {
  limitsOfCrank,
  type CrankBounds,
  type Delivery,
  type Holdings,
  type StoreChange,
  type Syscall,
  type VatLimits,
  type Vref,
} from '@cooperage/protocol';
import { makeLateChanges, MOST_LATE } from './late-changes.ts';
import { makeLettingGo, MOST_LET_GO, type Ended } from './letting-go.ts';
import { makeCrankBudget } from './limits.ts';
import type { LiveSlotsSyscall } from './liveslots.ts';
import { sweepStore } from './store-sweep.ts';
import type { VatStore } from './vat-store.ts';

/** All that a crank did. */
export type CrankEffects = {
  readonly syscalls: readonly Syscall[];
  readonly changes: readonly StoreChange[];
};

const NO_EFFECTS: CrankEffects = Object.freeze({
  syscalls: Object.freeze([]),
  changes: Object.freeze([]),
});

type Parts = {
  /** References that one crank lets go of. */
  readonly mostLetGo?: number;
  /** Late changes that it tells. */
  readonly mostLate?: number;
};

/** What one crank tells of garbage, which has room in any crank beside what else is due. */
const partsOf = (
  { referencesPerCrank, changesPerCrank }: VatLimits,
  { mostLetGo = MOST_LET_GO, mostLate = MOST_LATE }: Parts,
) => ({
  // Each dead export is a change of the store too.
  letGo: Math.max(
    1,
    Math.min(mostLetGo, referencesPerCrank, Math.floor(changesPerCrank / 4)),
  ),
  late: Math.min(mostLate, Math.ceil(changesPerCrank / 2)),
});

/**
 * Collects a crank's syscalls and hands liveslots' store calls to the image.
 * Outside a crank, between `take` or `drop` and `begin`, every syscall throws
 * and `onLate` is told its name; nothing of it is kept.
 */
export const makeSyscallBuffer = (
  powers: Parts & {
    readonly limits: VatLimits;
    /** What the vat has narrowed of these, if it has. */
    readonly narrowed?: Partial<CrankBounds>;
    /** Of the start; as of the others unless given. */
    readonly limitsOfStart?: VatLimits;
    /** Makes the image, given who is to be told of its changes. */
    readonly makeStore: (
      note: (changes: number, units: number) => void,
    ) => VatStore;
    readonly onLate: (name: string) => void;
    /** Told once, when the crank passes a limit: nothing of it will count. */
    readonly onBreach?: (problem: string) => void;
  },
) => {
  const { limits, limitsOfStart = limits, narrowed = {} } = powers;
  const budget = makeCrankBudget(limits, problem => {
    syscalls = [];
    powers.onBreach?.(problem);
  });
  /** What liveslots or the sweep clears away is no deed of the vat's code: it is told in bounded parts. */
  let isClearing = false;
  const store = powers.makeStore((changes, units) => {
    if (!isClearing) {
      budget.noteChanges(changes, units);
    }
  });
  let syscalls: Syscall[] = [];
  let isOpen = false;
  const most = partsOf(limits, powers);
  const lettingGo = makeLettingGo(most.letGo);
  const lateChanges = makeLateChanges(store, most.late);

  const insistOpen = (name: string): void => {
    if (!isOpen) {
      powers.onLate(name);
      throw Error(`syscall ${name} outside a delivery`);
    }
  };
  const add = (syscall: Syscall): void => {
    insistOpen(syscall[0]);
    budget.noteSyscall(syscall);
    syscalls.push(syscall);
  };

  /** Whoever names more than one list may hold says so in several. */
  const addInParts = (
    name: Extract<Syscall, readonly [string, readonly Vref[]]>[0],
    vrefs: readonly Vref[],
  ): void => {
    insistOpen(name);
    const most = budget.limits().slotsPerMessage;
    for (let start = 0; start < vrefs.length; start += most) {
      add([name, vrefs.slice(start, start + most)]);
    }
  };

  /** Kernel and store hear of it in one crank: else it would go on in the one, or end again, when the heap is lost in between. */
  const end = (ended: readonly Ended[]): void => {
    ended.forEach(({ base }) => lateChanges.end(base));
    addInParts(
      'retireExports',
      ended.flatMap(({ vrefs }) => vrefs),
    );
  };

  const syscall: LiveSlotsSyscall = Object.freeze({
    send: (target, methargs, result) =>
      add(['send', target, { methargs, result: result ?? null }]),
    subscribe: promise => add(['subscribe', promise]),
    resolve: resolutions => add(['resolve', resolutions]),
    exit: (isFailure, info) => add(['exit', isFailure, info]),
    dropImports: lettingGo.dropImports,
    retireImports: lettingGo.retireImports,
    retireExports: vrefs => {
      insistOpen('retireExports');
      lettingGo.retireExports(vrefs);
    },
    abandonExports: vrefs => addInParts('abandonExports', vrefs),
    callNow: () => {
      throw Error('there are no devices here');
    },
    vatstoreGet: key => {
      insistOpen('vatstoreGet');
      return store.get(key);
    },
    vatstoreGetNextKey: priorKey => {
      insistOpen('vatstoreGetNextKey');
      return store.getNextKey(priorKey);
    },
    vatstoreSet: (key, value) => {
      insistOpen('vatstoreSet');
      store.set(key, value);
    },
    vatstoreDelete: key => {
      insistOpen('vatstoreDelete');
      store.delete(key);
    },
  });

  const close = (): void => {
    isOpen = false;
    syscalls = [];
  };

  return Object.freeze({
    syscall,
    /**
     * To be called when a message is sent that will be a syscall later (0), or
     * may be (how many of these this turn has sent); throws when it is too many.
     */
    noteSend: (along: number): void => {
      if (isOpen) {
        budget.noteSend(along);
      }
    },
    begin: (delivery: Delivery): void => {
      budget.reset(
        delivery[0] === 'startVat'
          ? limitsOfStart
          : limitsOfCrank(limits, narrowed, delivery),
      );
      isOpen = true;
      isClearing = delivery[0] === 'bringOutYourDead';
      end(lettingGo.deliver(delivery));
    },
    /** Gives up what only an earlier heap held, as the first thing of a startVat. */
    sweep: (held: Holdings): void => {
      isClearing = true;
      const given = sweepStore(store, held);
      lateChanges.sort();
      isClearing = false;
      for (const [name, vrefs] of given) {
        if (name === 'dropImports' || name === 'retireImports') {
          lettingGo[name](vrefs);
        } else {
          addInParts(name, vrefs);
        }
      }
    },
    /** Tells the kernel of what the vat has let go of, and of late changes: the last thing of a startVat, and of a reap. */
    letGo: (): void => {
      if (isClearing) {
        lateChanges.sort(lettingGo.isEnding);
      }
      lateChanges.tell();
      const { dropped, retired, ended } = lettingGo.next();
      end(ended);
      addInParts('dropImports', dropped);
      addInParts('retireImports', retired);
    },
    /** Changes wait to be told, which are of no earlier use than what a reap finds. */
    isLate: lateChanges.hasMore,
    /** These, or imports or dead exports, wait to be let go of. */
    hasMore: (): boolean => lettingGo.hasMore() || lateChanges.hasMore(),
    /** The limit that the crank passed, if it did. */
    breach: budget.breach,
    /** Ends the crank; the caller owns the arrays. */
    take: (): CrankEffects => {
      const effects = { syscalls, changes: lateChanges.take() };
      close();
      return effects;
    },
    /** Ends the crank as if it had not been. */
    drop: (): CrankEffects => {
      lateChanges.drop();
      close();
      return NO_EFFECTS;
    },
  });
};
harden(makeSyscallBuffer);
