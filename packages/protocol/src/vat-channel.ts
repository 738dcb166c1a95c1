import type { BundleText } from './bundle.ts';
import { referencesOf, type Delivery, type Syscall } from './delivery.ts';
import type { VatId, Vref } from './refs.ts';

/**
 * The words between the kernel and one vat's worker, over a direct port:
 *
 *     worker → hello
 *     kernel → start                    (code, store, options)
 *     worker → ready | failed           (bundle loaded; nothing of it has run yet)
 *     kernel → deliver  ⇄  worker → done        one at a time
 *     worker → log                      (diagnostics, any time, so many a crank)
 *
 * Anything else from the worker is a breach that closes the port.
 */
export type ToVat =
  | {
      readonly type: 'start';
      readonly vatId: VatId;
      readonly incarnation: number;
      /** For messages and logs; not an identity. */
      readonly label: string;
      readonly bundle: BundleText;
      /** The vat's store as `encodeRows` packs it; transferred. */
      readonly store: ArrayBuffer;
      readonly endowments: readonly string[];
      readonly limits: VatLimits;
      /** What the vat's config makes narrower of these; see `limitsOfCrank`. */
      readonly narrowed: Partial<CrankBounds>;
      /** Lines of log that are less grave than this are neither made nor sent. */
      readonly logLevel: LogLevel;
    }
  | {
      readonly type: 'deliver';
      readonly crank: number;
      readonly delivery: Delivery;
      /** With the startVat of a vat that had a heap before, and only then. */
      readonly held?: Holdings;
    };

/**
 * What a vat's c-list has from its earlier heaps, but its exports and what the
 * delivery names. Whoever can't find one of these in the vat's store gives it up.
 */
export type Holdings = {
  readonly reachable: readonly Vref[];
  /** Imports that were dropped, but not retired. */
  readonly recognizable: readonly Vref[];
  readonly promises: readonly Vref[];
};

/** One change of a vat's store: a key, and its new value or null for a deletion. */
export type StoreChange = readonly [key: string, value: string | null];

/** How a delivery ended for the vat itself. A message that its object rejects is not a failure. */
export type Outcome =
  { readonly ok: true } | { readonly ok: false; readonly problem: string };

export type FromVat =
  | { readonly type: 'hello'; readonly version: number }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly problem: string }
  | {
      readonly type: 'done';
      readonly crank: number;
      readonly outcome: Outcome;
      /** In the order in which the vat made them. */
      readonly syscalls: readonly Syscall[];
      /** The net changes of the crank, at most one a key. */
      readonly changes: readonly StoreChange[];
      /** After a reap: the engine gave no sign of having collected. Worth another try when there is time. */
      readonly isUnsure?: boolean;
      /** After a reap or a start: the vat has more to let go of than one crank tells. It is to be reaped again. */
      readonly hasMore?: boolean;
    }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly text: string;
    };

/** The least grave first. */
export type LogLevel = 'debug' | 'info' | 'log' | 'warn' | 'error';

/**
 * Bounds of one crank; passing one fails that crank. Sizes count UTF-16 units.
 * The kernel applies a crank in one go, while which it hears nobody: the most
 * that a crank may do takes it a second or two; see docs/limits.md.
 */
export type VatLimits = {
  readonly syscallsPerCrank: number;
  /** Named in all its syscalls: each costs the kernel some microseconds. */
  readonly referencesPerCrank: number;
  readonly changesPerCrank: number;
  readonly slotsPerMessage: number;
  /** Text of one message or answer; a larger one is refused, and its crank goes on. */
  readonly unitsPerMessage: number;
  readonly unitsPerCrank: number;
  readonly logUnits: number;
  /** Lines of log; the vat's worker cuts off what is beyond. */
  readonly logLinesPerCrank: number;
};

/** What a vat's config may narrow of them. */
export type CrankBounds = Omit<VatLimits, 'logUnits'>;

/** The limits as a vat has them that narrows some. */
export const narrowLimits = (
  limits: VatLimits,
  narrowed: Partial<CrankBounds>,
): VatLimits =>
  Object.freeze({
    ...limits,
    ...Object.fromEntries(
      Object.entries(narrowed).map(([key, most]) => [
        key,
        Math.min(most, limits[key as keyof CrankBounds]),
      ]),
    ),
  });

/**
 * The limits of a worker's first crank, in which it also gives up promises and
 * exports of a dead heap, with what its store has of these.
 */
export const limitsOfStart = (limits: VatLimits): VatLimits =>
  Object.freeze({
    ...limits,
    changesPerCrank: 50 * limits.changesPerCrank,
    unitsPerCrank: 2 * limits.unitsPerCrank,
    referencesPerCrank: 50 * limits.referencesPerCrank,
  });

/**
 * The limits of the crank of a delivery, a start excepted. What is narrowed is
 * what the vat's code does of its own: all that has to do with garbage has the
 * usual measure, and what others name in a message, whose promises the vat asks
 * the kernel about, comes on top. Imports that are gone take along what weak
 * collections have kept by them, however much that is, and at each try the same:
 * that has the measure of a start.
 */
export const limitsOfCrank = (
  limits: VatLimits,
  narrowed: Partial<CrankBounds>,
  delivery: Delivery,
): VatLimits => {
  if (delivery[0] === 'retireImports') {
    return limitsOfStart(limits);
  }
  const isOfCode = delivery[0] === 'message' || delivery[0] === 'notify';
  if (!isOfCode || Object.keys(narrowed).length === 0) {
    return limits;
  }
  const named = referencesOf(delivery);
  const own = narrowLimits(limits, narrowed);
  return narrowLimits(limits, {
    ...own,
    syscallsPerCrank: own.syscallsPerCrank + named.length,
    referencesPerCrank: own.referencesPerCrank + named.length,
    unitsPerCrank: own.unitsPerCrank + named.join('').length,
  });
};

export const DEFAULT_VAT_LIMITS: VatLimits = Object.freeze({
  syscallsPerCrank: 20_000,
  referencesPerCrank: 20_000,
  changesPerCrank: 15_000,
  slotsPerMessage: 10_000,
  unitsPerMessage: 10_000_000,
  unitsPerCrank: 32_000_000,
  logUnits: 4_000,
  logLinesPerCrank: 500,
});
