/**
 * One of each thing that a vat can keep: durable and virtual kinds with one
 * facet and with several, strong and weak maps and sets, state shapes, and
 * promise watchers. Each is written by one method and read back by another, in
 * this incarnation or in a later one. What is virtual but not durable is gone
 * after a restart, and its readers say so.
 */
import {
  defineVirtualExoClass,
  defineVirtualExoClassKit,
  makeScalarBigMapStore,
  prepareExo,
  prepareExoClass,
  prepareExoClassKit,
  provide,
  provideDurableMapStore,
  provideDurableSetStore,
  provideDurableWeakMapStore,
  provideDurableWeakSetStore,
  watchPromise,
  type Baggage,
} from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { M } from '@endo/patterns';
import { makePromiseKit, type PromiseKit } from '@endo/promise-kit';

const CellI = M.interface('Cell', {
  get: M.call().returns(M.any()),
  set: M.call(M.any()).returns(),
});
const DoorGuards = {
  inside: M.interface('Inside', {
    put: M.call(M.any()).returns(),
    getOutside: M.call().returns(M.remotable()),
  }),
  outside: M.interface('Outside', {
    peek: M.call().returns(M.any()),
  }),
};

const valueState = (value: unknown): { value: unknown } => ({ value });

/** Durable kinds: defined again by each incarnation, under the same tag. */
const prepareDurableKinds = (baggage: Baggage) => {
  const makeCell = prepareExoClass(baggage, 'DurableCell', CellI, valueState, {
    get() {
      return this.state.value;
    },
    set(value: unknown) {
      this.state.value = value;
    },
  });
  const makeDoor = prepareExoClassKit(
    baggage,
    'DurableDoor',
    DoorGuards,
    valueState,
    {
      inside: {
        put(value: unknown) {
          this.state.value = value;
        },
        getOutside(): object {
          return this.facets.outside;
        },
      },
      outside: {
        peek() {
          return this.state.value;
        },
      },
    },
  );
  const makeShapedCell = prepareExoClass(
    baggage,
    'ShapedCell',
    CellI,
    (value: bigint) => ({ value, label: 'shaped' }),
    {
      get() {
        return this.state.value;
      },
      /** Anything but a natural bigint is refused by the shape of the state. */
      set(value: bigint) {
        this.state.value = value;
      },
    },
    { stateShape: { value: M.nat(), label: M.string() } },
  );
  return { makeCell, makeDoor, makeShapedCell };
};

/** Virtual kinds: paged out of memory like durable ones, but of one incarnation. */
const defineVirtualKinds = () => {
  const makeCell = defineVirtualExoClass('VirtualCell', CellI, valueState, {
    get() {
      return this.state.value;
    },
    set(value: unknown) {
      this.state.value = value;
    },
  });
  const makeDoor = defineVirtualExoClassKit(
    'VirtualDoor',
    DoorGuards,
    valueState,
    {
      inside: {
        put(value: unknown) {
          this.state.value = value;
        },
        getOutside(): object {
          return this.facets.outside;
        },
      },
      outside: {
        peek() {
          return this.state.value;
        },
      },
    },
  );
  return { makeCell, makeDoor };
};

const provideCollections = (baggage: Baggage) => ({
  map: provideDurableMapStore<unknown, unknown>(baggage, 'map'),
  set: provideDurableSetStore<unknown>(baggage, 'set'),
  weakMap: provideDurableWeakMapStore<object, unknown>(baggage, 'weakMap'),
  weakSet: provideDurableWeakSetStore<object>(baggage, 'weakSet'),
  /** Its keys may be strings alone, its values natural bigints. */
  shapedMap: provideDurableMapStore<string, bigint>(baggage, 'shapedMap', {
    keyShape: M.string(),
    valueShape: M.nat(),
  }),
  outcomes: provideDurableMapStore<string, string>(baggage, 'outcomes'),
});

type DurableKinds = ReturnType<typeof prepareDurableKinds>;
type Collections = ReturnType<typeof provideCollections>;

/** `init` or `set`, whichever the key's presence asks for. */
const put = <Key, Value>(
  store: {
    has(key: Key): boolean;
    init(key: Key, value: Value): void;
    set(key: Key, value: Value): void;
  },
  key: Key,
  value: Value,
) => {
  if (store.has(key)) {
    store.set(key, value);
  } else {
    store.init(key, value);
  }
};

const describe = (reason: unknown): string => {
  if (reason instanceof Error) {
    return reason.message;
  }
  return typeof reason === 'object' && reason !== null
    ? String(Reflect.get(reason, 'name'))
    : String(reason);
};

/** Durable kinds: one facet, several, and a shaped state. */
const makeDurableMethods = (
  baggage: Baggage,
  { makeCell, makeDoor, makeShapedCell }: DurableKinds,
) => {
  const cell = provide(baggage, 'cell', () => makeCell('empty'));
  const door = provide(baggage, 'door', () => makeDoor('empty').inside);
  const shaped = provide(baggage, 'shaped', () => makeShapedCell(0n));
  return {
    writeCell: (value: unknown) => cell.set(value),
    readCell: () => cell.get(),
    getCell: () => cell,
    makeCell: (value: unknown) => makeCell(value),
    writeDoor: (value: unknown) => door.put(value),
    getDoor: () => door,
    getOutside: () => door.getOutside(),
    writeShaped: (value: bigint) => shaped.set(value),
    readShaped: () => shaped.get(),
  };
};

