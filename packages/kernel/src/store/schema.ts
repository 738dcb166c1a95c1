import harden from '@endo/harden';
import type {
  BundleHash,
  ClusterId,
  EndpointId,
  FaultPolicy,
  Kref,
  SessionId,
  VatId,
  Vref,
} from '@cooperage/protocol';
import type { ColumnType, TableSchema } from '../ports.ts';

/**
 * The kernel's tables. Their version is kept, and raised by migrations, by the
 * adapter that stores them.
 *
 * Every identifier in them is allotted once and never again (`counters`).
 * Counts are derivable from the other tables; see `refcounts.ts`.
 *
 * | table         | a row is                                                   |
 * |---------------|------------------------------------------------------------|
 * | counters      | the next number of a kind of identifier                    |
 * | clusters      | vats that were launched together                           |
 * | vats          | a vat: its code, parameters, incarnation                   |
 * | bundles       | code, by the SHA-512 of its text; not kept in memory       |
 * | objects       | an object: who exports it, what holds it                   |
 * | promises      | a promise: decider and subscribers, or its resolution      |
 * | clists        | one reference that one endpoint has                        |
 * | queue         | a thing to be delivered to an endpoint, or parked on a promise |
 * | home          | a name that the person gave an object                      |
 * | sessions      | a client outside; none outlives the kernel's run           |
 * | retiring      | a promise's name that a session may still use, on its way out |
 * | vat_changes   | a committed change of a vat's store, not yet in its file   |
 */
type Columns = Readonly<Record<string, readonly [ColumnType, string]>>;

const makeSchema = (
  name: string,
  keys: number,
  columns: Columns,
): TableSchema => ({
  name,
  keys,
  columns: Object.entries(columns).map(([column, [type, about]]) => ({
    name: column,
    type,
    about,
  })),
});

export type CounterRow = { readonly name: CounterName; readonly next: number };
export type CounterName =
  'object' | 'promise' | 'vat' | 'cluster' | 'session' | 'position';

export type ClusterRow = {
  readonly id: ClusterId;
  readonly name: string;
  readonly bootstrap: string;
};

export type VatRow = {
  readonly id: VatId;
  readonly cluster: ClusterId;
  readonly name: string;
  readonly bundle: BundleHash;
  readonly parametersBody: string;
  readonly parametersSlots: readonly Kref[];
  readonly endowments: readonly string[];
  readonly incarnation: number;
  /** 1 when no heap of this incarnation is known to exist or to have existed: the next delivery is startVat. */
  readonly asleep: 0 | 1;
  readonly root: Kref;
  /** Why its code can't run, or null. */
  readonly failure: string | null;
  /** Why it is suspended, or null. */
  readonly suspension: string | null;
  /** Milliseconds that it may take for one delivery; null for the kernel's measure. */
  readonly deadline: number | null;
  readonly onFault: FaultPolicy;
  /** Next number for a kernel-allotted vref of this vat. */
  readonly nextImport: number;
  /** Number of the last fold of its changes into its file. */
  readonly fold: number;
};

export type BundleRow = { readonly hash: BundleHash; readonly text: string };

export type ObjectRow = {
  readonly kref: Kref;
  /** Null when its exporter is gone: an orphan. */
  readonly owner: EndpointId | null;
  readonly reachable: number;
  readonly recognizable: number;
};

export type PromiseRow = {
  readonly kref: Kref;
  readonly state: 'unresolved' | 'fulfilled' | 'rejected';
  /** Null while the kernel holds it: queued or in flight as a result, or resolved. */
  readonly decider: EndpointId | null;
  readonly subscribers: readonly EndpointId[];
  readonly body: string | null;
  readonly slots: readonly Kref[];
  readonly refs: number;
};

export type CListRow = {
  readonly endpoint: EndpointId;
  readonly kref: Kref;
  readonly vref: Vref;
  readonly reachable: 0 | 1;
};

/** Where an item waits: an endpoint's inbox, or a promise on which it is parked. */
export type QueueName = EndpointId | Kref;

export type QueueRow = {
  readonly position: number;
  readonly queue: QueueName;
  readonly kind: 'message' | 'notify';
  /** The message's target, or the promise of a notify. */
  readonly target: Kref;
  readonly body: string;
  readonly slots: readonly Kref[];
  readonly result: Kref | null;
  readonly sender: EndpointId | null;
  /** Deliveries of it that were abandoned. */
  readonly tries: number;
};

export type HomeRow = { readonly name: string; readonly kref: Kref };
export type SessionRow = { readonly id: SessionId; readonly label: string };

export type RetiringRow = {
  readonly session: SessionId;
  readonly vref: Vref;
  readonly kref: Kref;
  /** The delivery that told the session; once it is seen the row goes. */
  readonly delivery: number;
};

