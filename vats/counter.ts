/**
 * A counter that outlives its worker: each count is a durable object, and what
 * hangs on the baggage is found again by the vat's next incarnation.
 */
import {
  prepareExoClass,
  provide,
  provideDurableMapStore,
  type Baggage,
} from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { M } from '@endo/patterns';

type Parameters = { readonly start?: number };

const counterMethods = {
  increment: M.call().optional(M.number()).returns(M.number()),
  read: M.call().returns(M.number()),
};
const CounterI = M.interface('Counter', {
  ...counterMethods,
  getName: M.call().returns(M.string()),
});
const CounterRootI = M.interface('CounterRoot', {
  ...counterMethods,
  makeCounter: M.call(M.string()).optional(M.number()).returns(M.remotable()),
  getCounter: M.call(M.string()).returns(M.remotable()),
  listCounters: M.call().returns(M.arrayOf(M.string())),
});

export const buildRootObject = (
  _vatPowers: unknown,
  { start = 0 }: Parameters,
  baggage: Baggage,
) => {
  const makeCounter = prepareExoClass(
    baggage,
    'Counter',
    CounterI,
    (name: string, count: number) => ({ name, count }),
    {
      /** Adds `by` and returns the new count. */
      increment(by = 1) {
        this.state.count += by;
        return this.state.count;
      },
      read() {
        return this.state.count;
      },
      getName() {
        return this.state.name;
      },
    },
  );
  type Counter = ReturnType<typeof makeCounter>;

  const main = provide(baggage, 'main', () => makeCounter('main', start));
  const counters = provideDurableMapStore<string, Counter>(baggage, 'counters');

  return makeExo('CounterRoot', CounterRootI, {
    increment(by = 1) {
      return main.increment(by);
    },
    read() {
      return main.read();
    },
    /** Makes one more counter, kept under its name; a name is used once. */
    makeCounter(name: string, first = 0) {
      const counter = makeCounter(name, first);
      counters.init(name, counter);
      return counter;
    },
    getCounter(name: string) {
      return counters.get(name);
    },
    listCounters() {
      return harden([...counters.keys()]);
    },
  });
};
