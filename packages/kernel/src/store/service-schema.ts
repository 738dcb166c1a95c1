import harden from '@endo/harden';
import {
  makeServiceId,
  type BundleHash,
  type ClusterId,
  type EndpointId,
  type Kref,
  type ServiceId,
  type VatId,
} from '@cooperage/protocol';
import type { TableSchema } from '../ports.ts';
import { makeSchema } from './table-schema.ts';

/** The tables of the kernel's services; `schema.ts` lists them with all others. */
export type ServiceObjectRow = {
  readonly kref: Kref;
  /** Which of its service's kinds of objects it is: what methods it has. */
  readonly kind: string;
  /** What the service keeps for it, as text of the service's own. */
  readonly data: string;
  /** Who has asked for it, and whose bound it counts for; null for the kernel. */
  readonly maker: EndpointId | null;
  /** What it counts there. */
  readonly units: number;
  /** That of the vat which has asked for it, and which may have ended; null for others. */
  readonly cluster: ClusterId | null;
};

export type AliasRow = {
  readonly kref: Kref;
  /** The object that it stands for, which it holds; null once it is revoked. */
  readonly target: Kref | null;
  /** 1, or one more than that of the alias that it stands for. */
  readonly depth: number;
  /** Who has asked for it, and whose bound it counts for. */
  readonly maker: EndpointId | null;
  /** As of a service object. */
  readonly cluster: ClusterId | null;
};

/** Who sends the messages of alarms. */
export const TIMER: ServiceId = makeServiceId('timer');
harden(TIMER);

export type TimerRow = {
  readonly id: number;
  /** The timer object of which it was asked; not held. */
  readonly timer: Kref;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Milliseconds from one time to the next; null for once. */
  readonly period: number | null;
  /** The object that is told, held. */
  readonly handler: Kref | null;
  /** The promise that is fulfilled, held. */
  readonly promise: Kref | null;
  /** The object that cancels it; not held. */
  readonly alarm: Kref | null;
};

export type CallRow = {
  readonly id: number;
  readonly service: ServiceId;
  /** What of the service's has the bound that it counts to, not held: an object, or, for a question how a vat ends, the promise that tells it. */
  readonly object: Kref;
  /** The promise for its answer, held; null when nobody asked for one. */
  readonly promise: Kref | null;
  /** What else is needed for it, held. */
  readonly slots: readonly Kref[];
};

export type QuotaRow = {
  readonly id: number;
  /** That of the administrator which it narrows; null for one of a config's. */
  readonly parent: number | null;
  /** Where the vats live that are made under it. */
  readonly cluster: ClusterId;
  /** Vats at once; null for any number. */
  readonly vats: number | null;
  /** Bytes of all their stores; null for any number. */
  readonly bytes: number | null;
  /** JSON list of the hashes of the code that they may run; null for any that is at hand. */
  readonly bundles: string | null;
  /** Vats, and the shares of their stores, that are there or on their way, here and below. */
  readonly vatsUsed: number;
  readonly bytesUsed: number;
  /** 1 while there is an administrator with this quota. */
  readonly isHeld: 0 | 1;
  /** Milliseconds that one of them may have for a delivery at most; null for the kernel's measure. */
  readonly deadline: number | null;
};

export type BirthRow = {
  readonly id: number;
  readonly vat: VatId;
  /** The administrator that was called; not held. */
  readonly administrator: Kref;
  readonly quota: number;
  readonly cluster: ClusterId;
  /** Who has called; if it ends first the vat is not made. */
  readonly maker: EndpointId | null;
  readonly name: string;
  readonly bundle: BundleHash;
  /** The share of its store that is taken from the quota; null for none. */
  readonly bytes: number | null;
  /** What its parameters name, held. */
  readonly slots: readonly Kref[];
  /** The promise for the answer, held; null when nobody asked for one. */
  readonly promise: Kref | null;
};

