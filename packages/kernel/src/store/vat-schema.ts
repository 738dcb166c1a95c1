import harden from '@endo/harden';
import type {
  BundleHash,
  ClusterId,
  EndpointId,
  EvictionPolicy,
  FaultPolicy,
  Kref,
  ServiceGrant,
  StoppedBy,
  VatBounds,
  VatId,
} from '@cooperage/protocol';
import type { TableSchema } from '../ports.ts';
import { makeSchema } from './table-schema.ts';

/** The tables of vats and clusters, and of what is left of those that have ended; `schema.ts` lists them with all others. */
export type ClusterRow = {
  readonly id: ClusterId;
  readonly name: string;
  readonly bootstrap: string;
  /** What its bootstrap was granted at the launch. */
  readonly services: readonly ServiceGrant[];
  /** The promise of the bootstrap's answer, while that is awaited. */
  readonly bootstrapResult: Kref | null;
  /** What it was rejected with, or null. */
  readonly bootstrapProblem: string | null;
};

/** Its own row has gone with its life; this one goes when nothing else is left of it. */
export type EndingRow = {
  readonly endpoint: EndpointId;
  /** What the promises that it decided, and the messages that waited for it, are rejected with. */
  readonly reason: string;
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
  /** Bytes that its store may have; null for as many as is usual. */
  readonly storeBytes: number | null;
  /** 1 when it is paused: heap and worker stay, nothing is delivered. */
  readonly paused: 0 | 1;
  /** The highest of those by whose order it is suspended or paused; null when it is neither, or nobody knows any more. */
  readonly stoppedBy: StoppedBy | null;
  /** 1 when its end or failure stops the kernel. */
  readonly critical: 0 | 1;
  readonly eviction: EvictionPolicy;
  /** Next number for a kernel-allotted vref of this vat. */
  readonly nextImport: number;
  /** Number of the last fold of its changes into its file. */
  readonly fold: number;
  /** Bounds of its own, but that of its store. */
  readonly limits: Partial<VatBounds>;
};

export type VatChangeRow = {
  readonly vat: VatId;
  readonly key: string;
  /** Null deletes the key. */
  readonly value: string | null;
};

export type TrialRow = {
  readonly vat: VatId;
  /** Runs that were cut off while a delivery to it was tried, since one ended. */
  readonly cuts: number;
  /** 1 while one is tried. */
  readonly isUnderWay: 0 | 1;
};

export const CLUSTERS = makeSchema('clusters', 1, {
  id: ['text', 'cluster id'],
  name: ['text', 'name a person gave; unique'],
  bootstrap: ['text', 'name of the vat whose root got bootstrap()'],
  services: ['text', 'JSON list of the services granted to that root'],
  bootstrapResult: ['text?', 'promise of its answer, while it is awaited'],
  bootstrapProblem: ['text?', 'what it was rejected with'],
});
harden(CLUSTERS);
export const ENDINGS = makeSchema('endings', 1, {
  endpoint: ['text', 'vat or session that has ended'],
  reason: ['text', 'why, for those who wait for it'],
});
harden(ENDINGS);
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
  storeBytes: ['integer?', 'bytes that its store may have; null: as usual'],
  paused: ['integer', '1 when it is paused'],
  critical: ['integer', '1 when its end or failure stops the kernel'],
  eviction: ['text', 'never, unseen or any'],
  nextImport: ['integer', 'next number of a vref allotted for it'],
  fold: ['integer', 'number of the last fold into its file'],
  limits: ['text', 'JSON object of its own bounds'],
  stoppedBy: [
    'text?',
    'who has suspended or paused it: kernel, maker or person',
  ],
});
harden(VATS);
export const VAT_CHANGES = makeSchema('vat_changes', 2, {
  vat: ['text', 'vat id'],
  key: ['text', 'key in its store'],
  value: ['text?', 'new value; null deletes'],
});
harden(VAT_CHANGES);

export const TRIALS = makeSchema('trials', 1, {
  vat: ['text', 'vat id'],
  cuts: ['integer', 'runs that were cut off while it was tried'],
  isUnderWay: ['integer', '1 while a delivery to it is tried'],
});
harden(TRIALS);

export const VAT_SCHEMA: readonly TableSchema[] = Object.freeze([
  CLUSTERS,
  VATS,
  ENDINGS,
  VAT_CHANGES,
  TRIALS,
]);
harden(VAT_SCHEMA);
