import type { BundleText } from './bundle.ts';
import type { Delivery, Syscall } from './delivery.ts';
import type { VatId } from './refs.ts';

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
    }
  | {
      readonly type: 'deliver';
      readonly crank: number;
      readonly delivery: Delivery;
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
    }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly text: string;
    };

export type LogLevel = 'debug' | 'info' | 'log' | 'warn' | 'error';

/** Bounds of one crank; passing one fails that crank. Sizes count UTF-16 units. */
export type VatLimits = {
  readonly syscallsPerCrank: number;
  readonly changesPerCrank: number;
  readonly slotsPerMessage: number;
  readonly unitsPerCrank: number;
  readonly logUnits: number;
  /** Lines of log; the vat's worker cuts off what is beyond. */
  readonly logLinesPerCrank: number;
};

export const DEFAULT_VAT_LIMITS: VatLimits = Object.freeze({
  syscallsPerCrank: 100_000,
  changesPerCrank: 200_000,
  slotsPerMessage: 10_000,
  unitsPerCrank: 32_000_000,
  logUnits: 4_000,
  logLinesPerCrank: 500,
});
