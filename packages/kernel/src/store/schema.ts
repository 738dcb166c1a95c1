import harden from '@endo/harden';
import type {
  BundleHash,
  ClusterId,
  EndpointId,
  Kref,
  SessionId,
  Vref,
} from '@cooperage/protocol';
import type { TableSchema } from '../ports.ts';
import { SERVICE_SCHEMA } from './service-schema.ts';
import { ENDED } from './ended-schema.ts';
import { makeSchema } from './table-schema.ts';
import { VAT_SCHEMA } from './vat-schema.ts';
import { WRITERS } from './writers.ts';

/**
 * The kernel's tables. Their version is kept, and raised by migrations, by the
 * adapter that stores them.
 *
 * Every identifier in them is allotted once and never again (`counters`).
 * Counts are derivable from the other tables; see `gc/refcounts.ts`.
 *
 * | table         | a row is                                                   |
 * |---------------|------------------------------------------------------------|
 * | writers       | a version of a program that has written into all this      |
 * | counters      | the next number of a kind of identifier                    |
 * | clusters      | vats that were launched together                           |
 * | vats          | a vat: its code, parameters, incarnation                   |
 * | endings       | an endpoint that has ended, while what it leaves is cleared away |
 * | ended         | one of the vats that ended last, for people                |
 * | bundles       | code, by the SHA-512 of its text; not kept in memory       |
 * | kept_bundles  | a name under which a person or a cluster keeps code        |
 * | objects       | an object: who exports it, what holds it                   |
 * | promises      | a promise: decider and subscribers, or its resolution      |
 * | clists        | one reference that one endpoint has                        |
 * | queue         | a thing to be delivered to an endpoint, or parked on a promise |
 * | home          | a name that the person gave an object                      |
 * | sessions      | a client outside; none outlives the kernel's run           |
 * | retiring      | a promise's name that a session may still use, on its way out |
 * | vat_changes   | a committed change of a vat's store, not yet in its file   |
 * | trials        | a vat whose delivery may have ended the process of the kernel |
 * | service_objects | an object of a service of the kernel                     |
 * | aliases       | an object that stands for another, or did                  |
 * | timers        | a time for which somebody waits                            |
 * | calls         | work outside that a service has begun for somebody         |
 * | quotas        | what an administrator of vats may do, and how much of it is used |
 * | births        | a vat that another has asked for and that is not there yet |
 * | children      | a vat that another has made, or its end                    |
 */
export type CounterRow = { readonly name: CounterName; readonly next: number };
export type CounterName =
  | 'object'
  | 'promise'
  | 'vat'
  | 'cluster'
  | 'ended'
  | 'session'
  | 'position'
  | 'timer'
  | 'call'
  | 'quota'
  | 'birth';

export type BundleRow = { readonly hash: BundleHash; readonly text: string };

export type KeptBundleRow = {
  /** `person`, or the cluster whose config names it. */
  readonly keeper: BundleKeeper;
  readonly name: string;
  readonly hash: BundleHash;
  /** UTF-16 units of its text. */
  readonly units: number;
};
export type BundleKeeper = 'person' | ClusterId;

export type ObjectRow = {
  readonly kref: Kref;
  /** Null when its exporter is gone: an orphan. */
  readonly owner: EndpointId | null;
  /** What its exporter alleged with its first mention, cut and cleaned; see `translate/interfaces.ts`. */
  readonly iface: string | null;
  readonly reachable: number;
  readonly recognizable: number;
};

export type PromiseRow = {
  readonly kref: Kref;
  /** While too much is parked on it for one crank it is `fulfilling` or `rejecting`: see `promises.ts`. */
  readonly state:
    'unresolved' | 'fulfilling' | 'rejecting' | 'fulfilled' | 'rejected';
  /** Null while the kernel holds it: queued or in flight as a result, or resolved. */
  readonly decider: EndpointId | null;
  readonly subscribers: readonly EndpointId[];
  readonly body: string | null;
  readonly slots: readonly Kref[];
  readonly refs: number;
  readonly maker: EndpointId | null; // whose bounds it counts for, with those of its settler
  readonly settler: EndpointId | null;
  readonly isLeft: 0 | 1;
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
  /** Within an inbox, items of a lower round go first; see `inbox.ts`. */
  readonly round: number;
  /** Its number in that round among its sender's messages, or among notifies. */
  readonly nth: number;
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

export const COUNTERS = makeSchema('counters', 1, {
  name: ['text', 'kind of identifier'],
  next: ['integer', 'its next number'],
});
harden(COUNTERS);
export const BUNDLES = makeSchema('bundles', 1, {
  hash: ['text', 'SHA-512 of the text, in hexadecimal'],
  text: ['text', 'the bundle, JSON'],
});
harden(BUNDLES);
export const KEPT_BUNDLES = makeSchema('kept_bundles', 2, {
  keeper: ['text', 'person, or a cluster id'],
  name: ['text', 'name that its keeper gave it'],
  hash: ['text', 'the bundle'],
  units: ['integer', 'UTF-16 units of its text'],
});
harden(KEPT_BUNDLES);
export const OBJECTS = makeSchema('objects', 1, {
  kref: ['text', 'ko…'],
  owner: ['text?', 'endpoint that exports it; null for an orphan'],
  iface: ['text?', 'what its exporter alleged it to be; proves nothing'],
  reachable: ['integer', 'holders that can reach it'],
  recognizable: ['integer', 'holders that can at least recognize it'],
});
harden(OBJECTS);
export const PROMISES = makeSchema('promises', 1, {
  kref: ['text', 'kp…'],
  state: ['text', 'unresolved, fulfilling, rejecting, fulfilled or rejected'],
  decider: ['text?', 'endpoint that may resolve it; null: the kernel'],
  subscribers: ['text', 'JSON list of endpoints to notify'],
  body: ['text?', 'body of its resolution'],
  slots: ['text', 'JSON list of krefs in its resolution'],
  refs: ['integer', 'holders'],
  maker: ['text?', 'endpoint that made it; null: the kernel'],
  settler: ['text?', 'endpoint that settled it; null: the kernel, or nobody'],
  isLeft: ['integer', '1 when it has left the c-list of its maker'],
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
  round: ['integer', 'lower rounds go first; then by position'],
  nth: ['integer', 'its number in its lane and round'],
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

export const SCHEMA: readonly TableSchema[] = Object.freeze([
  WRITERS,
  COUNTERS,
  ...VAT_SCHEMA,
  ENDED,
  BUNDLES,
  KEPT_BUNDLES,
  OBJECTS,
  PROMISES,
  CLISTS,
  QUEUE,
  HOME,
  SESSIONS,
  RETIRING,
  ...SERVICE_SCHEMA,
]);
harden(SCHEMA);
