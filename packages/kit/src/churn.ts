/** Two vats that send each other messages of every kind, for tests of what is left when all of it is garbage. */
const SOURCE = `imports => {
  const { E, Far } = imports['@endo/far'];
  const { defineVirtualExoClass, makeScalarBigWeakMapStore, prepareExo, prepareExoClass, provide, provideDurableMapStore, provideDurableWeakMapStore, watchPromise } = imports['@agoric/vat-data'];
  const { makePromiseKit } = imports['@endo/promise-kit'];

  /** What one vat does with the other. Each ends when its answers are there. */
  const DEEDS = [
    ({ other }) => E(other).ping(),
    ({ other, makeThing }) => E(other).callBack(makeThing()),
    ({ other }) => E(E(other).give('local')).ping(),
    ({ other }) => E(E(other).give('durable')).get(),
    ({ other }) => E(E(other).give('virtual')).get(),
    ({ other }) => E(other).fail().catch(() => {}),
    ({ other, makeThing }) => E(other).echo(Promise.resolve(makeThing())),
    ({ other, makeThing }) => E(other).echo(harden([Promise.reject(makeThing()), makeThing()])).then(([bad]) => bad.catch(() => {})),
    async ({ other, nth, makeThing }) => {
      const answer = E(other).answerLater(nth);
      await E(other).answerNow(nth, makeThing());
      await E(answer).ping();
    },
    ({ other, makeThing }) => {
      const { promise, resolve } = makePromiseKit();
      const answer = E(other).callBack(promise);
      resolve(makeThing());
      return answer;
    },
    ({ other, nth, makeThing }) => E(other).file(nth, makeThing()),
    ({ other, makeThing }) => E(other).mark(makeThing()),
    async ({ other }) => E(other).mark(await E(other).give('durable')),
    ({ other }) => {
      const { promise, resolve } = makePromiseKit();
      const done = E(other).watch(promise);
      resolve('seen');
      return done;
    },
    ({ other, nth }) => E(other).watch(nth % 2 ? E(other).give('local') : E(other).fail()),
    ({ other }) => { E.sendOnly(other).ping(); return E(other).ping(); },
    async ({ other }) => E(other).echo(await E(other).give('durable')),
    ({ timer }) => timer && E(timer).delay(1),
  ];

  const buildRootObject = (_powers, _parameters, baggage) => {
    const methods = { get() { return this.state.value; }, set(value) { this.state.value = value; } };
    const init = value => ({ value });
    const makers = {
      durable: prepareExoClass(baggage, 'Durable', undefined, init, methods),
      virtual: defineVirtualExoClass('Virtual', undefined, init, methods),
      local: () => Far('Thing', { ping: () => 'pong' }),
    };
    const map = provideDurableMapStore(baggage, 'map');
    const weak = [provideDurableWeakMapStore(baggage, 'weak'), makeScalarBigWeakMapStore('weak')];
    const heapWeak = new WeakMap();
    const cell = provide(baggage, 'cell', () => makers.durable(null));
    const watcher = prepareExo(baggage, 'Watcher', undefined, { onFulfilled() {}, onRejected() {} });
    const pending = new Map();
    let other;
    return Far('Churn', {
      bootstrap: (_vats, { timer }) => { baggage.init('timer', timer); },
      meet: friend => { other = friend; },
      churn: async (count, inFlight) => {
        let begun = 0;
        const timer = baggage.has('timer') ? baggage.get('timer') : undefined;
        const chain = async () => {
          while (begun < count) {
            begun += 1;
            await DEEDS[begun % DEEDS.length]({ other, timer, nth: begun, makeThing: makers.local });
          }
        };
        await Promise.all(Array.from({ length: inFlight }, chain));
        return begun;
      },
      ping: () => 'pong',
      fail: () => { throw Error('on purpose'); },
      echo: value => value,
      give: kind => makers[kind]('value'),
      callBack: thing => E(thing).ping(),
      answerLater: nth => { const kit = makePromiseKit(); pending.set(nth, kit.resolve); return kit.promise; },
      answerNow: (nth, value) => { pending.get(nth)(value); pending.delete(nth); },
      file: (nth, thing) => {
        map.init(nth, makers.durable(thing));
        cell.set(thing);
        map.delete(nth);
        cell.set(null);
      },
      mark: thing => {
        weak.forEach(each => each.init(thing, makers.durable('note')));
        heapWeak.set(thing, 'note');
      },
      watch: promise => watchPromise(promise, watcher),
    });
  };
  return { buildRootObject };
}`;

const bundle = {
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: SOURCE,
    imports: ['@endo/far', '@agoric/vat-data', '@endo/promise-kit'],
  }),
};

/** The left one has a timer. After `left.meet(right)` and `right.meet(left)`, `left.churn(count, inFlight)` does that many deeds, of one to four messages each. */
export const CHURN_CONFIG = {
  name: 'churn',
  bootstrap: 'left',
  services: ['timer'],
  vats: { left: { bundle }, right: { bundle } },
};
