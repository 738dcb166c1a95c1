/** Configs and code for the kills between the steps of a launch, an upgrade and a termination. */

const scriptOf = (source: string) => ({
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    source,
    imports: ['@endo/far', '@agoric/vat-data'],
  }),
});

/** A counter; each version says which it is. */
export const counterOf = (version: number) =>
  scriptOf(`imports => {
    const { Far } = imports['@endo/far'];
    const { prepareExoClass, provide } = imports['@agoric/vat-data'];
    const buildRootObject = (vatPowers, parameters, baggage) => {
      const makeCounter = prepareExoClass(baggage, 'Counter', undefined, () => ({ count: 0 }), {
        increment() { this.state.count += 1; },
        read() { return this.state.count; },
      });
      const counter = provide(baggage, 'counter', makeCounter);
      return Far('Root', {
        version: () => harden([${version}, parameters.is]),
        increment: () => counter.increment(),
        read: () => counter.read(),
      });
    };
    return { buildRootObject };
  }`);

/** Sends to the counter, and notes in the same delivery that it has. */
const RELAY = scriptOf(`imports => {
  const { E, Far } = imports['@endo/far'];
  const buildRootObject = (vatPowers, parameters, baggage) => Far('Relay', {
    bootstrap: vats => {
      baggage.init('counter', vats.counter);
      baggage.init('passed', 0);
    },
    pass: () => {
      baggage.set('passed', baggage.get('passed') + 1);
      E(baggage.get('counter')).increment();
    },
    // What it has sent before is counted before.
    audit: async () => {
      const read = E(baggage.get('counter')).read();
      const passed = baggage.get('passed');
      return harden({ passed, counted: await read });
    },
  });
  return { buildRootObject };
}`);

/** Watches what another is to answer, durably, and notes whatever it is told. */
const WATCHER = scriptOf(`imports => {
  const { E, Far } = imports['@endo/far'];
  const { prepareExo, provide, watchPromise } = imports['@agoric/vat-data'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    if (!baggage.has('told')) baggage.init('told', harden([]));
    const note = what => baggage.set('told', harden([...baggage.get('told'), what]));
    const eye = prepareExo(baggage, 'Eye', undefined, {
      onFulfilled: value => note('fulfilled ' + value),
      onRejected: reason => note(String(reason.message || reason.name)),
    });
    return Far('Watcher', {
      watch: other => {
        baggage.set('told', harden([]));
        watchPromise(E(other).answer(), eye);
      },
      told: () => baggage.get('told'),
    });
  };
  return { buildRootObject };
}`);

/** Greets the other vat of its cluster at its bootstrap, which takes several deliveries. */
const GREETER = scriptOf(`imports => {
  const { E, Far } = imports['@endo/far'];
  const buildRootObject = (vatPowers, parameters, baggage) => Far('Greeter', {
    bootstrap: async vats => {
      baggage.init('word', await E(vats.b).answer());
    },
    word: () => baggage.has('word') ? baggage.get('word') : null,
  });
  return { buildRootObject };
}`);

const ANSWERER = scriptOf(`imports => {
  const { Far } = imports['@endo/far'];
  const buildRootObject = () => Far('Answerer', { answer: () => 'hello' });
  return { buildRootObject };
}`);

/** There all the time: an upgrade and what is sent meanwhile, and who watches the ends of others. */
export const STEADY = JSON.stringify({
  name: 'steady',
  bootstrap: 'relay',
  vats: {
    relay: { bundle: RELAY },
    counter: { bundle: counterOf(1), parameters: { is: 'number 1' } },
    watcher: { bundle: WATCHER },
  },
});

export const PAIR = JSON.stringify({
  name: 'pair',
  bootstrap: 'a',
  vats: { a: { bundle: GREETER }, b: { bundle: ANSWERER } },
});

export const DOOMED = JSON.stringify({
  name: 'doomed',
  vats: { x: { bundle: ANSWERER }, y: { bundle: ANSWERER } },
});
