import harden from '@endo/harden';

/**
 * A typed door to `@agoric/swingset-liveslots`, whose own types are loose: what
 * it asks of a supervisor, and the little that we use of what it gives.
 */
import { makeLiveSlots as makeLooseLiveSlots } from '@agoric/swingset-liveslots';
import type {
  CapData,
  Delivery,
  LogLevel,
  Resolution,
  VatId,
  Vref,
} from '@cooperage/protocol';

/** What liveslots calls, synchronously; a throw goes to whoever caused the call, vat code mostly. */
export type LiveSlotsSyscall = {
  send(target: Vref, methargs: CapData, result?: Vref): void;
  subscribe(promise: Vref): void;
  resolve(resolutions: readonly Resolution[]): void;
  exit(isFailure: boolean, info: CapData): void;
  dropImports(vrefs: readonly Vref[]): void;
  retireImports(vrefs: readonly Vref[]): void;
  retireExports(vrefs: readonly Vref[]): void;
  abandonExports(vrefs: readonly Vref[]): void;
  callNow(): never;
  vatstoreGet(key: string): string | undefined;
  vatstoreGetNextKey(priorKey: string): string | undefined;
  vatstoreSet(key: string, value: string): void;
  vatstoreDelete(key: string): void;
};

type Anything = (...args: never[]) => unknown;

/** Liveslots' makers of kinds and collections, as vat code finds them in the global `VatData`. */
export type VatData = {
  readonly defineKind: Maker;
  readonly defineKindMulti: Maker;
  readonly defineDurableKind: Maker;
  readonly defineDurableKindMulti: Maker;
  readonly makeKindHandle: (tag: string) => object;
  readonly canBeDurable: Anything;
  readonly providePromiseWatcher: Anything;
  readonly watchPromise: Anything;
  readonly makeScalarBigMapStore: StoreMaker;
  readonly makeScalarBigWeakMapStore: StoreMaker;
  readonly makeScalarBigSetStore: StoreMaker;
  readonly makeScalarBigWeakSetStore: StoreMaker;
};
type Maker = (
  tagOrHandle: unknown,
  init: unknown,
  behavior: unknown,
  options?: object,
) => (...args: unknown[]) => unknown;
type StoreMaker = (label: string, options?: object) => unknown;

export type VatGlobals = { readonly VatData: VatData };
/** `WeakMap`, `WeakSet` and pass-style's symbol: in every compartment that vat code can make. */
export type InescapableGlobals = {
  readonly WeakMap: WeakMapConstructor;
  readonly WeakSet: WeakSetConstructor;
  readonly [symbol: symbol]: unknown;
};

/** A module namespace with a `buildRootObject`, or without: liveslots looks. */
export type BuildVatNamespace = (
  globals: VatGlobals,
  inescapable: InescapableGlobals,
) => object | Promise<object>;

export type GcTools = {
  readonly WeakRef: WeakRefConstructor;
  readonly FinalizationRegistry: FinalizationRegistryConstructor;
  waitUntilQuiescent(): Promise<void>;
  gcAndFinalize(): Promise<void>;
  readonly meterControl: MeterControl;
};

/** Nothing is metered here: these only satisfy liveslots' own assertions. */
export type MeterControl = {
  isMeteringDisabled(): boolean;
  assertIsMetered(): void;
  assertNotMetered(): void;
  runWithoutMetering<Result>(task: () => Result): Result;
  runWithoutMeteringAsync<Result>(task: () => Promise<Result>): Promise<Result>;
  unmetered<Args extends unknown[], Result>(
    task: (...args: Args) => Result,
  ): (...args: Args) => Result;
};

export type LiveSlotsConsole = Readonly<
  Record<LogLevel, (...parts: unknown[]) => void>
>;

export type LiveSlots = {
  /**
   * One delivery at a time. Resolves when the vat is quiescent; rejects when the
   * delivery failed for the vat as a whole, as when `buildRootObject` throws.
   */
  dispatch(delivery: Delivery): Promise<unknown>;
};

/** Makes liveslots for one vat. Makes no syscall before the first delivery. */
export const makeLiveSlots = (powers: {
  readonly syscall: LiveSlotsSyscall;
  readonly vatId: VatId;
  readonly gcTools: GcTools;
  readonly console: LiveSlotsConsole;
  readonly buildVatNamespace: BuildVatNamespace;
}): LiveSlots => {
  const { dispatch, testHooks } = makeLooseLiveSlots(
    powers.syscall,
    powers.vatId,
    {},
    { enableDisavow: false, relaxDurabilityRules: false },
    powers.gcTools,
    powers.console,
    powers.buildVatNamespace,
  );
  // It would end the vat for a large answer; our own limits only fail the crank.
  testHooks.setSyscallCapdataLimits(Infinity, Infinity);
  return { dispatch };
};
harden(makeLiveSlots);
