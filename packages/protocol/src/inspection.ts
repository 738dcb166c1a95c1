import type { AllowanceUse } from './allowance.ts';
import type { FetchCaveats } from './fetch-caveats.ts';
import type { EndpointId, Kref, Vref } from './refs.ts';
import type { StoppedBy } from './stopped-by.ts';

/** The first items of a list, and how many more there are. */
export type Capped<Item> = {
  readonly items: readonly Item[];
  readonly leftOut: number;
};

/** An object or a promise as it is spoken of. */
export type RefMention = {
  readonly kref: Kref;
  /**
   * What its exporter alleged when the kernel first saw it, without the word
   * `Alleged`, cut at 100 units; null when it never said, and for a promise.
   * Whoever exports it wrote this: it proves nothing.
   */
  readonly iface: string | null;
  /** A name that people know it by: `demo.bob` for the root of that vat, one in home, or `the kernel's timer`. */
  readonly name: string | null;
};

/** A vat or a session as it is spoken of. */
export type EndpointMention = {
  readonly endpoint: EndpointId;
  /** `demo.bob` for a vat, what kind of client for a session. */
  readonly name: string;
};

/** In which part a queued item names something. */
export type QueuedAs = 'target' | 'argument' | 'result' | 'notify';

/** One that holds an object or a promise: each counts one. */
export type Holder =
  /** A name that the person keeps it under. */
  | { readonly by: 'home'; readonly name: string }
  /** It is the answer of that cluster's bootstrap, which is awaited. */
  | { readonly by: 'bootstrap'; readonly cluster: string }
  /** It is the root of that vat. */
  | { readonly by: 'root'; readonly vat: EndpointMention }
  /** The parameters of that vat name it. */
  | { readonly by: 'parameters'; readonly vat: EndpointMention }
  /** It is in that c-list. An object's exporter is no holder; of a promise everyone is who knows it. */
  | {
      readonly by: 'clist';
      readonly endpoint: EndpointMention;
      readonly vref: Vref;
      readonly isExport: boolean;
      /** False when the endpoint can only recognize it. */
      readonly reachable: boolean;
    }
  /** A promise that a session was told of, and may not have heard of yet. */
  | { readonly by: 'retiring'; readonly endpoint: EndpointMention }
  /** Something that waits to be delivered names it. */
  | {
      readonly by: 'inbox';
      readonly endpoint: EndpointMention;
      readonly as: QueuedAs;
    }
  /** A message that waits for that promise names it. */
  | {
      readonly by: 'parked';
      readonly promise: RefMention;
      readonly as: QueuedAs;
    }
  /** A service of the kernel has it for that object of its own: an alias what it stands for, a timer whom it tells. */
  | {
      readonly by: 'service';
      readonly service: EndpointMention;
      readonly object: RefMention;
    }
  /** That promise was settled with data that names it. */
  | { readonly by: 'data'; readonly promise: RefMention };

/** One step of a chain: the holder and what it holds. */
export type HoldLink = { readonly holder: Holder; readonly held: RefMention };

/** Why something is there at all. */
export type Life =
  /**
   * The chain begins with a root, and each later holder is the promise or the
   * alias that the link before holds. When the root is a vat's c-list, the vat may hold
   * it for any of `mayBeFor`: the kernel can't see into vats.
   */
  | {
      readonly state: 'held';
      readonly chain: readonly HoldLink[];
      readonly mayBeFor: Capped<RefMention> | null;
    }
  /** Nobody can reach it; somebody can tell whether it is the same. */
  | { readonly state: 'recognizable' }
  /** Nobody but its exporter knows it. */
  | { readonly state: 'unheld' }
  /** What holds it is held by nothing but each other. */
  | { readonly state: 'cycle'; readonly among: Capped<RefMention> }
  /** So many rows of queues and promises were not looked at. */
  | { readonly state: 'unknown'; readonly unseen: number };