/** Virtual kinds: one facet and several. */
const makeVirtualMethods = () => {
  const virtual = defineVirtualKinds();
  // Virtual, not durable: the next incarnation starts with an empty one.
  const virtuals = makeScalarBigMapStore<string, object>('virtuals');
  return {
    writeVirtual: (name: string, value: unknown) =>
      put(virtuals, name, virtual.makeCell(value)),
    /** The object, or undefined when this incarnation has not written it. */
    getVirtual: (name: string) =>
      virtuals.has(name) ? virtuals.get(name) : undefined,
    makeVirtualCell: (value: unknown) => virtual.makeCell(value),
    makeVirtualDoor: (value: unknown) => harden({ ...virtual.makeDoor(value) }),
  };
};

/** Strong collections: any scalar or remotable is a key. */
const makeStrongMethods = (stores: Collections) => ({
  writeMap: (key: unknown, value: unknown) => put(stores.map, key, value),
  readMap: (key: unknown) => stores.map.get(key),
  listMap: () => harden([...stores.map.entries()]),
  deleteFromMap: (key: unknown) => stores.map.delete(key),
  addToSet: (key: unknown) => stores.set.add(key),
  isInSet: (key: unknown) => stores.set.has(key),
  listSet: () => harden([...stores.set.keys()]),
  writeShapedMap: (key: string, value: bigint) =>
    put(stores.shapedMap, key, value),
  readShapedMap: (key: string) => stores.shapedMap.get(key),
});

/** Weak collections, keyed by the durable object of a name, or by any object. */
const makeWeakMethods = (
  baggage: Baggage,
  stores: Collections,
  { makeCell }: DurableKinds,
) => {
  // A strong store of what a weak one is keyed by: it alone keeps the key.
  const keys = provideDurableMapStore<string, object>(baggage, 'keys');
  const provideKey = (name: string) => {
    if (!keys.has(name)) {
      keys.init(name, makeCell(name));
    }
    return keys.get(name);
  };
  return {
    writeWeakMap: (name: string, value: unknown) =>
      put(stores.weakMap, provideKey(name), value),
    readWeakMap: (name: string) =>
      keys.has(name) && stores.weakMap.has(keys.get(name))
        ? stores.weakMap.get(keys.get(name))
        : undefined,
    writeWeakMapAt: (key: object, value: unknown) =>
      put(stores.weakMap, key, value),
    readWeakMapAt: (key: object) => stores.weakMap.get(key),
    addToWeakSet: (name: string) => stores.weakSet.add(provideKey(name)),
    isInWeakSet: (name: string) =>
      keys.has(name) && stores.weakSet.has(keys.get(name)),
    /** Lets go of the key's object, so that what is keyed by it can be collected. */
    forgetKey: (name: string) => keys.delete(name),
  };
};

/** Promise watchers: a restart rejects what this vat had yet to decide. */
const makeWatchMethods = (baggage: Baggage, stores: Collections) => {
  const watcher = prepareExo(baggage, 'Watcher', undefined, {
    onFulfilled(value: unknown, name: string) {
      put(stores.outcomes, name, `fulfilled: ${String(value)}`);
    },
    onRejected(reason: unknown, name: string) {
      put(stores.outcomes, name, `rejected: ${describe(reason)}`);
    },
  });
  const pending = new Map<string, PromiseKit<unknown>>();
  return {
    /** Watches somebody else's promise under the name. */
    watch: (name: string, promise: Promise<unknown>) =>
      watchPromise(promise, watcher, name),
    /** Watches a promise of this vat's own, which `settle` resolves. */
    watchOwn: (name: string) => {
      const kit = makePromiseKit<unknown>();
      pending.set(name, kit);
      watchPromise(kit.promise, watcher, name);
    },
    settle: (name: string, value: unknown) => {
      pending.get(name)?.resolve(value);
      return pending.delete(name);
    },
    /** `'fulfilled: …'`, `'rejected: …'`, or undefined while nothing came. */
    readOutcome: (name: string) =>
      stores.outcomes.has(name) ? stores.outcomes.get(name) : undefined,
  };
};

export const buildRootObject = (
  _vatPowers: unknown,
  _parameters: unknown,
  baggage: Baggage,
) => {
  const durable = prepareDurableKinds(baggage);
  const stores = provideCollections(baggage);

  return makeExo('Everything', undefined, {
    ...makeDurableMethods(baggage, durable),
    ...makeVirtualMethods(),
    ...makeStrongMethods(stores),
    ...makeWeakMethods(baggage, stores, durable),
    ...makeWatchMethods(baggage, stores),

    // The baggage itself.
    writeBaggage: (name: string, value: unknown) =>
      put(baggage, `kept ${name}`, value),
    readBaggage: (name: string) => baggage.get(`kept ${name}`),
  });
};
