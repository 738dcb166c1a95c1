import type { Json } from './capdata.ts';
import type { ClusterConfig } from './cluster.ts';
import type { Delivery, Syscall } from './delivery.ts';
import type { ErrorCode } from './errors.ts';
import type { ClusterId, Kref, SessionId, VatId, Vref } from './refs.ts';
import type { TraceEvent } from './trace.ts';
import type { LogLevel } from './vat-channel.ts';

/** What a client may do; fixed when its port is handed over. Each includes the ones before. */
export const PRIVILEGES = Object.freeze([
  'read',
  'operate',
  'dangerous',
] as const);
export type Privilege = (typeof PRIVILEGES)[number];

export type VatState =
  | 'launching'
  /** In the tables; its worker starts with the next delivery. */
  | 'asleep'
  | 'starting'
  | 'running'
  /** Its messages wait until a person resumes it, for the `reason` given. */
  | 'suspended'
  /** Its code can't be loaded or its `buildRootObject` fails; see `reason`. */
  | 'failed';

export type VatStatus = {
  readonly id: VatId;
  readonly name: string;
  readonly state: VatState;
  readonly incarnation: number;
  readonly bundleHash: string;
  readonly root: Kref | null;
  readonly waiting: number;
  readonly reason?: string;
};

export type ClusterStatus = {
  readonly id: ClusterId;
  readonly name: string;
  readonly bootstrap: string;
  readonly vats: readonly VatStatus[];
};

/** A launch under way, or ended not long ago. */
export type LaunchStatus = {
  readonly id: number;
  readonly name: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly steps: readonly {
    readonly text: string;
    readonly state: 'running' | 'done' | 'failed';
  }[];
  readonly error?: string;
};

export type KernelStatus = {
  readonly state: 'starting' | 'running' | 'stopped' | 'failed' | 'safe-mode';
  readonly reason?: string;
  /** Present while no vat gets a delivery because a person has paused the kernel. */
  readonly isPaused?: true;
  readonly version: number;
  readonly clusters: readonly ClusterStatus[];
  readonly launches: readonly LaunchStatus[];
  /** Names that the person keeps, and the kref each stands for. */
  readonly home: readonly { readonly name: string; readonly kref: Kref }[];
  readonly sessions: number;
  /** Counts since the start of this run of the kernel. */
  readonly cranks: number;
  readonly commits: number;
  /** What the database did in that time: statements run, rows and bytes written. */
  readonly sql: {
    readonly statements: number;
    readonly rows: number;
    readonly bytes: number;
  };
};

export type LogEntry = {
  /** Milliseconds since the epoch, as the kernel's clock gives them. */
  readonly at: number;
  readonly vat: VatId | null;
  readonly label: string;
  readonly level: LogLevel;
  readonly text: string;
};

/** The request and answer of each control method, by name. */
export type ControlMethods = {
  status: { params: Record<string, never>; result: KernelStatus };
  /**
   * From now on `state` and `log` notifications arrive, and `trace` ones if
   * they are wanted. Answers with the state now.
   */
  subscribe: { params: { trace?: boolean }; result: KernelStatus };
  launch: {
    /** A config as a person writes it; checked by `parseClusterConfig`. */
    params: { config: unknown };
    result: LaunchResult;
  };
  terminate: { params: { cluster: string }; result: null };
  /** Ends the workers and starts new incarnations over the same stores; one vat's, or all of the cluster's. */
  restart: { params: { cluster: string; vat?: string }; result: null };
  /** Lets a suspended vat go on, or all of the cluster's; BAD_REQUEST when none is suspended. */
  resume: { params: { cluster: string; vat?: string }; result: null };
  /** Deliveries in flight end, no more are made until `unpause` or the next run of the kernel. */
  pause: { params: Record<string, never>; result: null };
  unpause: { params: Record<string, never>; result: null };
  /**
   * Makes one delivery while the kernel is paused, and waits for its end. Answers
   * which vat got it, or null when there was nothing to deliver.
   */
  step: { params: Record<string, never>; result: { vat: VatId | null } };
  sessionOpen: {
    params: Record<string, never>;
    result: { session: SessionId };
  };
  sessionClose: { params: Record<string, never>; result: null };
  /** Puts the object into the session's c-list and gives its vref there. */
  reference: {
    params: ReferenceRequest;
    /** No delivery: a client keeps drops of imports back until it has heard the answer. */
    result: { vref: Vref; iface: string };
  };
  /** Keeps the object under the name, also across restarts. */
  keep: { params: { name: string; vref: Vref }; result: null };
  forget: { params: { name: string }; result: null };
  /** Ends everything and erases all state. */
  erase: { params: Record<string, never>; result: null };
};

export type ReferenceRequest =
  | { readonly cluster: string; readonly vat?: string }
  | { readonly home: string }
  | { readonly kref: Kref };

export type LaunchResult = {
  readonly cluster: ClusterId;
  readonly name: string;
  readonly vats: Readonly<Record<string, Kref>>;
};

export const METHOD_PRIVILEGE: Readonly<
  Record<keyof ControlMethods, Privilege>
> = Object.freeze({
  status: 'read',
  subscribe: 'read',
  launch: 'operate',
  terminate: 'operate',
  restart: 'operate',
  resume: 'operate',
  pause: 'operate',
  unpause: 'operate',
  step: 'operate',
  sessionOpen: 'operate',
  sessionClose: 'operate',
  reference: 'operate',
  keep: 'operate',
  forget: 'operate',
  erase: 'dangerous',
});

/** Notifications from a client: its session's syscalls, one batch a turn, applied whole or not at all. */
export type ClientNotifications = {
  syscalls: {
    readonly syscalls: readonly Syscall[];
    /**
     * The number of the last delivery that the client had received. A client
     * that has nothing to say acknowledges with an empty batch now and then:
     * with 10,000 deliveries unacknowledged its session ends.
     */
    readonly seen: number;
  };
};

/** Notifications to a client. */
export type KernelNotifications = {
  /** `delivery` is never startVat or bringOutYourDead; `number` counts from 1 within the session. */
  deliver: {
    readonly number: number;
    readonly delivery: Delivery;
    /** How many of this session's batches of syscalls the kernel had applied before. */
    readonly seen: number;
  };
  sessionEnded: { readonly code: ErrorCode; readonly reason: string };
  state: KernelStatus;
  log: { readonly entries: readonly LogEntry[] };
  /** What has happened since the last one, in order; not necessarily committed. */
  trace: { readonly events: readonly TraceEvent[] };
};

/** A config together with what a person's file may hold: used by the sample list. */
export type SampleCluster = {
  readonly title: string;
  readonly description: string;
  readonly config: Omit<ClusterConfig, 'services'> | Json;
};