export type ObjectInspection = RefMention & {
  readonly kind: 'object';
  /** Null for an orphan. */
  readonly exporter: EndpointMention | null;
  readonly exportedAs: Vref | null;
  /** Everyone and everything that holds it, importers first. */
  readonly holders: Capped<Holder>;
  /** Holders that can reach it; and these with those that can only recognize it. */
  readonly counts: {
    readonly reachable: number;
    readonly recognizable: number;
  };
  readonly life: Life;
};

export type PromiseInspection = RefMention & {
  readonly kind: 'promise';
  readonly state: 'unresolved' | 'fulfilled' | 'rejected';
  /** Null while the kernel holds it: a message that it answers is on its way; and when it is settled. */
  readonly decider: EndpointMention | null;
  readonly subscribers: Capped<EndpointMention>;
  /** What its settlement names. */
  readonly names: Capped<RefMention>;
  /** Messages that wait for it. */
  readonly parked: number;
  readonly holders: Capped<Holder>;
  readonly counts: { readonly holders: number };
  readonly life: Life;
};

/** What an endpoint exports or imports, and whether anybody else, or it, can reach it. */
export type Reference = RefMention & {
  readonly vref: Vref;
  readonly reachable: boolean;
};

/** What is used of a bound; null for what is not bounded. */
export type Used = { readonly now: number; readonly most: number | null };

/** What an administrator of vats may do, and how much of it is used. */
export type AdminQuota = {
  readonly vats: Used;
  /** Of all stores together. */
  readonly bytes: Used;
  /** Milliseconds of a delivery at most; null for what is above, or the kernel's measure. */
  readonly deadline: number | null;
  /** The code that its vats may run, by the name that it has in the cluster, or its hash; null for any that is at hand. */
  readonly bundles: readonly string[] | null;
};

/** What an object of a kernel's service lets its holder do, beyond its service. */
export type PowerAbout =
  /** Of several sets of caveats all are met. */
  | { readonly kind: 'fetch'; readonly sets: readonly FetchCaveats[] }
  /** It stands for that object; for nothing once it was revoked. */
  | { readonly kind: 'alias'; readonly target: RefMention | null }
  /** It takes back that alias of that target; nothing once that was done. */
  | {
      readonly kind: 'revoker';
      readonly alias: RefMention | null;
      readonly target: RefMention | null;
    }
  /** It cancels what is due at that time, in milliseconds since the epoch; null when nothing is any more. */
  | { readonly kind: 'alarm'; readonly at: number | null }
  /** It writes into the log as the cluster of that name. */
  | { readonly kind: 'console'; readonly label: string }
  /** It makes vats in that cluster, null when that has ended, within its quota and those above it: its own first. */
  | {
      readonly kind: 'administrator';
      readonly cluster: string | null;
      readonly quotas: readonly AdminQuota[];
    }
  /** It governs that vat; null when that has ended. */
  | { readonly kind: 'node'; readonly vat: EndpointMention | null }
  | { readonly kind: 'plain' };

/** An object of one of the kernel's services. */
export type Power = RefMention & {
  /** `timer`, `fetch` */
  readonly service: string;
  readonly about: PowerAbout;
};

/** What is told of a vat beyond its references. */
export type VatFacts = {
  /** Why it is suspended or failed. */
  readonly reason: string | null;
  /** By whose order it is suspended or paused; null when it is neither, or nobody knows any more. */
  readonly stoppedBy: StoppedBy | null;
  readonly incarnation: number;
  readonly bundleHash: string;
  /** Bytes of the file of its store, and keys whose last change is not in it yet. */
  readonly store: { readonly bytes: number; readonly unfolded: number };
  /** What it has of all that the kernel keeps for it, and may have. */
  readonly limits: readonly AllowanceUse[];
  /** Globals of its code beyond those of the language. */
  readonly endowments: readonly string[];
  /** The objects of services that it can reach, newest first. */
  readonly powers: Capped<Power>;
};

