import harden from '@endo/harden';
import type { StoreChange, Syscall, VatLimits } from '@cooperage/protocol';
import { makeCrankBudget } from './limits.ts';
import type { LiveSlotsSyscall } from './liveslots.ts';
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

/**
 * Collects a crank's syscalls and hands liveslots' store calls to the image.
 * Outside a crank, between `take` or `drop` and `begin`, every syscall throws
 * and `onLate` is told its name; nothing of it is kept.
 */
export const makeSyscallBuffer = (powers: {
  readonly limits: VatLimits;
  /** Makes the image, given who is to be told of its changes. */
  readonly makeStore: (
    note: (changes: number, units: number) => void,
  ) => VatStore;
  readonly onLate: (name: string) => void;
}) => {
  const budget = makeCrankBudget(powers.limits);
  const store = powers.makeStore(budget.noteChanges);
  let syscalls: Syscall[] = [];
  let isOpen = false;

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

  const syscall: LiveSlotsSyscall = Object.freeze({
    send: (target, methargs, result) =>
      add(['send', target, { methargs, result: result ?? null }]),
    subscribe: promise => add(['subscribe', promise]),
    resolve: resolutions => add(['resolve', resolutions]),
    exit: (isFailure, info) => add(['exit', isFailure, info]),
    dropImports: vrefs => add(['dropImports', vrefs]),
    retireImports: vrefs => add(['retireImports', vrefs]),
    retireExports: vrefs => add(['retireExports', vrefs]),
    abandonExports: vrefs => add(['abandonExports', vrefs]),
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
    begin: (): void => {
      budget.reset();
      isOpen = true;
    },
    /** The limit that the crank passed, if it did. */
    breach: budget.breach,
    /** Ends the crank; the caller owns the arrays. */
    take: (): CrankEffects => {
      const effects = { syscalls, changes: store.takeChanges() };
      close();
      return effects;
    },
    /** Ends the crank as if it had not been. */
    drop: (): CrankEffects => {
      store.dropChanges();
      close();
      return NO_EFFECTS;
    },
  });
};
harden(makeSyscallBuffer);
