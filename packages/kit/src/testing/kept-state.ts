/**
 * A state with a bit of everything that outlives a kernel. It was recorded by
 * earlier versions as `fixtures/*.cooperage`, and has to go on under this one.
 */
import { E, Far } from '@endo/far';
import type { Rig } from '../rig.ts';

type Method =
  | 'befriend'
  | 'counter'
  | 'increment'
  | 'label'
  | 'labels'
  | 'makeCounter'
  | 'never'
  | 'note'
  | 'poke'
  | 'remind'
  | 'seen'
  | 'watch';
type Remote = Readonly<
  Record<Method, (...args: unknown[]) => Promise<unknown>>
>;

/** Written for the liveslots of 0.10 and later; what has been recorded runs this text as it was then. */
const VAT = {
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: `imports => {
  const { E, Far } = imports['@endo/far'];
  const { makePromiseKit } = imports['@endo/promise-kit'];
  const { prepareExo, prepareExoClass, provide, provideDurableMapStore, provideDurableSetStore, watchPromise } = imports['@agoric/vat-data'];
  const buildRootObject = (vatPowers, { name }, baggage) => {
    provide(baggage, 'seen', () => harden([]));
    const note = (...words) => baggage.set('seen', harden([...baggage.get('seen'), words]));
    const makeCounter = prepareExoClass(baggage, 'Counter', undefined, (label, count) => ({ label, count }), {
      increment() { this.state.count += 1; return this.state.count; },
      label() { return this.state.label; },
    });
    const counters = provideDurableMapStore(baggage, 'counters');
    const friends = provideDurableSetStore(baggage, 'friends');
    const watcher = prepareExo(baggage, 'Watcher', undefined, {
      onFulfilled: value => note('fulfilled', value),
      onRejected: () => note('rejected'),
    });
    const waker = prepareExo(baggage, 'Waker', undefined, { wake: () => note('woken') });
    return Far(name, {
      bootstrap: (vats, { timer }) => { baggage.init('timer', timer); },
      makeCounter: (label, count) => { const counter = makeCounter(label, count); counters.init(label, counter); return counter; },
      counter: label => counters.get(label),
      labels: () => harden([...counters.keys()]),
      befriend: friend => { friends.add(friend); },
      poke: () => Promise.all([...friends.values()].map(friend => E(friend).increment())),
      never: () => makePromiseKit().promise,
      watch: promise => { watchPromise(promise, watcher); },
      remind: async milliseconds => {
        const timer = baggage.get('timer');
        await E(timer).wakeAt((await E(timer).now()) + milliseconds, waker);
      },
      note,
      seen: () => baggage.get('seen'),
    });
  };
  return { buildRootObject };
}`,
    imports: ['@endo/far', '@endo/promise-kit', '@agoric/vat-data'],
  }),
};

const vatNamed = (name: string) => ({ bundle: VAT, parameters: { name } });

const rootsOf = async ({ console: { kernel } }: Rig) => {
  const [main, friend, sleeper] = await Promise.all(
    ['main', 'friend', 'sleeper'].map(vat => E(kernel).root('kept', vat)),
  );
  return { main, friend, sleeper } as Record<
    'main' | 'friend' | 'sleeper',
    Remote
  >;
};

/** The promise, which rejects in the end: with the session. */
const leaveOpen = (promise: Promise<unknown>): Promise<unknown> => {
  promise.catch(() => {});
  return promise;
};

/**
 * Makes the state: two vats that hold each other's durable objects, a promise
 * that one decides and the other watches, a time for which one waits, a vat that
 * is suspended with messages that wait for it, a kept name, and stored code.
 */
export const makeKeptState = async (rig: Rig): Promise<void> => {
  const { kernel, home } = rig.console;
  await E(kernel).storeBundle('code', VAT);
  await E(kernel).launch({
    name: 'kept',
    bootstrap: 'main',
    services: ['timer'],
    vats: {
      main: vatNamed('main'),
      friend: vatNamed('friend'),
      sleeper: vatNamed('sleeper'),
    },
  });
  const { main, friend, sleeper } = await rootsOf(rig);
  const counter = (await E(main).makeCounter('first', 10)) as object;
  for (let nth = 0; nth < 20; nth += 1) {
    await E(main).makeCounter(`more ${nth}`, nth);
  }
  await E(kernel).keep('purse', counter);
  await E(friend).befriend(counter);
  await E(friend).poke();
  await E(home['purse'] as Remote).increment();
  await E(friend).watch(leaveOpen(E(main).never()));
  await E(main).remind(60_000);
  await E(sleeper).note('awake');
  await E(kernel).suspend('kept', 'sleeper');
  leaveOpen(E(sleeper).note('first that waited', counter));
  leaveOpen(E(sleeper).note('second that waited', Far('lost')));
  await E(kernel).status(); // behind the two
  await rig.kernel.idle();
};

const insistSame = (what: string, found: unknown, wanted: unknown): void => {
  const [left, right] = [found, wanted].map(value => JSON.stringify(value));
  if (left !== right) {
    throw Error(`${what}: ${left}, and not ${right}`);
  }
};

/** Goes on from the state; rejects when something of it is not as it was. */
export const goOnFromKeptState = async (rig: Rig): Promise<void> => {
  const { kernel, home } = rig.console;
  const { main, friend, sleeper } = await rootsOf(rig);
  const counterNamed = async (label: string) =>
    (await E(main).counter(label)) as Remote;
  const purse = home['purse'] as Remote;
  insistSame('a kept counter', await E(purse).increment(), 13);
  insistSame('its label', await E(purse).label(), 'first');
  insistSame('the same by its friend', await E(friend).poke(), [14]);
  insistSame(
    'the same by its maker',
    await E(await counterNamed('first')).increment(),
    15,
  );
  insistSame(
    'another counter',
    await E(await counterNamed('more 19')).increment(),
    20,
  );
  insistSame('a collection', ((await E(main).labels()) as []).length, 21);
  await E(main).makeCounter('new', 1);
  insistSame('what a watcher heard', await E(friend).seen(), [['rejected']]);
  insistSame('what a timer told', await E(main).seen(), [['woken']]);
  const [asleep] = rig.kernel
    .status()
    .clusters.flatMap(({ vats }) => vats)
    .filter(({ name }) => name === 'sleeper');
  insistSame('who has suspended it', asleep?.stoppedBy, 'person');
  await E(kernel).resume('kept', 'sleeper');
  const seen = (await E(sleeper).seen()) as unknown[][];
  insistSame(
    'what waited',
    seen.map(([word]) => word),
    ['awake', 'first that waited', 'second that waited'],
  );
  insistSame(
    'an object in what waited',
    await E(seen[1]?.[1] as Remote).increment(),
    16,
  );
  insistSame(
    'stored code',
    (await E(kernel).bundles()).some(({ name }) => name === 'code'),
    true,
  );
  await E(kernel).collect();
};
