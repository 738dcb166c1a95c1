import type { BackupResult } from './backup-result.ts';
import type { BundleHash } from './bundle.ts';
import type { BundleStatus } from './bundle-source.ts';
import type { Json } from './capdata.ts';
import type { CheckResult } from './check-result.ts';
import type { EndedVat, EvictionPolicy, LaunchStatus } from './cluster.ts';
import type { Delivery, Syscall } from './delivery.ts';
import type { ErrorCode } from './errors.ts';
import type {
  GrowthReport,
  Inspection,
  InspectRequest,
  CycleReport,
} from './inspection.ts';
import type { KernelUse } from './kernel-limits.ts';
import type { OrderRequest, PauseRequest } from './order.ts';
import type { ClusterId, Kref, SessionId, VatId, Vref } from './refs.ts';
import type { ServiceGrant } from './service-grants.ts';
import type { StoppedBy } from './stopped-by.ts';
import type { StorageRoom } from './storage-room.ts';
import type { TraceEvent } from './trace.ts';
import type { LogLevel } from './vat-channel.ts';
import { PROTOCOL_VERSION } from './version.ts';

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
  /** It gets new code: its messages wait until that runs, or has failed to. */
  | 'upgrading'
  /** It keeps worker and heap, and gets no delivery until it is unpaused; see `stoppedBy`. */
  | 'paused'
  /** It has lost its heap, and its messages wait until it is resumed, for the `reason` given; see `stoppedBy`. */
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
  /** By whose order it is suspended or paused: present when it is, unless nobody knows any more. */
  readonly stoppedBy?: StoppedBy;
  /** Present when its end or failure stops the kernel. */
  readonly isCritical?: true;
  /** Absent for `never`. */
  readonly eviction?: Exclude<EvictionPolicy, 'never'>;
};

export type ClusterStatus = {
  readonly id: ClusterId;
  readonly name: string;
  readonly bootstrap: string;
  /** What the root of that vat was granted at the launch. */
  readonly services: readonly ServiceGrant[];
  /** Why its bootstrap came to nothing, if it did. */
  readonly bootstrapProblem?: string;
  readonly vats: readonly VatStatus[];
};

export type KernelStatus = {
  readonly state:
    | 'starting'
    | 'running'
    | 'stopped'
    | 'failed'
    /** It could not write; it rests at its last commit until a person starts it. */
    | 'storage-failed'
    /** Another kernel has its files; it rests until that one is closed and a person starts it. */
    | 'storage-in-use'
    /** A critical vat has ended or failed; it rests at its last commit until a person starts it. */
    | 'critical-failed'
    /** It failed again and again; it rests until a person starts it. */
    | 'safe-mode';
  readonly reason?: string;
  /** Present while no vat gets a delivery because a person has paused the kernel. */
  readonly isPaused?: true;
  readonly version: number;
  readonly clusters: readonly ClusterStatus[];
  /** Vats that ended last, the latest first; absent when there is none. */
  readonly ended?: readonly EndedVat[];
  readonly launches: readonly LaunchStatus[];
  /** Names that the person keeps, and the kref each stands for. */
  readonly home: readonly { readonly name: string; readonly kref: Kref }[];
  readonly sessions: number;
  /** Of what people make: how much there is, and may be. Absent while no kernel runs. */
  readonly limits?: readonly KernelUse[];
  /** Counts since the start of this run of the kernel. */
  readonly cranks: number;
  readonly commits: number;
  /** How much room the storage had when it was asked last; absent where nobody can tell. */
  readonly room?: StorageRoom;
  /** What the database did in that time: statements run, rows and bytes written. */
  readonly sql: {
    readonly statements: number;
    readonly rows: number;
    readonly bytes: number;
  };
};

