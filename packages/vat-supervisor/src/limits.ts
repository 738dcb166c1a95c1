import harden from '@endo/harden';
import type { Syscall, VatLimits } from '@cooperage/protocol';

/** A vat passed one of its limits; the message names which. */
class LimitError extends Error {
  constructor(message: string) {
    super(message);
    Reflect.defineProperty(this, 'name', {
      value: 'LimitError',
      configurable: true,
      writable: true,
    });
  }
}

/** How many references a syscall names, wherever it does. */
const countReferences = (syscall: Syscall): number => {
  switch (syscall[0]) {
    case 'send':
      return 1 + syscall[2].methargs.slots.length + (syscall[2].result ? 1 : 0);
    case 'resolve':
      return syscall[1].reduce(
        (sum, [, , { slots }]) => sum + 1 + slots.length,
        0,
      );
    case 'exit':
      return syscall[2].slots.length;
    case 'subscribe':
      return 1;
    default:
      return syscall[1].length;
  }
};

/** Slots and units of one marshalled value. */
type Weighable = {
  readonly body: string;
  readonly slots: readonly string[];
};
type Weight = { readonly units: number; readonly slots: number };

const weigh = (datas: readonly Weighable[]): Weight => {
  let units = 0;
  let slots = 0;
  for (const data of datas) {
    units += data.body.length;
    slots += data.slots.length;
    for (const slot of data.slots) {
      units += slot.length;
    }
  }
  return { units, slots };
};

const weighRefs = (refs: readonly string[]): Weight => ({
  units: refs.reduce((sum, ref) => sum + ref.length, 0),
  slots: refs.length,
});

const weighSyscall = (syscall: Syscall): Weight => {
  switch (syscall[0]) {
    case 'send':
      return weigh([syscall[2].methargs]);
    case 'resolve':
      return weigh(syscall[1].map(([, , data]) => data));
    case 'exit':
      return weigh([syscall[2]]);
    case 'subscribe':
      return weighRefs([syscall[1]]);
    default:
      return weighRefs(syscall[1]);
  }
};

/**
 * What one crank may still use. `note…` throws LimitError when it is too much;
 * from then on everything throws, until `reset`, and `breach` says what it was:
 * vat code that catches the error gets no further. `onBreach` is called once, at
 * once: what is left of a flood may take long to run out.
 */
export const makeCrankBudget = (
  limits: VatLimits,
  onBreach: (problem: string) => void = () => {},
) => {
  let current = limits;
  let sends = 0;
  let syscalls = 0;
  let references = 0;
  let units = 0;
  /** One error for all that comes after: a flood must not cost more for being refused. */
  let breach: LimitError | undefined;

  const insist = (value: number, name: keyof VatLimits): void => {
    const limit = current[name];
    if (breach === undefined && value > limit) {
      const problem = `${name}: the crank reached ${value}, the limit is ${limit}`;
      breach = Object.freeze(new LimitError(problem));
      onBreach(problem);
    }
    if (breach !== undefined) {
      throw breach;
    }
  };

  return Object.freeze({
    /** Another crank begins, with limits of its own. */
    reset: (next: VatLimits) => {
      current = next;
      sends = 0;
      syscalls = 0;
      references = 0;
      units = 0;
      breach = undefined;
    },
    /** Of a message that will be a syscall in a later turn, or of so many in this turn that may be. */
    noteSend: (along: number) => {
      sends += along === 0 ? 1 : 0;
      insist(sends + along, 'syscallsPerCrank');
    },
    noteSyscall: (syscall: Syscall) => {
      if (breach !== undefined) {
        throw breach;
      }
      const weight = weighSyscall(syscall);
      syscalls += 1;
      units += weight.units;
      references += countReferences(syscall);
      insist(syscalls, 'syscallsPerCrank');
      insist(weight.slots, 'slotsPerMessage');
      insist(references, 'referencesPerCrank');
      insist(units, 'unitsPerCrank');
    },
    /** What the store's changes weigh now, after one more. */
    noteChanges: (changes: number, changedUnits: number) => {
      insist(changes, 'changesPerCrank');
      insist(units + changedUnits, 'unitsPerCrank');
    },
    breach: () => breach?.message,
    limits: () => current,
  });
};
harden(makeCrankBudget);
export type CrankBudget = ReturnType<typeof makeCrankBudget>;
