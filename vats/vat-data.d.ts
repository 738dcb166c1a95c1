/**
 * What a vat finds beside the language: `harden`, and `@agoric/vat-data`,
 * which comes from the supervisor and publishes no declarations of its own.
 */
declare const harden: <Value>(value: Value) => Value;

declare module '@agoric/vat-data' {
  import type { InterfaceGuard, Pattern } from '@endo/patterns';

  type StoreOptions = {
    readonly keyShape?: Pattern;
    readonly valueShape?: Pattern;
  };
  type BigStoreOptions = StoreOptions & { readonly durable?: boolean };

  export type WeakMapStore<Key, Value> = {
    has(key: Key): boolean;
    /** Throws when the key is absent. */
    get(key: Key): Value;
    /** Throws when the key is present. */
    init(key: Key, value: Value): void;
    /** Throws when the key is absent. */
    set(key: Key, value: Value): void;
    delete(key: Key): void;
  };
  export type MapStore<Key, Value> = WeakMapStore<Key, Value> & {
    keys(pattern?: Pattern): Iterable<Key>;
    values(pattern?: Pattern): Iterable<Value>;
    entries(pattern?: Pattern): Iterable<[Key, Value]>;
    getSize(): number;
    clear(): void;
  };
  export type WeakSetStore<Key> = {
    has(key: Key): boolean;
    add(key: Key): void;
    delete(key: Key): void;
  };
  export type SetStore<Key> = WeakSetStore<Key> & {
    keys(pattern?: Pattern): Iterable<Key>;
    getSize(): number;
    clear(): void;
  };

  /** A vat's durable root: what it keeps here, its next incarnation finds. */
  export type Baggage = MapStore<string, unknown>;

  type ClassOptions = { readonly stateShape?: Record<string, Pattern> };
  type This<State, Self> = ThisType<{
    readonly state: State;
    readonly self: Self;
  }>;
  type ThisOfKit<State, Facets> = ThisType<{
    readonly state: State;
    readonly facets: Facets;
  }>;
  type Guards<Facets> = Record<keyof Facets, InterfaceGuard>;
  /** A facet's methods see the whole kit as `this.facets`. */
  type KitMethods<State, Facets> = {
    [Name in keyof Facets]: Facets[Name] & ThisOfKit<State, Facets>;
  };

  export const prepareExo: <Self>(
    baggage: Baggage,
    tag: string,
    guard: InterfaceGuard | undefined,
    methods: Self & ThisType<{ readonly self: Self }>,
  ) => Self;
  export const prepareExoClass: <Args extends unknown[], State, Self>(
    baggage: Baggage,
    tag: string,
    guard: InterfaceGuard | undefined,
    init: (...args: Args) => State,
    methods: Self & This<State, Self>,
    options?: ClassOptions,
  ) => (...args: Args) => Self;
  export const prepareExoClassKit: <Args extends unknown[], State, Facets>(
    baggage: Baggage,
    tag: string,
    guards: Guards<Facets> | undefined,
    init: (...args: Args) => State,
    facets: Facets & KitMethods<State, Facets>,
    options?: ClassOptions,
  ) => (...args: Args) => Facets;
  export const defineVirtualExoClass: <Args extends unknown[], State, Self>(
    tag: string,
    guard: InterfaceGuard | undefined,
    init: (...args: Args) => State,
    methods: Self & This<State, Self>,
    options?: ClassOptions,
  ) => (...args: Args) => Self;
  export const defineVirtualExoClassKit: <
    Args extends unknown[],
    State,
    Facets,
  >(
    tag: string,
    guards: Guards<Facets> | undefined,
    init: (...args: Args) => State,
    facets: Facets & KitMethods<State, Facets>,
    options?: ClassOptions,
  ) => (...args: Args) => Facets;

  export const provide: <Value>(
    baggage: Baggage,
    name: string,
    make: () => Value,
  ) => Value;
  export const provideDurableMapStore: <Key, Value>(
    baggage: Baggage,
    name: string,
    options?: StoreOptions,
  ) => MapStore<Key, Value>;
  export const provideDurableWeakMapStore: <Key, Value>(
    baggage: Baggage,
    name: string,
    options?: StoreOptions,
  ) => WeakMapStore<Key, Value>;
  export const provideDurableSetStore: <Key>(
    baggage: Baggage,
    name: string,
    options?: StoreOptions,
  ) => SetStore<Key>;
  export const provideDurableWeakSetStore: <Key>(
    baggage: Baggage,
    name: string,
    options?: StoreOptions,
  ) => WeakSetStore<Key>;
  export const makeScalarBigMapStore: <Key, Value>(
    label: string,
    options?: BigStoreOptions,
  ) => MapStore<Key, Value>;
  export const makeScalarBigWeakMapStore: <Key, Value>(
    label: string,
    options?: BigStoreOptions,
  ) => WeakMapStore<Key, Value>;
  export const makeScalarBigSetStore: <Key>(
    label: string,
    options?: BigStoreOptions,
  ) => SetStore<Key>;
  export const makeScalarBigWeakSetStore: <Key>(
    label: string,
    options?: BigStoreOptions,
  ) => WeakSetStore<Key>;

  /** Calls the durable watcher when the promise settles, in a later incarnation too. */
  export const watchPromise: <Extra extends unknown[]>(
    promise: Promise<unknown>,
    watcher: object,
    ...extra: Extra
  ) => void;
}
