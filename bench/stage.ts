/** What a case is, and what it finds on the platform that it is measured on. */
import type { Rounds } from './rounds.ts';

export type Platform = 'node' | 'chromium';

/** A result, as `out/latest.json` holds it, but for its platform. */
export type Figure = {
  /** One of the case's `figures`. */
  readonly name: string;
  readonly value: number;
  /** Of `value` and of `floor`. */
  readonly unit: string;
  /** The bare model's value in the same run, where it can do the same. */
  readonly floor?: number;
  readonly ratioToFloor?: number;
  /** Ours to others', or to what else it is compared with. More is better unless the bar says otherwise. */
  readonly peers?: Readonly<Record<string, number>>;
};

export type BenchCase = {
  /** The name of its file. */
  readonly name: string;
  /** The names of all that it measures: what a run lacks of them is shown as not measured. */
  readonly figures: readonly string[];
  readonly platforms: readonly Platform[];
  /** Runs ours, the floor and the peers in turns (`runRounds`). Ends what it starts beside the stage's own. */
  measure(stage: Stage): Promise<readonly Figure[]>;
};

/** What a function that runs in the console's realm is given. */
export type Realm = {
  /** `E(target)[method](...args)` */
  send(target: unknown, method: string, ...args: unknown[]): Promise<unknown>;
  /** The console's `kernel`: `launch`, `root`, `status` and so on are its methods. */
  readonly kernel: object;
  /** Makes an object of the console's own. */
  readonly Far: (iface: string, methods: object) => object;
};

/** Counted since the kernel has started. */
export type Counters = Readonly<
  Record<'commits' | 'statements' | 'rows' | 'bytes', number>
>;

/** A running kernel of ours with a console. */
export type Ours = {
  /**
   * Runs the function in the console's realm. It may refer to its parameters
   * only, since its text is evaluated there; `args` and the result are JSON.
   */
  run<Args, Result>(
    work: (realm: Realm, args: Args) => Promise<Result>,
    args: Args,
  ): Promise<Result>;
  counters(): Promise<Counters>;
  /** Resolves when the kernel is idle and has committed. */
  idle(): Promise<void>;
  /** Bytes of the kernel thread's JavaScript heap after a collection. */
  heapUsed(): Promise<number>;
  /** Bytes of the kernel's whole process, vats among them; of Node alone. */
  memoryUsed?(): Promise<number>;
  /** Milliseconds that the kernel's thread was busy in one go at most during the work. */
  longestStep(work: () => Promise<void>): Promise<number>;
  /** Starts the kernel and the host of the vats afresh over what is stored; of Chromium alone. */
  reload?(): Promise<void>;
  /** Bytes (proportional set size) by the id of each process that shows pages: all vats share one. Of Chromium on Linux alone. */
  rendererMemory?(): Promise<ReadonlyMap<number, number>>;
  /** Rows in all tables of the kernel's database; in Chromium of objects, promises and c-lists alone, after a collection. */
  countRows(): Promise<number>;
  /** Ends it and deletes its state. */
  stop(): Promise<void>;
};

/** The bare model with two vats of the program (see `program.ts`). */
export type Floor = {
  /** Milliseconds of so many round trips from one vat to the other, one at a time. */
  roundTrips(count: number): Promise<number>;
  /** Milliseconds of the same hops with nothing at their ends. */
  hops(count: number): Promise<number>;
  /** Milliseconds of calls from outside to a vat, so many in flight. */
  calls(count: number, inFlight: number): Promise<number>;
};

/** Another library in two workers. It persists nothing and isolates nothing. */
export type Peer = {
  /** Milliseconds of so many round trips from one worker to the other, so many in flight. */
  roundTrips(count: number, inFlight: number): Promise<number>;
};
/** Joined as our vats are, by the ports of a third worker between the two; `direct` ones by one port. */
export const PEERS = ['captp', 'captp direct', 'capnweb', 'comlink'] as const;
export type PeerName = (typeof PEERS)[number];

export type StorageKind = 'durable' | 'memory';

/** When an epoch commits at the latest, if not as usual; of Node alone. */
export type Epoch = {
  readonly epochCranks: number;
  readonly epochMilliseconds: number;
};

export type Stage = {
  readonly platform: Platform;
  /** A fraction of the work, for a run that only shows that all still works. */
  readonly isQuick: boolean;
  /** Microseconds of processor time that all contenders have taken so far. */
  readCpu(): Promise<number>;
  /** The rounds of a full run, or fewer and shorter ones. */
  extent(full: Rounds): Rounds;
  /** The kernel that cases share; it has a cluster `bench` of two vats, `near` and `far`. In Chromium always durable. */
  provideOurs(storage?: StorageKind): Promise<Ours>;
  /** Another kernel, empty but for the same cluster; who starts it stops it. */
  startOurs(storage?: StorageKind, epoch?: Epoch): Promise<Ours>;
  provideFloor(storage?: StorageKind): Promise<Floor>;
  providePeer(name: PeerName): Promise<Peer>;
  /** `@agoric/swingset-vat` with local workers, in memory, when it was asked for. */
  provideSwingSet(): Promise<Peer | undefined>;
  /** Ends all that the stage has provided. */
  end(): Promise<void>;
};
