import type { Syscall, Vref } from '@cooperage/protocol';
import { isExportVref } from '@cooperage/protocol';
import harden from '@endo/harden';

/** Gathers the syscalls of one turn; they leave in a microtask. */
export type SyscallBatch = {
  add(syscall: Syscall): void;
  /** Number of the batch that takes what is added now, counted from 1. */
  number(): number;
  /** The value of this vref was collected; reported with the next batch unless `isAlive` says otherwise by then. */
  addCollected(vref: Vref): void;
  /** Keeps drops back until the function that it gives is called. */
  holdDrops(): () => void;
  /** A batch leaves in this turn even if it is empty: it tells what was seen. */
  acknowledge(): void;
  /** From now on nothing is gathered or sent. */
  end(): void;
};

/** Of what was collected at once, one batch reports so much: less than a list may hold, and little for the kernel to do in one go. */
const MOST_COLLECTED = 1_500;

export const makeSyscallBatch = (options: {
  post: (syscalls: readonly Syscall[]) => void;
  isAlive: (vref: Vref) => boolean;
}): SyscallBatch => {
  const { post, isAlive } = options;
  const collected = new Set<Vref>();
  let syscalls: Syscall[] = [];
  let holders = 0;
  let posted = 0;
  let isScheduled = false;
  let isWanted = false;
  let isOpen = true;

  const takeCollected = (): Syscall[] => {
    if (holders > 0) {
      return [];
    }
    const reported = [...collected].slice(0, MOST_COLLECTED);
    reported.forEach(vref => collected.delete(vref));
    const dead = reported.filter(vref => !isAlive(vref));
    const imports = dead.filter(vref => !isExportVref(vref));
    const exports = dead.filter(isExportVref);
    const taken: Syscall[] = [];
    if (imports.length > 0) {
      taken.push(['dropImports', imports]);
    }
    if (exports.length > 0) {
      taken.push(['retireExports', exports]);
    }
    return taken;
  };

  const flush = (): void => {
    isScheduled = false;
    const batch = [...syscalls, ...takeCollected()];
    syscalls = [];
    if (isOpen && (isWanted || batch.length > 0)) {
      posted += 1;
      post(batch);
    }
    isWanted = false;
    if (collected.size > 0 && holders === 0) {
      schedule(); // the others leave with batches of their own
    }
  };

  const schedule = (): void => {
    if (!isScheduled && isOpen) {
      isScheduled = true;
      queueMicrotask(flush);
    }
  };

  return harden({
    add: (syscall: Syscall) => {
      if (isOpen) {
        syscalls.push(syscall);
        schedule();
      }
    },
    number: () => posted + 1,
    addCollected: (vref: Vref) => {
      collected.add(vref);
      schedule();
    },
    holdDrops: () => {
      let isHeld = true;
      holders += 1;
      return () => {
        if (isHeld) {
          isHeld = false;
          holders -= 1;
          schedule();
        }
      };
    },
    acknowledge: () => {
      isWanted = true;
      schedule();
    },
    end: () => {
      isOpen = false;
      syscalls = [];
      collected.clear();
    },
  });
};
harden(makeSyscallBatch);
