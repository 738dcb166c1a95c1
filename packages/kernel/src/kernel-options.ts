import type { Allowance, LogLevel, VatLimits } from '@cooperage/protocol';
import type { CollectorOptions } from './gc/collector.ts';
import type { EvictionOptions } from './vats/evictions.ts';
import type { State } from './store/state.ts';

export type KernelOptions = CollectorOptions &
  EvictionOptions & {
    readonly limits?: VatLimits;
    /** Vats make no line of log that is less grave: give what somebody is to see. `debug`, which is every line, by default. */
    readonly logLevel?: LogLevel;
    /** Deliveries in flight at once; 1 gives the order of arrival. 2 by default. */
    readonly parallel?: number;
    /** A delivery that lasts longer than this does not count as one of them while others wait. 20 by default. */
    readonly longMilliseconds?: number;
    /** There is one place more while exactly one of those in flight that count is for a vat that is quick: one of its last four deliveries took less than this. 8 by default. */
    readonly quickMilliseconds?: number;
    /** As many vats start at once as deliveries are in flight, and as many more that are made or upgraded; a start that lasts longer than this does not count as one of them while others wait. 2,000 by default. */
    readonly longStartMilliseconds?: number;
    /** How long others wait for a vat that is to be alone, and it for them; six times as long with each loss. 1,000 by default. */
    readonly aloneMilliseconds?: number;
    /** After a run that was cut off by what a vat may have done, deliveries are made one at a time for so long, and it is noted on the disk to whom. 10,000 by default. */
    readonly trialMilliseconds?: number;
    /** A vat's turn is so many deliveries at most while others wait, and no more are added after that time; 16 and 8 by default, 1 with `parallel` 1. */
    readonly turnDeliveries?: number;
    readonly turnMilliseconds?: number;
    /** How long a vat's worker may take to be ready. 20,000 by default. */
    readonly bootMilliseconds?: number;
    /** How long a vat may take for one delivery, unless its config says otherwise. 5,000 by default. */
    readonly deliveryMilliseconds?: number;
    /** What the kernel keeps for each vat and session at most, where it is other than `USUAL_ALLOWANCE`; a vat's config comes before it. */
    readonly allowance?: Partial<Allowance>;
    /** What all messages and answers may count together, in UTF-16 units; then whoever has more than a 256th of it gets no more. 256,000,000 by default. */
    readonly mostUnits?: number;
    /** Messages of one sender that a vat gets before those of another that wait for it. 50 by default; with `parallel` 1 the order is that of arrival. */
    readonly roundMessages?: number;
    /** Promises that a vat is told of in one delivery when they wait one behind the other. 50 by default; with `parallel` 1 each comes alone. */
    readonly notifiesTogether?: number;
    /** An epoch commits after that many cranks or that time, later where commits are slow; 1,024 and 32 by default. */
    readonly epochCranks?: number;
    readonly epochMilliseconds?: number;
    /** What is to leave waits so long, at the latest, for what a delivery in flight may have to tell; 2 by default, and 0 is not at all. */
    readonly holdMilliseconds?: number;
    /** How long after the last crank committed changes are folded into the vats' files; 1,000 by default. */
    readonly foldMilliseconds?: number;
    /** While the kernel does not rest, so many changes, and of so many UTF-16 units, may wait to be folded. 10,000 and 16,000,000 by default. */
    readonly foldChanges?: number;
    readonly foldUnits?: number;
    /** Lines of log of one vat in a second; what is beyond is left out. 1,000 by default. */
    readonly logLinesPerSecond?: number;
    /** Sessions of clients, clusters, names in home, and bundles stored by a person, that may be there at once; each 1,000 by default. */
    readonly mostSessions?: number;
    readonly mostClusters?: number;
    readonly mostHomeNames?: number;
    readonly mostBundles?: number;
    /** Launches that may begin within a minute. 600 by default. */
    readonly launchesPerMinute?: number;
    /** Rows that an ended vat or session leaves and that one crank clears away. 100 by default. */
    readonly clearedPerCrank?: number;
    /** Called after each kept crank with the kernel's state, and whether all is gone that nobody holds: for tests of invariants. */
    readonly afterCrank?: (state: State, isSwept: boolean) => void;
  };
