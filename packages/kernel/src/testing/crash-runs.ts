import type { Platform } from '../ports.ts';
import type { Program } from './crash-programs.ts';
import type { Choose } from './explore.ts';
import type { Entry } from './journal.ts';
import type { makeRig } from './rig.ts';

/** A storage that can be opened again as it was at any moment. */
export type CrashStorage<Disk> = {
  /** Opens what the disk holds, an empty one unless given. */
  open(disk: Disk | undefined): Promise<{
    readonly db: Platform['db'];
    readonly stores: Platform['stores'];
    /** What the disk holds now; the same as before when nothing has changed. */
    readonly snapshot: () => Disk;
    /** Called after each change of the disk, where the storage knows better than its user. */
    readonly onPoint?: (told: (where: string) => void) => void;
    /** Called once the tables are there and the kernel is about to start. */
    readonly onPrepared?: () => void;
    /** The process is gone. */
    readonly abandon: () => void;
  }>;
};

/** What the world was like when it might have stopped. */
export type Moment<Disk> = {
  readonly where: string;
  readonly disk: Disk;
  readonly known: number;
};

export type RunOptions<Disk> = {
  readonly program: Program;
  readonly storage: CrashStorage<Disk>;
  /** Where the run before this one has stopped, and all that had been known by then. */
  readonly from?: { readonly disk: Disk; readonly known: readonly Entry[] };
  /** Which run of the program's kernel it is, from 1. */
  readonly run?: number;
  /** Has that write to the storage fail, from 1: undone, or done all the same; 0 when it fails by itself. The run ends with the kernel. */
  readonly failure?: { readonly nth: number; readonly isDone: boolean };
  /**
   * Asked, once the cluster runs, which of so many things happens next: what
   * arrives from a vat or at a new worker, or the next deed. Vats are then quick,
   * time passes only when nothing else happens, and no moments are noted.
   */
  readonly schedule?: Choose;
  /** What else is chosen by the schedule. */
  readonly freedom?: Freedom;
  /** Told of all that comes to be known outside, at once. */
  readonly onEntry?: (entry: Entry) => void;
  /** Told where the world might stop. */
  readonly onPoint?: (where: string) => void;
  /** Other options for the kernel than those drawn. */
  readonly kernel?: Parameters<typeof makeRig>[1];
};

export type Freedom = {
  /** Time may pass so often while other things could happen. */
  readonly times?: number;
  /** What is to be done soon may wait while other things happen. */
  readonly isSoonFree?: boolean;
  /** What is sent to a vat may be on its way while other things happen. */
  readonly areVatsSlow?: boolean;
  /** The world may stop: the run has then crashed, and one moment is noted. */
  readonly mayCrash?: boolean;
};

export type RunResult<Disk> = {
  /** How it has ended: as it should, in the middle as the schedule wanted, where others go on, or by the fault of a critical vat. */
  readonly end: 'whole' | 'crashed' | 'known' | 'stopped';
  readonly problems: readonly string[];
  /** Points at which the world might have stopped, by what comes next or has just been. */
  readonly points: ReadonlyMap<string, number>;
  /** Those of them that differ in what the disk held or in what was known. */
  readonly moments: readonly Moment<Disk>[];
  readonly known: readonly Entry[];
  /** What is surely done at the end, each piece once, whichever attempt it was. */
  readonly view: string;
  readonly steps: number;
  /** How often the storage was written to. */
  readonly writes: number;
  /** Pieces of work that were sent by an alias that was known to be revoked. */
  readonly vain: number;
  /** Vats that others have made and that are there at the end. */
  readonly born: number;
};
