/**
 * A vat that makes things and keeps them, its own and others', in whatever can
 * hold them: four hands, collections that hold their keys or values strongly or
 * weakly, its baggage, and the state of what it has made. What it is told to do
 * it does at once, and says what came of it.
 */
const SOURCE = `imports => {
  const { E, Far } = imports['@endo/far'];
  const { makePromiseKit } = imports['@endo/promise-kit'];
  const { defineVirtualExoClass, makeScalarBigMapStore, makeScalarBigSetStore, makeScalarBigWeakMapStore, makeScalarBigWeakSetStore, prepareExoClass, provide } = imports['@agoric/vat-data'];

  const attempt = deed => {
    try { deed(); return 'done'; } catch { return 'refused'; }
  };
  const put = (map, key, value) => {
    if (!map.init) map.set(key, value);
    else if (map.has(key)) map.set(key, value);
    else map.init(key, value);
  };

  const buildRootObject = (_powers, _parameters, baggage) => {
    const init = id => ({ id, value: null });
    const methods = {
      ping() { return this.state.id; },
      write(value) { return attempt(() => { this.state.value = value; }); },
    };
    const makers = {
      local: id => {
        let value = null;
        return Far('Local', { ping: () => id, write: given => { value = given; return value === given ? 'done' : 'refused'; } });
      },
      virtual: defineVirtualExoClass('Virtual', undefined, init, methods),
      durable: prepareExoClass(baggage, 'Durable', undefined, init, methods),
    };
    const stored = (name, make) => ({
      virtual: make(name),
      durable: provide(baggage, name, () => make(name, { durable: true })),
    });
    const maps = stored('map', makeScalarBigMapStore);
    const sets = stored('set', makeScalarBigSetStore);
    const memories = { heap: new WeakMap(), ...stored('memory', makeScalarBigWeakMapStore) };
    const marks = { heap: new WeakSet(), ...stored('mark', makeScalarBigWeakSetStore) };
    const hands = [null, null, null, null];
    const holding = (hand, deed) => (hands[hand] === null ? 'empty' : deed(hands[hand]));

    return Far('Keeper', {
      make: (hand, kind, id) => { hands[hand] = makers[kind](id); return 'done'; },
      drop: hand => { hands[hand] = null; return 'done'; },
      take: (hand, thing) => { hands[hand] = thing; return 'done'; },
      takeLater: async (hand, promise) => { hands[hand] = await promise; return 'done'; },
      give: (hand, other, otherHand) => holding(hand, thing => E(other).take(otherHand, thing)),
      giveLater: (hand, other, otherHand) => holding(hand, thing => {
        const { promise, resolve } = makePromiseKit();
        const answer = E(other).takeLater(otherHand, promise);
        resolve(E(other).echo(thing));
        return answer;
      }),
      echo: thing => thing,
      ping: hand => holding(hand, thing => E(thing).ping().catch(() => 'lost')),
      write: (hand, value) => holding(hand, thing => E(thing).write(hands[value]).catch(() => 'lost')),
      file: (where, name, hand) => holding(hand, thing => attempt(() => put(maps[where], name, thing))),
      unfile: (where, name) => attempt(() => maps[where].delete(name)),
      fetch: (where, name, hand) => attempt(() => { hands[hand] = maps[where].get(name); }),
      add: (where, hand) => holding(hand, thing => attempt(() => sets[where].add(thing))),
      discard: (where, hand) => holding(hand, thing => attempt(() => sets[where].delete(thing))),
      save: (name, hand) => holding(hand, thing => attempt(() => put(baggage, name, thing))),
      unsave: name => attempt(() => baggage.delete(name)),
      remember: (where, hand, value) => holding(hand, thing => attempt(() => put(memories[where], thing, hands[value]))),
      recall: (where, hand, into) => holding(hand, thing => {
        if (!memories[where].has(thing)) return 'unknown';
        hands[into] = memories[where].get(thing);
        return 'done';
      }),
      forget: (where, hand) => holding(hand, thing => memories[where].has(thing) ? attempt(() => memories[where].delete(thing)) : 'unknown'),
      mark: (where, hand) => holding(hand, thing => attempt(() => marks[where].add(thing))),
      isMarked: (where, hand) => holding(hand, thing => (marks[where].has(thing) ? 'done' : 'unknown')),
      unmark: (where, hand) => holding(hand, thing => marks[where].has(thing) ? attempt(() => marks[where].delete(thing)) : 'unknown'),
      clear: () => {
        hands.fill(null);
        [...Object.values(maps), ...Object.values(sets)].forEach(each => each.clear());
        ['one', 'two'].filter(name => baggage.has(name)).forEach(name => baggage.delete(name));
        return 'done';
      },
    });
  };
  return { buildRootObject };
}`;

const bundle = {
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: SOURCE,
    imports: ['@endo/far', '@endo/promise-kit', '@agoric/vat-data'],
  }),
};

/** A cluster of one keeper, so that it can be ended and launched again. */
export const keeperConfig = (name: string) => ({
  name,
  vats: { keeper: { bundle } },
});
