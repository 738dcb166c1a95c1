/** One call of a client on a vat of each cluster, with things of that name. */
export type Deed =
  | {
      readonly kind: 'put' | 'add' | 'addHeld' | 'addVia' | 'relay' | 'tag';
      readonly vat: string;
      readonly name: string;
      readonly number: number;
    }
  | {
      readonly kind: 'grow' | 'hand' | 'tagOf' | 'forget';
      readonly vat: string;
      readonly name: string;
    };

/**
 * A vat whose state is all durable: values, cells with counts, cells of others
 * under names of its own, tags on them, and counts that watched promises bring.
 */
const SOURCE = `imports => {
  const { E, Far } = imports['@endo/far'];
  const { prepareExo, prepareExoClass, provide, provideDurableMapStore, provideDurableWeakMapStore, watchPromise } = imports['@agoric/vat-data'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    const values = provideDurableMapStore(baggage, 'values');
    const cells = provideDurableMapStore(baggage, 'cells');
    const others = provideDurableMapStore(baggage, 'others');
    const tags = provideDurableWeakMapStore(baggage, 'tags');
    const put = (map, key, value) => (map.has(key) ? map.set(key, value) : map.init(key, value));
    const makeCell = prepareExoClass(baggage, 'Cell', undefined, () => ({ count: 0 }), {
      add(by) { this.state.count += by; return this.state.count; },
    });
    const watcher = prepareExo(baggage, 'Watcher', undefined, {
      onFulfilled: (count, name) => put(values, name, 'relayed ' + count),
      onRejected: (reason, name) => put(values, name, 'lost ' + reason.name),
    });
    const cellOf = name => {
      if (!cells.has(name)) throw Error('no cell ' + name);
      return cells.get(name);
    };
    const otherOf = name => {
      if (!others.has(name)) throw Error('no other ' + name);
      return others.get(name);
    };
    return Far('Root', {
      put: (name, number) => { const before = values.has(name) ? values.get(name) : null; put(values, name, number); return before; },
      grow: name => { put(cells, name, makeCell()); return cells.get(name); },
      add: (name, by) => cellOf(name).add(by),
      cell: cellOf,
      take: (name, cell) => { put(others, name, cell); },
      addVia: (name, by) => E(otherOf(name)).add(by),
      relay: (name, by) => { watchPromise(E(otherOf(name)).add(by), watcher, name); },
      tag: (name, number) => put(tags, otherOf(name), number),
      tagOf: name => (tags.has(otherOf(name)) ? tags.get(otherOf(name)) : null),
      forget: name => { if (others.has(name)) others.delete(name); if (cells.has(name)) cells.delete(name); },
      show: () => harden({ values: [...values.entries()], cells: [...cells.keys()], others: [...others.keys()] }),
    });
  };
  return { buildRootObject };
}`;

const BUNDLE = {
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: SOURCE,
    imports: ['@endo/far', '@agoric/vat-data'],
  }),
};

export const VATS = ['left', 'right', 'middle'];

/** Such vats, each of which hands its cells to the next. */
export const renewedCluster = (
  name: string,
  eviction: 'never' | 'any' = 'never',
): object => ({
  name,
  vats: Object.fromEntries(
    VATS.map(vat => [vat, { bundle: BUNDLE, eviction }]),
  ),
});
