import { describe, expect, it } from 'vitest';
import {
  makeServiceId,
  makeSessionId,
  makeVatId,
  type EndpointId,
  type Kref,
  type Life,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import { makeRandomTables } from '../testing/random-tables.ts';
import {
  dataOf,
  end,
  fulfil,
  makeStage,
  send,
  subscribe,
} from '../testing/stage.ts';
import { isRoot, makeHolders, showHolder } from './holders.ts';
import { makeMentions } from './mentions.ts';
import { findLife } from './why-alive.ts';

/** A message is in flight to alice, and another waits for its answer. */
const setScene = async () => {
  const stage = await makeStage(['alice', 'bob']);
  const { state } = stage.rig.kernel;
  const bob = stage.root('bob');
  await stage.say(
    send(stage.root('alice'), 'ask', [bob], 'p+1'),
    send('p+1', 'more', [bob, 'o+9'], 'p+2'),
    subscribe('p+2'),
  );
  return {
    ...stage,
    state,
    holdersOf: (kref: string) => {
      const mentions = makeMentions(state);
      return makeHolders(state)
        .of(kref as Kref)
        .map(holder => showHolder(holder, mentions));
    },
    lifeOf: (kref: string, mostRows?: number) =>
      findLife(state, kref as Kref, {
        holders: makeHolders(state, mostRows),
        mentions: makeMentions(state),
      }),
  };
};

const [ALICE, BOB] = [makeVatId(1), makeVatId(2)];
const CLIENT = makeSessionId(1);
/** Settled promises, and objects of services. */
const [P1, P2] = ['kp91', 'kp92'] as [Kref, Kref];
const [TIMER, ALIAS] = ['ko91', 'ko92'] as [Kref, Kref];

/** Tables without a kernel, and in them a purse of alice's that nobody holds yet. */
const makeTables = () => {
  const { state, parts } = makeRandomTables([]);
  state.store.begin(); // for good: nothing is collected
  const addExport = (vat: VatId, vref: string): Kref =>
    parts.clists.addExport(vat, vref as Vref);
  return {
    state,
    parts,
    addExport,
    purse: addExport(ALICE, 'o+7'),
    hold: (endpoint: EndpointId, kref: Kref) => {
      const vref = kref.replace('k', '').replace(/(?=\d)/, '-') as Vref;
      return parts.clists.add(endpoint, kref, vref);
    },
    addPromise: (kref: Kref, ...slots: readonly Kref[]): void =>
      state.promises.put({
        kref,
        state: 'fulfilled',
        decider: null,
        subscribers: [],
        body: '',
        slots,
        refs: 0,
        maker: null,
        settler: null,
        isLeft: 0,
      }),
    addAlias: (target: Kref): void => {
      const [reachable, recognizable] = [0, 0];
      const owner = makeServiceId('revocation');
      const row = { kref: ALIAS, owner, iface: 'alias' };
      state.objects.put({ ...row, reachable, recognizable });
      const made = { maker: null, cluster: null };
      state.aliases.put({ kref: ALIAS, target, depth: 1, ...made });
    },
    addTimer: (handler: Kref): void => {
      const times = { time: 0, period: null };
      const others = { promise: null, alarm: null };
      state.timers.put({ id: 1, timer: TIMER, ...times, handler, ...others });
    },
    tellBob: (slot: Kref): void =>
      parts.inbox.deliverTo(BOB, {
        target: slot,
        methargs: { body: '', slots: [] },
        result: null,
        sender: null,
      }),
    lifeOf: (kref: Kref): Life =>
      findLife(state, kref, {
        holders: makeHolders(state),
        mentions: makeMentions(state),
      }),
  };
};

/** What holds what in the chain. */
const chainOf = (life: Life): readonly (readonly [string, Kref])[] =>
  life.state === 'held'
    ? life.chain.map(({ holder, held }) => [holder.by, held.kref])
    : [];

const alice = { endpoint: 'v2', name: 'demo.alice' };
const bob = { endpoint: 'v3', name: 'demo.bob' };
const boot = { endpoint: 'v1', name: 'demo.boot' };
const client = { endpoint: 's3', name: 'test' };
const answer = { kref: 'kp2', iface: null, name: null };
const imported = (endpoint: object, vref: string) => ({
  by: 'clist',
  endpoint,
  vref,
  isExport: vref.includes('+'),
  reachable: true,
});

describe('who holds what', () => {
  it('is told of c-lists, roots, inboxes, parked messages and names', async () => {
    const stage = await setScene();
    await stage.client.rpc.call('keep', {
      name: 'friend',
      vref: stage.root('bob'),
    });
    expect(['ko3', 'ko4', 'kp2', 'kp3'].map(stage.holdersOf)).toEqual([
      [
        imported(boot, 'o-51'),
        imported(client, 'o-3'),
        { by: 'home', name: 'friend' },
        { by: 'root', vat: bob },
        { by: 'inbox', endpoint: alice, as: 'argument' },
        { by: 'parked', promise: answer, as: 'argument' },
      ],
      [{ by: 'parked', promise: answer, as: 'argument' }],
      [imported(client, 'p+1'), { by: 'inbox', endpoint: alice, as: 'result' }],
      [
        imported(client, 'p+2'),
        { by: 'parked', promise: answer, as: 'result' },
      ],
    ]);
    const roots = [...makeHolders(stage.state).heldByRoots()];
    expect(roots.sort()).toEqual(['ko1', 'ko2', 'ko3', 'kp2']);
    await stage.finish('alice');
    await end(stage);
  });

  it('is told of the target of a message, and of a notify', async () => {
    const stage = await setScene();
    await stage.say(
      send(stage.root('bob'), 'wait'),
      send(stage.root('bob'), 'go'),
    );
    const [, , { result }] = Object(stage.flight('alice'));
    await stage.finish('alice', subscribe(result));
    expect(stage.holdersOf('ko3')).toEqual([
      imported(boot, 'o-51'),
      imported(alice, 'o-50'),
      imported(client, 'o-3'),
      { by: 'root', vat: bob },
      { by: 'parked', promise: answer, as: 'argument' },
      { by: 'inbox', endpoint: bob, as: 'target' },
      { by: 'inbox', endpoint: bob, as: 'target' },
    ]);
    await end(stage);
  });

  it('is told of bootstraps, parameters, names that sessions are to forget, services and notifies', () => {
    const { state, parts, addExport, addTimer } = makeTables();
    const promise = addExport(ALICE, 'p+7');
    for (const row of [...state.clusters.values()]) {
      state.clusters.put({ ...row, bootstrapResult: promise });
    }
    for (const row of [...state.vats.values()].filter(({ id }) => id === BOB)) {
      state.vats.put({ ...row, parametersSlots: [promise] });
    }
    const name = { session: CLIENT, vref: 'p-7' as Vref };
    state.retiring.put({ ...name, kref: promise, delivery: 1 });
    addTimer(promise);
    parts.inbox.addNotify(BOB, promise);
    const mentions = makeMentions(state);
    const vat = { endpoint: BOB, name: 'demo.bob' };
    expect(
      makeHolders(state)
        .of(promise)
        .map(holder => showHolder(holder, mentions)),
    ).toEqual([
      imported({ endpoint: ALICE, name: 'demo.alice' }, 'p+7'),
      { by: 'bootstrap', cluster: 'demo' },
      { by: 'parameters', vat },
      { by: 'retiring', endpoint: { endpoint: CLIENT, name: 'console' } },
      {
        by: 'service',
        service: { endpoint: makeServiceId('timer'), name: 'service timer' },
        object: { kref: TIMER, iface: null, name: null },
      },
      { by: 'inbox', endpoint: vat, as: 'notify' },
    ]);
  });

  it('holds by itself unless it is a vat, or something that must itself be held', () => {
    const tables = makeTables();
    const { purse } = tables;
    tables.hold(BOB, purse);
    tables.hold(CLIENT, purse);
    tables.addAlias(purse);
    tables.addTimer(purse);
    tables.tellBob(purse);
    tables.addPromise(P1, purse);
    expect(
      makeHolders(tables.state)
        .of(purse)
        .map(holder => [
          holder.by === 'clist' ? holder.row.endpoint : holder.by,
          isRoot(holder),
        ]),
    ).toEqual([
      [BOB, false],
      [CLIENT, true],
      ['service', false],
      ['service', true],
      ['inbox', true],
      ['data', false],
    ]);
  });

  it('is unknown as far as the rows are too many to be looked at', async () => {
    const stage = await setScene();
    const { unseen } = makeHolders(stage.state, 0);
    const { home, clusters, vats, retiring, queue, promises } = stage.state;
    expect(unseen).toBe(
      [home, clusters, vats, retiring, queue, promises].reduce(
        (sum, { size }) => sum + size,
        0,
      ),
    );
    expect(
      [1, unseen - 1, unseen, unseen + 1].map(
        most => makeHolders(stage.state, most).unseen,
      ),
    ).toEqual([unseen - 1, 1, 0, 0]);
    expect(stage.lifeOf('ko4', 0)).toEqual({ state: 'unknown', unseen });
    expect(stage.lifeOf('ko4', unseen)).toMatchObject({ state: 'held' });
    await stage.finish('alice');
    await end(stage);
  });
});

describe('entries of c-lists', () => {
  it('are known as far as they are not too many, and the others counted', () => {
    const { state } = makeTables();
    const count = state.clists.size;
    const krefs = [...state.objects.values()].map(({ kref }) => kref);
    /** How many entries of objects are found by one who asks for all, and how many are unseen. */
    const find = (most: number) => {
      const holders = makeHolders(state, 0, most);
      const found = [...krefs, ...krefs].map(kref => holders.of(kref));
      return [found.slice(krefs.length).flat().length, holders.unseen];
    };
    const [all = 0, unseen = 0] = find(count);
    expect(all).toBeGreaterThan(1);
    expect(find(count + 1)).toEqual([all, unseen]);
    expect(find(count - 1)[1]).toBe(unseen + 1);
    expect(find(0)).toEqual([0, unseen + count]);
  });
});

describe('why something is alive', () => {
  it('is a chain over what waits, from the nearest that says most', async () => {
    const stage = await setScene();
    const purse = { kref: 'ko4', iface: null, name: null };
    const nearest = () =>
      Object(stage.lifeOf('ko3')).chain.map(Object)[0].holder;
    expect(stage.lifeOf('ko4')).toEqual({
      state: 'held',
      chain: [
        { holder: imported(client, 'p+1'), held: answer },
        {
          holder: { by: 'parked', promise: answer, as: 'argument' },
          held: purse,
        },
      ],
      mayBeFor: null,
    });
    expect(nearest()).toEqual({ by: 'root', vat: bob });
    const keep = { name: 'friend', vref: stage.root('bob') };
    await stage.client.rpc.call('keep', keep);
    expect(nearest()).toEqual({ by: 'home', name: 'friend' });
    const [, , { result }] = Object(stage.flight('alice'));
    await stage.finish('alice', fulfil(result, dataOf('$0', 'o-50')));
    await end(stage);
  });

  it('is the nearest that says most: a promise or an alias only when nobody holds by itself', () => {
    const tables = makeTables();
    const { purse } = tables;
    const chain = () => chainOf(tables.lifeOf(purse));
    tables.addPromise(P1, purse);
    tables.hold(CLIENT, P1);
    expect(chain()).toEqual([
      ['clist', P1],
      ['data', purse],
    ]);
    tables.addAlias(purse);
    tables.hold(CLIENT, ALIAS);
    expect(chain()).toEqual([
      ['clist', ALIAS],
      ['service', purse],
    ]);
    tables.hold(BOB, purse);
    expect(chain()).toEqual([['clist', purse]]);
    tables.tellBob(purse);
    expect(chain()).toEqual([['inbox', purse]]);
    tables.addTimer(purse);
    expect(chain()).toEqual([['service', purse]]);
  });

  it('is the shortest chain, when a promise holds in two ways', () => {
    const tables = makeTables();
    const { purse } = tables;
    tables.addPromise(P1, purse);
    tables.addPromise(P2, purse, P1);
    tables.hold(CLIENT, P2);
    expect(chainOf(tables.lifeOf(purse))).toEqual([
      ['clist', P2],
      ['data', purse],
    ]);
  });

  it('is a cycle without what it only leads to', () => {
    const tables = makeTables();
    const { purse } = tables;
    tables.addPromise(P1, P2, purse);
    tables.addPromise(P2, P1);
    const amongOf = (kref: Kref) => Object(tables.lifeOf(kref)).among;
    const [first, second] = [P1, P2].map(makeMentions(tables.state).ref);
    expect(amongOf(purse)).toEqual({ items: [first, second], leftOut: 0 });
    expect(amongOf(P1)).toEqual({ items: [first, second], leftOut: 0 });
  });

  it('may be for what its vat exports and somebody reaches, also while what that has left is cleared away', () => {
    const tables = makeTables();
    const { state, parts, purse, addExport, hold } = tables;
    const [reached, dropped, unheld, promise] = 'o+1 o+2 o+3 p+4'
      .split(' ')
      .map(vref => addExport(BOB, vref)) as [Kref, Kref, Kref, Kref];
    [reached, dropped, promise].forEach(kref => hold(CLIENT, kref));
    const entry = parts.clists.entry(CLIENT, dropped);
    if (entry) {
      parts.clists.unreach(entry);
    }
    const counts = [dropped, unheld].map(kref => state.objects.get(kref));
    expect(counts).toMatchObject([{ reachable: 0 }, { reachable: 0 }]);
    hold(BOB, purse);
    const root = state.vats.get(BOB)?.root;
    const mayBeFor = () =>
      Object(tables.lifeOf(purse)).mayBeFor.items.map(
        ({ kref }: { kref: Kref }) => kref,
      );
    expect(mayBeFor()).toEqual([root, reached]);
    state.vats.delete(BOB);
    expect(mayBeFor().sort()).toEqual([root, reached].sort());
  });
});