export type VatChangeRow = {
  readonly vat: VatId;
  readonly key: string;
  /** Null deletes the key. */
  readonly value: string | null;
};

export const COUNTERS = makeSchema('counters', 1, {
  name: ['text', 'kind of identifier'],
  next: ['integer', 'its next number'],
});
harden(COUNTERS);
export const CLUSTERS = makeSchema('clusters', 1, {
  id: ['text', 'cluster id'],
  name: ['text', 'name a person gave; unique'],
  bootstrap: ['text', 'name of the vat whose root got bootstrap()'],
});
harden(CLUSTERS);
export const VATS = makeSchema('vats', 1, {
  id: ['text', 'vat id'],
  cluster: ['text', 'cluster id'],
  name: ['text', 'name within the cluster'],
  bundle: ['text', 'hash of its code'],
  parametersBody: ['text', 'body of the parameters'],
  parametersSlots: ['text', 'JSON list of krefs'],
  endowments: ['text', 'JSON list of names'],
  incarnation: ['integer', 'how many heaps it has had, this one included'],
  asleep: ['integer', '1 when startVat must come first'],
  root: ['text', 'kref of its root object'],
  failure: ['text?', 'why its code cannot run'],
  suspension: ['text?', 'why it is suspended'],
  deadline: ['integer?', 'milliseconds for one delivery; null: as the kernel'],
  onFault: ['text', 'suspend, restart or terminate'],
  nextImport: ['integer', 'next number of a vref allotted for it'],
  fold: ['integer', 'number of the last fold into its file'],
});
harden(VATS);
export const BUNDLES = makeSchema('bundles', 1, {
  hash: ['text', 'SHA-512 of the text, in hexadecimal'],
  text: ['text', 'the bundle, JSON'],
});
harden(BUNDLES);
export const OBJECTS = makeSchema('objects', 1, {
  kref: ['text', 'ko…'],
  owner: ['text?', 'endpoint that exports it; null for an orphan'],
  reachable: ['integer', 'holders that can reach it'],
  recognizable: ['integer', 'holders that can at least recognize it'],
});
harden(OBJECTS);
export const PROMISES = makeSchema('promises', 1, {
  kref: ['text', 'kp…'],
  state: ['text', 'unresolved, fulfilled or rejected'],
  decider: ['text?', 'endpoint that may resolve it; null: the kernel'],
  subscribers: ['text', 'JSON list of endpoints to notify'],
  body: ['text?', 'body of its resolution'],
  slots: ['text', 'JSON list of krefs in its resolution'],
  refs: ['integer', 'holders'],
});
harden(PROMISES);
export const CLISTS = makeSchema('clists', 2, {
  endpoint: ['text', 'vat or session'],
  kref: ['text', 'the kernel’s name'],
  vref: ['text', 'the endpoint’s name; unique with endpoint'],
  reachable: ['integer', '0 when only recognizable'],
});
harden(CLISTS);
export const QUEUE = makeSchema('queue', 1, {
  position: ['integer', 'arrival number'],
  queue: ['text', 'endpoint, or the promise it is parked on'],
  kind: ['text', 'message or notify'],
  target: ['text', 'kref of the target or of the promise'],
  body: ['text', 'body of [method, args]'],
  slots: ['text', 'JSON list of krefs in it'],
  result: ['text?', 'promise for the answer'],
  sender: ['text?', 'endpoint that sent it'],
  tries: ['integer', 'deliveries that were abandoned'],
});
harden(QUEUE);
export const HOME = makeSchema('home', 1, {
  name: ['text', 'name that the person chose'],
  kref: ['text', 'the object'],
});
harden(HOME);
export const SESSIONS = makeSchema('sessions', 1, {
  id: ['text', 'session id'],
  label: ['text', 'what kind of client'],
});
harden(SESSIONS);
export const RETIRING = makeSchema('retiring', 2, {
  session: ['text', 'session id'],
  vref: ['text', 'promise as the session knows it'],
  kref: ['text', 'the promise'],
  delivery: ['integer', 'number of the delivery that retired it'],
});
harden(RETIRING);
export const VAT_CHANGES = makeSchema('vat_changes', 2, {
  vat: ['text', 'vat id'],
  key: ['text', 'key in its store'],
  value: ['text?', 'new value; null deletes'],
});
harden(VAT_CHANGES);

export const SCHEMA: readonly TableSchema[] = Object.freeze([
  COUNTERS,
  CLUSTERS,
  VATS,
  BUNDLES,
  OBJECTS,
  PROMISES,
  CLISTS,
  QUEUE,
  HOME,
  SESSIONS,
  RETIRING,
  VAT_CHANGES,
]);
harden(SCHEMA);
