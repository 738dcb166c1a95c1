import harden from '@endo/harden';
import { makeScalarMapStore, makeScalarSetStore } from '@agoric/store';
import { initEmpty } from '@endo/exo';
import { M } from '@endo/patterns';
import type { InescapableGlobals, VatData } from './liveslots.ts';
import { makeWeakStores } from './weak-stores.ts';

/** The part of a baggage that providing needs. */
type Baggage = {
  has(key: string): boolean;
  get(key: string): unknown;
  init(key: string, value: unknown): void;
};
type Options = object | undefined;

const provide = (
  baggage: Baggage,
  key: string,
  makeValue: (key: string) => unknown,
): unknown => {
  if (!baggage.has(key)) {
    baggage.init(key, makeValue(key));
  }
  return baggage.get(key);
};

const pickFacet =
  (maker: (...args: unknown[]) => Record<string, unknown>, facetName: string) =>
  (...args: unknown[]) =>
    maker(...args)[facetName];

const partialAssign = (target: object, source: object): void => {
  Object.assign(target, source);
};

const ignoreContext =
  (method: (...args: unknown[]) => unknown) =>
  (_context: unknown, ...args: unknown[]) =>
    method(...args);

/** `provideDurable…Store(baggage, name, options)`: the store under that name, made durable the first time. */
const makeProviders = (vatData: VatData) => {
  const providerOf =
    (makeStore: (label: string, options?: object) => unknown) =>
    (baggage: Baggage, name: string, options: Options = {}) =>
      provide(baggage, name, () =>
        makeStore(name, { durable: true, ...options }),
      );
  return {
    provideDurableMapStore: providerOf(vatData.makeScalarBigMapStore),
    provideDurableWeakMapStore: providerOf(vatData.makeScalarBigWeakMapStore),
    provideDurableSetStore: providerOf(vatData.makeScalarBigSetStore),
    provideDurableWeakSetStore: providerOf(vatData.makeScalarBigWeakSetStore),
  };
};

type Define = VatData['defineKind'];

/** Exo classes are kinds whose methods use `this` and are guarded by an interface. */
const exoFrom =
  (define: Define, guardOption: 'interfaceGuard' | 'interfaceGuardKit') =>
  (
    tagOrHandle: unknown,
    guard: unknown,
    init: unknown,
    behavior: unknown,
    options?: Options,
  ) =>
    define(tagOrHandle, init, behavior, {
      ...options,
      thisfulMethods: true,
      [guardOption]: guard,
    });
type DefineExo = ReturnType<typeof exoFrom>;

/** The definers that find their kind's handle in the baggage. */
const makePreparers = (
  vatData: VatData,
  defineDurableExoClass: DefineExo,
  defineDurableExoClassKit: DefineExo,
) => {
  const provideKindHandle = (baggage: Baggage, kindName: string) =>
    provide(baggage, `${kindName}_kindHandle`, () =>
      vatData.makeKindHandle(kindName),
    );
  const kindFrom =
    (define: Define) =>
    (
      baggage: Baggage,
      kindName: string,
      init: unknown,
      behavior: unknown,
      options?: object,
    ) =>
      define(provideKindHandle(baggage, kindName), init, behavior, options);
  const classFrom =
    (define: DefineExo) =>
    (
      baggage: Baggage,
      kindName: string,
      guard: unknown,
      init: unknown,
      behavior: unknown,
      options?: Options,
    ) =>
      define(
        provideKindHandle(baggage, kindName),
        guard,
        init,
        behavior,
        options,
      );
  const prepareExoClass = classFrom(defineDurableExoClass);
  const prepareExo = (
    baggage: Baggage,
    kindName: string,
    guard: unknown,
    methods: unknown,
    options?: Options,
  ) => {
    // Defined in each incarnation, made only in the first.
    const make = prepareExoClass(
      baggage,
      kindName,
      guard,
      initEmpty,
      methods,
      options,
    );
    return provide(baggage, `${kindName}_singleton`, () => make());
  };
  return {
    provideKindHandle,
    prepareKind: kindFrom(vatData.defineDurableKind),
    prepareKindMulti: kindFrom(vatData.defineDurableKindMulti),
    prepareExoClass,
    prepareExoClassKit: classFrom(defineDurableExoClassKit),
    prepareExo,
    prepareSingleton: (
      baggage: Baggage,
      kindName: string,
      methods: unknown,
      options?: Options,
    ) => prepareExo(baggage, kindName, undefined, methods, options),
  };
};

/**
 * The module `@agoric/vat-data` for one vat: the package of that name reads the
 * global VatData when it is imported, which the supervisor's realm has not.
 */
export const makeVatDataModule = (
  vatData: VatData,
  inescapable: InescapableGlobals,
): object => {
  const defineDurableExoClass = exoFrom(
    vatData.defineDurableKind,
    'interfaceGuard',
  );
  const defineDurableExoClassKit = exoFrom(
    vatData.defineDurableKindMulti,
    'interfaceGuardKit',
  );
  return harden({
    ...vatData,
    M,
    makeScalarMapStore,
    makeScalarSetStore,
    ...makeWeakStores(inescapable),
    provide,
    pickFacet,
    partialAssign,
    ignoreContext,
    ...makeProviders(vatData),
    defineVirtualExoClass: exoFrom(vatData.defineKind, 'interfaceGuard'),
    defineVirtualExoClassKit: exoFrom(
      vatData.defineKindMulti,
      'interfaceGuardKit',
    ),
    defineDurableExoClass,
    defineDurableExoClassKit,
    ...makePreparers(vatData, defineDurableExoClass, defineDurableExoClassKit),
  });
};
harden(makeVatDataModule);
