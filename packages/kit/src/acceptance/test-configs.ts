import type { Configs } from './world.ts';

const scriptOf = (source: string, imports: readonly string[] = []) => ({
  text: JSON.stringify({ moduleFormat: 'cooperageScript', source, imports }),
});

/** A durable object that keeps what it was told. */
const LISTENER = `imports => {
  const { prepareExo, provide } = imports['@agoric/vat-data'];
  const { Far } = imports['@endo/far'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    provide(baggage, 'heard', () => harden([]));
    const listener = prepareExo(baggage, 'Listener', undefined, {
      said(entry) {
        baggage.set('heard', harden([...baggage.get('heard'), entry.by + ': ' + entry.text]));
      },
    });
    return Far('ListenerRoot', {
      getListener: () => listener,
      listHeard: () => baggage.get('heard'),
      describeStack: () => {
        const error = harden(Error('with a stack'));
        const property = Object.getOwnPropertyDescriptor(error, 'stack') ?? {};
        return harden({ kinds: [typeof property.get, typeof property.set], isFrozen: Object.isFrozen(error) });
      },
    });
  };
  return { buildRootObject };
}`;

/** Makes objects, and holds none of them. */
const MAKER = `imports => {
  const { Far } = imports['@endo/far'];
  const { defineVirtualExoClass, prepareExoClass } = imports['@agoric/vat-data'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    const methods = { ping: () => 'pong' };
    const makers = {
      local: () => Far('Thing', { ...methods }),
      virtual: defineVirtualExoClass('VirtualThing', undefined, () => ({}), methods),
      durable: prepareExoClass(baggage, 'DurableThing', undefined, () => ({}), methods),
    };
    return Far('Maker', {
      makeThings: (count, kind = 'local') => harden(Array.from({ length: count }, () => makers[kind]())),
    });
  };
  return { buildRootObject };
}`;

/** Holds objects of others in whatever can hold them. */
const HOLDER = `imports => {
  const { Far, E } = imports['@endo/far'];
  const { makeScalarBigMapStore, makeScalarBigWeakMapStore, makeScalarBigWeakSetStore, prepareExoClass, provide } = imports['@agoric/vat-data'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    const durable = { durable: true };
    const maps = {
      durable: provide(baggage, 'map', () => makeScalarBigMapStore('map', durable)),
      virtual: makeScalarBigMapStore('map'),
    };
    const memories = {
      heap: new WeakMap(),
      durable: provide(baggage, 'weakMap', () => makeScalarBigWeakMapStore('weakMap', durable)),
      virtual: makeScalarBigWeakMapStore('weakMap'),
    };
    const sets = {
      heap: new WeakSet(),
      durable: provide(baggage, 'weakSet', () => makeScalarBigWeakSetStore('weakSet', durable)),
      virtual: makeScalarBigWeakSetStore('weakSet'),
    };
    const makeCell = prepareExoClass(baggage, 'Cell', undefined, thing => ({ thing }), {
      read() { return this.state.thing; },
      write(thing) { this.state.thing = thing; },
    });
    const cell = provide(baggage, 'cell', () => makeCell(null));
    let held = [];
    const pingOf = thing => (thing ? E(thing).ping() : 'nothing');
    return Far('Holder', {
      take: async (maker, count, kind) => {
        held.push(...(await E(maker).makeThings(count, kind)));
        return held.length;
      },
      receive: things => { held.push(...things); },
      share: other => E(other).receive(harden([...held])),
      letGo: () => { held = []; },
      pingHeld: () => Promise.all(held.map(pingOf)).then(answers => answers.join(' ')),

      remember: (where, note) => held.forEach(thing => {
        const memory = memories[where];
        if (memory.init) memory.init(thing, note); else memory.set(thing, note);
        sets[where].add(thing);
      }),
      recall: where => harden(held.map(thing =>
        memories[where].has(thing) ? [memories[where].get(thing), sets[where].has(thing)] : 'unknown')),

      file: (where, name) => maps[where].init(name, harden([...held])),
      fileAsKey: (where, name) => held.forEach(thing => maps[where].init(thing, name)),
      unfileAll: where => maps[where].clear(),
      pingFiled: where => Promise.all(
        [...maps[where].entries()].flatMap(([key, value]) => typeof key === 'string' ? value : [key]).map(pingOf),
      ).then(answers => answers.join(' ')),
      writeState: () => cell.write(held[0]),
      clearState: () => cell.write(null),
      pingState: () => pingOf(cell.read()),
    });
  };
  return { buildRootObject };
}`;

const THROWING = `imports => ({
  buildRootObject: () => { throw RangeError('no root today'); },
})`;

const GARBLED = `imports => ({ buildRootObject: () => { let = ; } })`;

const clusterOf = (name: string, bundle: { readonly text: string }) => ({
  name,
  bootstrap: name,
  vats: { [name]: { bundle } },
});

/** Clusters that no sample is, for what goes wrong and for what hears. */
export const TEST_CONFIGS: Pick<
  Configs,
  'listener' | 'throwing' | 'garbled' | 'garbage'
> = {
  listener: clusterOf(
    'listener',
    scriptOf(LISTENER, ['@agoric/vat-data', '@endo/far']),
  ),
  throwing: clusterOf('throwing', scriptOf(THROWING)),
  garbled: clusterOf('garbled', scriptOf(GARBLED)),
  garbage: {
    name: 'garbage',
    bootstrap: 'maker',
    vats: {
      maker: { bundle: scriptOf(MAKER, ['@endo/far', '@agoric/vat-data']) },
      ...Object.fromEntries(
        ['left', 'middle', 'right'].map(name => [
          name,
          { bundle: scriptOf(HOLDER, ['@endo/far', '@agoric/vat-data']) },
        ]),
      ),
    },
  },
};