export type ChildRow = {
  readonly vat: VatId;
  readonly quota: number;
  readonly bytes: number | null;
  /** The object by which its maker governs it; not held. Another takes its place when it is gone. */
  readonly node: Kref;
  /** The promise that tells how it ends, held. */
  readonly done: Kref;
  /** 1 when it has ended: the row is there for the node alone, and counts for no quota. */
  readonly isEnded: 0 | 1;
};

export const SERVICE_OBJECTS = makeSchema('service_objects', 1, {
  kref: ['text', 'the object; its owner is the service'],
  kind: ['text', 'which of the service’s kinds it is'],
  data: ['text', 'what the service keeps for it'],
  maker: ['text?', 'endpoint that has asked for it; null: the kernel'],
  units: ['integer', 'what it counts for its maker'],
  cluster: ['text?', 'cluster of the vat that has asked for it'],
});
harden(SERVICE_OBJECTS);
export const ALIASES = makeSchema('aliases', 1, {
  kref: ['text', 'the alias'],
  target: ['text?', 'the object it stands for; null once revoked'],
  depth: ['integer', 'how many aliases deep it is, itself included'],
  maker: ['text?', 'endpoint that has asked for it'],
  cluster: ['text?', 'cluster of the vat that has asked for it'],
});
harden(ALIASES);
export const TIMERS = makeSchema('timers', 1, {
  id: ['integer', 'number'],
  timer: ['text', 'the timer object of which it was asked'],
  time: ['integer', 'milliseconds since the epoch'],
  period: ['integer?', 'milliseconds between times; null: once'],
  handler: ['text?', 'the object that is told'],
  promise: ['text?', 'the promise that is fulfilled'],
  alarm: ['text?', 'the object that cancels it'],
});
harden(TIMERS);
export const CALLS = makeSchema('calls', 1, {
  id: ['integer', 'number'],
  service: ['text', 'service id'],
  object: [
    'text',
    'the object to whose calls it counts; the promise that tells a vat’s end',
  ],
  promise: ['text?', 'the promise for the answer'],
  slots: ['text', 'JSON list of krefs that are needed for it'],
});
harden(CALLS);
export const QUOTAS = makeSchema('quotas', 1, {
  id: ['integer', 'number'],
  parent: ['integer?', 'the quota that it narrows'],
  cluster: ['text', 'where its vats live'],
  vats: ['integer?', 'vats at once; null: any number'],
  bytes: ['integer?', 'bytes of their stores; null: any number'],
  bundles: ['text?', 'JSON list of hashes; null: any code at hand'],
  vatsUsed: ['integer', 'vats of this quota and of those below'],
  bytesUsed: ['integer', 'shares of stores of these vats'],
  isHeld: ['integer', '1 while there is an administrator with it'],
  deadline: [
    'integer?',
    'most milliseconds of a delivery to its vats; null: as the kernel',
  ],
});
harden(QUOTAS);
export const BIRTHS = makeSchema('births', 1, {
  id: ['integer', 'number'],
  vat: ['text', 'the id that it will have'],
  administrator: ['text', 'the object that was called'],
  quota: ['integer', 'what it counts for'],
  cluster: ['text', 'where it will live'],
  maker: ['text?', 'endpoint that has called'],
  name: ['text', 'name within the cluster'],
  bundle: ['text', 'hash of its code'],
  bytes: ['integer?', 'share of its store; null: none'],
  slots: ['text', 'JSON list of krefs in its parameters'],
  promise: ['text?', 'the promise for the answer'],
});
harden(BIRTHS);
export const CHILDREN = makeSchema('children', 1, {
  vat: ['text', 'vat id'],
  quota: ['integer', 'what it counts for'],
  bytes: ['integer?', 'share of its store; null: none'],
  node: ['text', 'the object that governs it'],
  done: ['text', 'the promise that tells how it ends'],
  isEnded: ['integer', '1 when it is no more'],
});
harden(CHILDREN);

export const SERVICE_SCHEMA: readonly TableSchema[] = Object.freeze([
  SERVICE_OBJECTS,
  ALIASES,
  TIMERS,
  CALLS,
  QUOTAS,
  BIRTHS,
  CHILDREN,
]);
harden(SERVICE_SCHEMA);
