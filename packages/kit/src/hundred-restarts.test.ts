import 'vite'; // what it imports can't be loaded after lockdown
import '@cooperage/vat-supervisor/testing/lockdown';
import { openMemoryVatStores } from '@cooperage/kernel/memory';
import { countRows } from '@cooperage/protocol';
import { E } from '@endo/far';
import { expect, it } from 'vitest';
import type { NodeImage } from './node-platform.ts';
import { startRig, takeStock, type Rig } from './rig.ts';
import { makeLocalVats } from './testing/local-vats.ts';

/** One that is restarted again and again, and two neighbors: one that gives it things, and one that keeps what it makes. */
const SOURCE = `imports => {
  const { E, Far } = imports['@endo/far'];
  const { makePromiseKit } = imports['@endo/promise-kit'];
  const { defineVirtualExoClass, makeScalarBigMapStore, makeScalarBigSetStore, makeScalarBigWeakMapStore, prepareExo, prepareExoClass, provide, watchPromise } = imports['@agoric/vat-data'];
  const KINDS = ['local', 'virtual', 'durable'];

  const buildRootObject = (_powers, _parameters, baggage) => {
    const init = value => ({ value });
    const methods = { ping: () => 'pong', put(value) { this.state.value = value; } };
    const makers = {
      local: value => Far('Local', { ping: () => 'pong', get: () => value }),
      virtual: defineVirtualExoClass('Virtual', undefined, init, methods),
      durable: prepareExoClass(baggage, 'Durable', undefined, init, methods),
    };
    const durable = { durable: true };
    const kept = provide(baggage, 'kept', () => makeScalarBigMapStore('kept', durable));
    const known = provide(baggage, 'known', () => makeScalarBigWeakMapStore('known', durable));
    const watcher = prepareExo(baggage, 'Watcher', undefined, { onFulfilled() {}, onRejected() {} });
    const heap = { strong: makeScalarBigMapStore('strong'), set: makeScalarBigSetStore('set'), weak: makeScalarBigWeakMapStore('weak'), native: new WeakMap() };
    const held = [];
    let pending = [];
    let latest = [];

    const keepAsOnly = (name, thing) => (kept.has(name) ? kept.set(name, thing) : kept.init(name, thing));

    return Far('Root', {
      // Of the giver.
      give: kind => makers[kind](null),
      later: () => {
        const { promise, resolve } = makePromiseKit();
        pending.push(resolve);
        return promise;
      },
      settle: () => { pending.forEach(resolve => resolve('late')); pending = []; },
      // Of the keeper.
      keep: (things, promise) => {
        latest = things;
        things.forEach(thing => known.has(thing) || known.init(thing, 'seen'));
        Promise.resolve(promise).catch(() => {});
      },
      pingLatest: () => Promise.all(latest.map(thing => E(thing).ping().catch(() => 'lost'))),
      // Of the one that is restarted.
      live: async (giver, keeper) => {
        await E(giver).settle();
        const given = await Promise.all(KINDS.map(kind => E(giver).give(kind)));
        given.forEach(thing => {
          heap.strong.init(thing, makers.virtual(thing));
          heap.set.add(thing);
          heap.native.set(thing, makers.durable(null));
          known.init(thing, makers.durable(null));
        });
        const defineOwn = defineVirtualExoClass('Own', undefined, init, methods);
        held.push(given, defineOwn(given[0]), defineOwn(makers.local(given[1])));
        const circle = makers.durable(null);
        circle.put(makers.durable(circle));
        heap.weak.init(circle, given[0]);
        keepAsOnly('given', makers.durable(given[2]));
        const never = E(giver).later();
        never.catch(() => {});
        watchPromise(never, watcher);
        held.push(E(giver).later().catch(() => {}));
        const made = KINDS.map(kind => makers[kind](given[2]));
        const { promise } = makePromiseKit();
        await E(keeper).keep(harden(made), promise);
        return E(keeper).pingLatest();
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
const CONFIG = {
  name: 'lives',
  vats: { phoenix: { bundle }, giver: { bundle }, keeper: { bundle } },
};

type Root = {
  live(giver: unknown, keeper: unknown): Promise<string[]>;
  pingLatest(): Promise<string[]>;
};

const start = (options: { image?: NodeImage; isChecked?: boolean }) =>
  startRig({ storage: 'memory', vats: makeLocalVats(), ...options });

const rootsOf = async ({ console: { kernel } }: Rig): Promise<Root[]> =>
  (await Promise.all(
    Object.keys(CONFIG.vats).map(vat => E(kernel).root(CONFIG.name, vat)),
  )) as Root[];

/** So many lives, each ended in the midst of it. */
const live = async (rig: Rig, lives: number): Promise<void> => {
  const [phoenix, giver, keeper] = (await rootsOf(rig)) as [Root, Root, Root];
  for (let life = 0; life < lives; life += 1) {
    expect(await E(phoenix).live(giver, keeper)).toEqual(
      Array.from({ length: 3 }, () => 'pong'),
    );
    await E(rig.console.kernel).restart(CONFIG.name, 'phoenix');
    expect(await E(keeper).pingLatest()).toEqual(['lost', 'lost', 'pong']);
  }
  await E(rig.console.kernel).collect();
};

const countStored = (image: NodeImage): number => {
  if (image.storage !== 'memory') {
    throw Error('it was in memory');
  }
  const stores = openMemoryVatStores(image.content);
  return stores
    .list()
    .reduce((sum, vat) => sum + countRows(stores.read(vat).image), 0);
};

it('a hundred restarts of a vat that imports, exports and makes non-durable kinds leave the rows and entries of one, its neighbors’ too (invariants 6, 12)', async () => {
  const first = await start({});
  await E(first.console.kernel).launch(CONFIG);
  await live(first, 1);
  const stock = await takeStock(first);
  const image = await first.stop();
  const stored = countStored(image);

  const second = await start({ image, isChecked: false });
  await live(second, 99);
  expect(await takeStock(second)).toEqual({ ...stock, files: 3 });
  expect(countStored(await second.stop())).toBe(stored);
}, 240_000);