/** The status of a kernel that does not run: of what it keeps, nothing can be told. */
export const makeRestingStatus = (
  now: Pick<KernelStatus, 'state' | 'reason'>,
): KernelStatus =>
  Object.freeze({
    ...now,
    version: PROTOCOL_VERSION,
    clusters: Object.freeze([]),
    launches: Object.freeze([]),
    home: Object.freeze([]),
    sessions: 0,
    cranks: 0,
    commits: 0,
    sql: Object.freeze({ statements: 0, rows: 0, bytes: 0 }),
  });

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
  /** Starts a kernel that rests; BAD_REQUEST while it runs. */
  start: { params: Record<string, never>; result: null };
  launch: {
    /** A config as a person writes it; checked by `parseClusterConfig`. */
    params: { config: unknown };
    result: LaunchResult;
  };
  /** Ends a vat, with its cluster if it is the last one, or all of the cluster: whole or not at all. */
  terminate: { params: OrderRequest; result: null };
  /** Ends the workers and starts new incarnations over the same stores; one vat's, or all of the cluster's. */
  restart: { params: OrderRequest; result: null };
  /**
   * Gives a vat new code over its store, and new parameters unless they are
   * absent. `bundle` is a source as in a cluster's config. Answers when the new
   * incarnation runs and that is committed. UPGRADE_FAILED, BAD_BUNDLE or
   * BUNDLE_UNREACHABLE when it does not: the vat is then as it was.
   */
  upgrade: {
    params: OrderRequest & {
      bundle: unknown;
      parameters?: Json;
      /** What the promises that the old heap was to decide reject with. */
      upgradeMessage?: string;
    };
    result: UpgradeResult;
  };
  /** Lets a suspended vat go on, or all of the cluster's; BAD_REQUEST when none is suspended. */
  resume: { params: OrderRequest; result: null };
  /** Takes the heap of a vat, or of all of the cluster's; messages wait until `resume`. BAD_REQUEST when none can be suspended. */
  suspend: { params: OrderRequest; result: null };
  /**
   * Without a cluster all vats: deliveries in flight end, no more are made until
   * `unpause` or the next run of the kernel. With one, a vat of it or all, until
   * they are unpaused, restarted or suspended, also over the kernel's runs.
   */
  pause: { params: PauseRequest; result: null };
  /** BAD_REQUEST when a cluster is named and none of the vats meant is paused. */
  unpause: { params: PauseRequest; result: null };
  /**
   * Makes one delivery while the kernel is paused, and waits for its end. Answers
   * which vat got it, or null when there was nothing to deliver.
   */
  step: { params: Record<string, never>; result: { vat: VatId | null } };
  /**
   * Collects garbage: every vat is reaped, everybody told what is due to them,
   * until that frees no more. Answers how many rows are left when it is done and
   * committed. BAD_REQUEST while the kernel is paused.
   */
  collect: {
    params: Record<string, never>;
    result: {
      readonly objects: number;
      readonly promises: number;
      /** Entries of c-lists. */
      readonly references: number;
    };
  };
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
  /** Keeps the object under the name, also across restarts. LIMIT_REACHED when as many are kept as may be. */
  keep: { params: { name: string; vref: Vref }; result: null };
  forget: { params: { name: string }; result: null };
  /**
   * Who exports, imports and holds it, and why it is alive. Looking holds
   * nothing. OBJECT_UNKNOWN, VAT_UNKNOWN or CLUSTER_UNKNOWN when there is none.
   */
  inspect: { params: InspectRequest; result: Inspection };
  /** Counts what there is, to be compared later; the last 16 marks of a run are known. */
  mark: { params: Record<string, never>; result: { mark: string } };
  /** MARK_UNKNOWN when the mark is older than the last 16, or of an earlier run. */
  grownSince: { params: { mark: string }; result: GrowthReport };
  /** References among vats and promises that lead back to where they begin. */
  cycles: { params: Record<string, never>; result: CycleReport };
  /**
   * Stores code under a name of the person's, in place of what had the name
   * before. `bundle` is a source as in a cluster's config. BAD_BUNDLE or
   * BUNDLE_UNREACHABLE when there is none, LIMIT_REACHED when as many are stored
   * as may be.
   */
  storeBundle: {
    params: { name: string; bundle: unknown };
    result: { readonly hash: BundleHash };
  };
  bundles: { params: Record<string, never>; result: readonly BundleStatus[] };
  /** Vats that run it keep it. BUNDLE_UNKNOWN when there is none of that name. */
  forgetBundle: { params: { name: string }; result: null };
  /**
   * Looks through all that is stored, each file in a turn of its own. Damage of the
   * kernel's own file ends the kernel; that of vats' files is told, and nothing done.
   */
  check: { params: Record<string, never>; result: CheckResult };
  /**
   * Looks through all that is stored and copies it, as of the last commit, into a
   * file. BACKUP_FAILED when that can't be written, STORE_DAMAGED when a vat's file
   * is; damage of the kernel's own file ends the kernel.
   */
  backup: { params: Record<string, never>; result: BackupResult };
  /**
   * Puts what a backup holds into the place of all that is stored, and starts the
   * kernel over it: what is told after this answer is told by another run.
   * BACKUP_FAILED when it can't be used; nothing has changed then.
   */
  restore: { params: { name: string }; result: null };
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

/** The number of the incarnation that runs the new code. */
export type UpgradeResult = { readonly incarnation: number };

export const METHOD_PRIVILEGE: Readonly<
  Record<keyof ControlMethods, Privilege>
> = Object.freeze({
  status: 'read',
  subscribe: 'read',
  inspect: 'read',
  mark: 'read',
  grownSince: 'read',
  cycles: 'read',
  bundles: 'read',
  start: 'operate',
  launch: 'operate',
  terminate: 'operate',
  restart: 'operate',
  upgrade: 'operate',
  resume: 'operate',
  suspend: 'operate',
  pause: 'operate',
  unpause: 'operate',
  step: 'operate',
  collect: 'operate',
  sessionOpen: 'operate',
  sessionClose: 'operate',
  reference: 'operate',
  keep: 'operate',
  forget: 'operate',
  storeBundle: 'operate',
  forgetBundle: 'operate',
  check: 'dangerous',
  backup: 'dangerous',
  restore: 'dangerous',
  erase: 'dangerous',
});

/** Notifications from a client: its session's syscalls, one batch a turn, applied whole or not at all. */
export type ClientNotifications = {
  syscalls: {
    readonly syscalls: readonly Syscall[];
    /**
     * The number of the last delivery that the client had received. A client
     * that has nothing to say acknowledges with an empty batch now and then, at
     * the latest after 1,000 deliveries or a million units (`weighDelivery`): with
     * ten million units unacknowledged its messages and notifies wait in the
     * kernel, and with 10,000 deliveries its session ends.
     */
    readonly seen: number;
  };
};

/** Notifications to a client. Of `state`, `log` and `trace` it is told no more than it reads: see `ClientMethods`. */
export type KernelNotifications = {
  /** `delivery` is never startVat or bringOutYourDead; `number` counts from 1 within the session. */
  deliver: {
    readonly number: number;
    readonly delivery: Delivery;
    /** How many of this session's batches of syscalls the kernel had applied before. */
    readonly seen: number;
  };
  sessionEnded: { readonly code: ErrorCode; readonly reason: string };
  /** As of a commit. */
  state: KernelStatus;
  /** Told at once: what a line tells of may not be committed yet, and may never be. */
  log: { readonly entries: readonly LogEntry[] };
  /** What has happened since the last one, in order; committed. */
  trace: { readonly events: readonly TraceEvent[] };
};