export type EndpointInspection = {
  readonly kind: 'vat' | 'session';
  readonly endpoint: EndpointId;
  readonly name: string;
  readonly root: RefMention | null;
  /** Null for a session. */
  readonly vat: VatFacts | null;
  readonly counts: {
    /** Objects that it exports, and those of them that somebody can reach. */
    readonly exports: number;
    readonly exportsReachable: number;
    /** Objects that it imports and can reach, and those it can only recognize. */
    readonly imports: number;
    readonly importsRecognizable: number;
    readonly promises: number;
    /** Of these, the ones it is to settle. */
    readonly decides: number;
    /** Things that wait in its inbox. */
    readonly waiting: number;
  };
  /** The oldest references that were not counted: there were too many. */
  readonly unseen: number;
  /** Newest first. */
  readonly exports: Capped<Reference>;
  readonly imports: Capped<Reference>;
};

export type Inspection =
  ObjectInspection | PromiseInspection | EndpointInspection;

/** What to look at: a reference, a name in home, a vat or session, or a vat by name. */
export type InspectRequest =
  | { readonly kref: Kref }
  /** Of the session of the one who asks. */
  | { readonly vref: Vref }
  | { readonly home: string }
  | { readonly endpoint: EndpointId }
  | { readonly cluster: string; readonly vat?: string };

/** How many there were at the mark, and are now. */
export type Growth = { readonly before: number; readonly now: number };

export type EndpointGrowth = EndpointMention & {
  readonly exports: Growth;
  readonly imports: Growth;
  readonly promises: Growth;
  readonly waiting: Growth;
};

export type InterfaceGrowth = {
  /** Null for orphans: their exporter is gone. */
  readonly exporter: EndpointMention | null;
  /** As its exporter alleges; null for objects that never alleged one, `…` for those of all others when there are too many to tell apart. */
  readonly iface: string | null;
  readonly objects: Growth;
  /** Some that are newer than the mark, newest first. */
  readonly newest: readonly RefMention[];
};

/** What grew since a mark, the greatest growth first; what did not grow is not listed. */
export type GrowthReport = {
  readonly mark: string;
  /** When it was made, in milliseconds since the epoch. */
  readonly at: number;
  readonly totals: {
    readonly objects: Growth;
    readonly promises: Growth;
    readonly references: Growth;
    readonly queued: Growth;
  };
  readonly endpoints: Capped<EndpointGrowth>;
  readonly interfaces: Capped<InterfaceGrowth>;
  /** Rows that were not counted, at the mark and now: there were too many. */
  readonly unseen: Growth;
};

/** One edge of a cycle: who holds what. */
export type CycleEdge =
  /** The vat has it in its c-list, and exports something else of the cycle. */
  | {
      readonly by: 'clist';
      readonly vat: EndpointMention;
      /** Null for a promise. */
      readonly exporter: EndpointMention | null;
      readonly held: RefMention;
    }
  /** The promise was settled with data that names it, or a message that waits for it does. */
  | {
      readonly by: 'data' | 'parked';
      readonly promise: RefMention;
      readonly held: RefMention;
    }
  /** The revocable alias stands for it. */
  | {
      readonly by: 'alias';
      readonly alias: RefMention;
      readonly held: RefMention;
    };

/**
 * References that lead back to where they begin, and none of which is held by a
 * root: a name in home, a vat's row, a session, something in an inbox. With vats
 * in it, they may hold each other's objects for other reasons too: only they know.
 */
export type Cycle = {
  readonly vats: readonly EndpointMention[];
  readonly edges: Capped<CycleEdge>;
  /** Vats outside of the cycle that hold something in it. */
  readonly alsoHeldBy: Capped<EndpointMention>;
  /** True when it consists of promises alone and nothing outside of it holds any: nobody can ever hear of them. */
  readonly isGarbage: boolean;
};

/** The largest cycles first. They are reported, never collected. */
export type CycleReport = {
  readonly cycles: Capped<Cycle>;
  /** Rows that were not looked at: there were too many. */
  readonly unseen: number;
};
