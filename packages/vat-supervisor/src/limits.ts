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
 * vat code that catches the error gets no further.
 */
export const makeCrankBudget = (limits: VatLimits) => {
  let syscalls = 0;
  let units = 0;
  let breach: string | undefined;

  const insist = (value: number, name: keyof VatLimits): void => {
    const limit = limits[name];
    if (breach === undefined && value > limit) {
      breach = `${name}: the crank reached ${value}, the limit is ${limit}`;
    }
    if (breach !== undefined) {
      throw new LimitError(breach);
    }
  };

  return Object.freeze({
    reset: () => {
      syscalls = 0;
      units = 0;
      breach = undefined;
    },
    noteSyscall: (syscall: Syscall) => {
      const weight = weighSyscall(syscall);
      syscalls += 1;
      units += weight.units;
      insist(syscalls, 'syscallsPerCrank');
      insist(weight.slots, 'slotsPerMessage');
      insist(units, 'unitsPerCrank');
    },
    /** What the store's changes weigh now, after one more. */
    noteChanges: (changes: number, changedUnits: number) => {
      insist(changes, 'changesPerCrank');
      insist(units + changedUnits, 'unitsPerCrank');
    },
    breach: () => breach,
  });
};
harden(makeCrankBudget);
export type CrankBudget = ReturnType<typeof makeCrankBudget>;
