import { describe, expect, it } from 'vitest';
import {
  makeClusterId,
  makeSessionId,
  makeVatId,
  type BundleHash,
  type Kref,
  type Vref,
} from '@cooperage/protocol';
import { makeMemoryImage, openMemoryKernelDb } from '../adapters/memory.ts';
import { makeRandomTables } from '../testing/random-tables.ts';
import type { PromiseRow, QueueRow } from './schema.ts';
import { TIMER } from './service-schema.ts';
import { makeState } from './state.ts';

const [ALICE, BOB] = [makeVatId(1), makeVatId(2)];
const SESSION = makeSessionId(1);
const kref = (text: string): Kref => text as Kref;
const vref = (text: string): Vref => text as Vref;

const PROMISE: PromiseRow = {
  kref: kref('kp1'),
  state: 'unresolved',
  decider: ALICE,
  subscribers: [BOB, SESSION],
  body: null,
  slots: [kref('ko1')],
  refs: 1,
  maker: null,
  settler: null,
  isLeft: 0,
};
const MESSAGE: QueueRow = {
  position: 1,
  queue: BOB,
  kind: 'message',
  target: kref('ko1'),
  body: '#[]',
  slots: [kref('ko2'), kref('kp1')],
  result: null,
  sender: ALICE,
  round: 0,
  nth: 1,
  tries: 0,
};

const setScene = () => {
  const image = makeMemoryImage();
  const state = makeState(openMemoryKernelDb(image));
  const write = (work: () => void): void => {
    state.store.begin();
    work();
    state.store.keep();
  };
  return {
    state,
    write,
    restart: () => {
      state.store.commit();
      return makeState(openMemoryKernelDb(image));
    },
  };
};

describe('the state of the kernel', () => {
  it('has its rows again after a restart, with their lists, and nobody can change them', () => {
    const { state, write, restart } = setScene();
    const vat = makeRandomTables([]).state.vats.get(ALICE);
    if (!vat) {
      throw Error('there is no alice');
    }
    const row = {
      ...vat,
      parametersSlots: [kref('ko1'), kref('ko2')],
      endowments: ['timer'],
    };
    const bundle = { hash: 'b1' as BundleHash, text: '{}' };
    const cluster = {
      id: makeClusterId(1),
      name: 'demo',
      bootstrap: 'alice',
      services: [{ service: 'timer', as: 'time', caveats: null, admin: null }],
      bootstrapResult: null,
      bootstrapProblem: null,
    };
    write(() => {
      state.clusters.put(cluster);
      state.promises.put({ ...PROMISE });
      state.queue.put({ ...MESSAGE });
      state.vats.put(row);
      state.bundles.put(bundle);
    });
    const again = restart();
    expect(again.promises.get(PROMISE.kref)).toEqual(PROMISE);
    expect(again.queue.get(1)).toEqual(MESSAGE);
    expect(again.vats.get(ALICE)).toEqual(row);
    expect(again.bundles.get(bundle.hash)).toEqual(bundle);
    expect(again.clusters.get(cluster.id)).toEqual(cluster);
    for (const part of [
      again.promises.get(PROMISE.kref),
      again.promises.get(PROMISE.kref)?.subscribers,
      again.promises.get(PROMISE.kref)?.slots,
      again.queue.get(1)?.slots,
      again.clusters.get(cluster.id)?.services,
      again.vats.get(ALICE)?.endowments,
      again.vats.get(ALICE)?.parametersSlots,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('keeps the texts of bundles out of memory', () => {
    const { state } = setScene();
    expect(() => state.bundles.size).toThrow('not resident');
  });

  it('gives each number of a kind once, also after a restart, and again if its crank was undone', () => {
    const { state, write, restart } = setScene();
    const given: number[] = [];
    write(() => {
      given.push(state.allot('object'), state.allot('object'));
      given.push(state.allot('promise'));
    });
    state.store.begin();
    given.push(state.allot('object'));
    state.store.undo();
    const again = restart();
    again.store.begin();
    given.push(again.allot('object'));
    expect(given).toEqual([1, 2, 1, 3, 3]);
  });

  it('finds c-list entries by both names and by endpoint', () => {
    const { state, write } = setScene();
    const entry = (endpoint: typeof ALICE, k: string, v: string) => ({
      endpoint,
      kref: kref(k),
      vref: vref(v),
      reachable: 1 as const,
    });
    const rows = [
      entry(ALICE, 'ko1', 'o+1'),
      entry(BOB, 'ko1', 'o-1'),
      entry(BOB, 'ko2', 'o+1'),
    ] as const;
    write(() => rows.forEach(row => state.clists.put(row)));
    expect(state.clistByVref.get(BOB, 'o+1')).toBe(rows[2]);
    expect(state.clistByVref.get(ALICE, 'o-1')).toBe(undefined);
    expect(state.clistByEndpoint.values(BOB)).toEqual([rows[1], rows[2]]);
    expect(state.recognizers.values('ko1')).toEqual([]);
    const weak = { ...rows[1], reachable: 0 } as const;
    write(() => {
      state.clists.put({ ...rows[0], reachable: 0 });
      state.clists.put(weak);
    });
    expect(state.recognizers.values('ko1')).toEqual([weak]);
  });

  it('finds promises by who decides them', () => {
    const { state, write } = setScene();
    write(() => {
      state.promises.put({ ...PROMISE });
      state.promises.put({ ...PROMISE, kref: kref('kp2'), decider: null });
    });
    expect(state.promisesByDecider.values(ALICE)).toEqual([PROMISE]);
    expect(state.promisesByDecider.groups()).toEqual([ALICE]);
  });

  it('has queues in the order of their rounds, then of arrival, and by sender, kind and promise', () => {
    const { state, write } = setScene();
    const item = (position: number, some: Partial<QueueRow>): QueueRow => ({
      ...MESSAGE,
      position,
      ...some,
    });
    const rows = [
      item(1, { round: 2 }),
      item(2, { round: 1, sender: SESSION }),
      item(3, { round: 1 }),
      item(4, { kind: 'notify', target: kref('kp1'), round: 1 }),
      item(5, { queue: kref('kp1'), target: kref('kp1') }),
    ];
    write(() => rows.forEach(row => state.queue.put(row)));
    const positions = (found: readonly QueueRow[]) =>
      found.map(({ position }) => position);
    expect(positions(state.queueByName.values(BOB))).toEqual([2, 3, 4, 1]);
    expect(positions(state.lanes.values(`${BOB} ${ALICE}`))).toEqual([3, 1]);
    expect(positions(state.lanes.values(`${BOB} ${SESSION}`))).toEqual([2]);
    expect(positions(state.lanes.values(`${BOB} notifies`))).toEqual([4]);
    expect(state.lanes.groups()).toHaveLength(4);
    expect(positions(state.messages.values(BOB))).toEqual([2, 3, 1]);
    expect(positions(state.messages.values('kp1'))).toEqual([5]);
    expect(positions(state.notifies.values(`${BOB} kp1`))).toEqual([4]);
    expect(state.notifies.groups()).toHaveLength(1);
  });

  it('finds the rest by what it is sought by', () => {
    const { state, write } = setScene();
    const tables = makeRandomTables([]).state;
    const cluster = tables.clusters.get(makeClusterId(1));
    const vat = tables.vats.get(BOB);
    const retiring = [9, 3].map(delivery => ({
      session: SESSION,
      vref: vref(`p-${99 - delivery}`),
      kref: kref('kp1'),
      delivery,
    }));
    const timers = [20, 10].map((time, nth) => ({
      id: nth + 1,
      timer: kref('ko5'),
      time,
      period: time === 20 ? 100 : null,
      handler: null,
      promise: null,
      alarm: time === 20 ? kref('ko6') : null,
    }));
    const call = {
      id: 1,
      service: 'fetch' as never,
      object: kref('ko7'),
      promise: null,
      slots: [],
    };
    const change = { vat: ALICE, key: 'k', value: '12' };
    const kept = {
      keeper: makeClusterId(1),
      name: 'code',
      hash: 'b1' as BundleHash,
      units: 2,
    };
    write(() => {
      if (cluster && vat) {
        state.clusters.put({ ...cluster, bootstrapResult: kref('kp1') });
        state.clusters.put({
          ...cluster,
          id: makeClusterId(2),
          name: 'other',
          bootstrapResult: null,
        });
        state.vats.put({ ...vat, bundle: 'b1' as BundleHash });
      }
      retiring.forEach(row => state.retiring.put(row));
      timers.forEach(row => state.timers.put(row));
      state.calls.put(call);
      state.vatChanges.put(change);
      state.keptBundles.put(kept);
    });
    const waits = { ...cluster, bootstrapResult: 'kp1' };
    expect(state.clusterByName.get('demo')).toEqual(waits);
    expect(state.clusterByBootstrap.get('kp1')).toEqual(waits);
    expect(state.keptByKeeper.values(kept.keeper)).toEqual([kept]);
    expect(state.keptByHash.values('b1')).toEqual([kept]);
    expect(state.vatsByCluster.count(makeClusterId(1))).toBe(1);
    expect(state.vatsByBundle.first('b1')?.id).toBe(BOB);
    expect(state.retiringBySession.values(SESSION)).toEqual([
      retiring[1],
      retiring[0],
    ]);
    expect(state.timersByTime.values('all')).toEqual([timers[1], timers[0]]);
    expect(state.timersByTimer.count('ko5')).toBe(2);
    expect(state.timerByAlarm.get('ko6')).toBe(timers[0]);
    expect(state.callsByObject.first('ko7')).toBe(call);
    expect(state.changesByVat.values(ALICE)).toEqual([change]);
    expect(state.repeatsPerSecond.of('ko5')).toBe(10);
    expect(state.changeUnits.of(ALICE)).toBe(3);
  });

  it('has what administrators make, with its lists after a restart, and finds it', () => {
    const { state, write, restart } = setScene();
    const quota = {
      id: 2,
      parent: 1,
      cluster: makeClusterId(1),
      vats: null,
      bytes: null,
      bundles: null,
      vatsUsed: 1,
      bytesUsed: 0,
      isHeld: 1 as const,
      deadline: null,
    };
    const birth = {
      id: 1,
      vat: BOB,
      administrator: kref('ko8'),
      quota: 2,
      cluster: makeClusterId(1),
      maker: ALICE,
      name: 'kid',
      bundle: 'b1' as BundleHash,
      bytes: null,
      slots: [kref('ko1'), kref('ko2')],
      promise: null,
    };
    const child = {
      vat: BOB,
      quota: 2,
      bytes: null,
      node: kref('ko9'),
      done: kref('kp9'),
      isEnded: 0 as const,
    };
    const call = {
      id: 1,
      service: 'fetch' as never,
      object: kref('ko7'),
      promise: null,
      slots: [kref('ko3')],
    };
    write(() => {
      state.quotas.put(quota);
      state.births.put(birth);
      state.children.put(child);
      state.calls.put(call);
    });
    const again = restart();
    expect(again.quotasByParent.values(1)).toEqual([quota]);
    expect(again.birthsByCluster.values(birth.cluster)).toEqual([birth]);
    expect(again.birthsByBundle.values('b1')).toEqual([birth]);
    expect(again.childrenByQuota.values(2)).toEqual([child]);
    expect(again.childByNode.get('ko9')).toEqual(child);
    expect(again.calls.get(1)).toEqual(call);
  });

  it('sums what messages and answers count, by those to whom they count', () => {
    const { state, write } = setScene();
    const settled = {
      ...PROMISE,
      body: '#"1234567"',
      slots: [],
      decider: null,
    };
    write(() => {
      state.queue.put({ ...MESSAGE, body: '', slots: [] });
      state.queue.put({ ...MESSAGE, position: 2, kind: 'notify' });
      [
        { maker: ALICE, isLeft: 0 as const },
        { maker: ALICE, isLeft: 1 as const, settler: BOB },
        { maker: null, isLeft: 1 as const },
      ].forEach((some, nth) =>
        state.promises.put({ ...settled, kref: kref(`kp${nth}`), ...some }),
      );
    });
    expect([state.sentUnits.of(ALICE), state.sentUnits.total]).toEqual([
      200, 200,
    ]);
    expect([state.queuedUnits.of(BOB), state.queuedUnits.total]).toEqual([
      200, 200,
    ]);
    expect([state.promiseUnits.of(ALICE), state.promiseUnits.total]).toEqual([
      10, 10,
    ]);
    expect([
      state.leftUnits.of(`${BOB} ${ALICE}`),
      state.leftUnits.total,
    ]).toEqual([10, 10]);
  });

  it('counts what endpoints export, and the promises among it that they made', () => {
    const { state, write } = setScene();
    write(() =>
      (
        [
          [ALICE, 'ko1', 'o+1'],
          [ALICE, 'kp1', 'p+1'],
          [ALICE, 'kp2', 'p-2'],
          [BOB, 'ko1', 'o-1'],
          [BOB, 'kp1', 'p-1'],
        ] as const
      ).forEach(([endpoint, k, v]) =>
        state.clists.put({
          endpoint,
          kref: kref(k),
          vref: vref(v),
          reachable: 1,
        }),
      ),
    );
    const sums = ({ of, total }: typeof state.exported) => [of(ALICE), total];
    expect(sums(state.exported)).toEqual([2, 2]);
    expect(sums(state.promisesMade)).toEqual([1, 1]);
  });

  it('sums what objects of services count, and aliases, by who asked for them and by that one’s cluster', () => {
    const { state, write } = setScene();
    const cluster = makeClusterId(1);
    const asked = [
      { maker: ALICE, cluster },
      { maker: SESSION, cluster: null },
      { maker: null, cluster: null },
    ];
    write(() =>
      asked.forEach((some, nth) => {
        const object = { kind: 'x', data: '', units: 10 ** nth, ...some };
        const alias = { target: kref('ko1'), depth: 1, ...some };
        state.serviceObjects.put({ kref: kref(`ko1${nth}`), ...object });
        state.aliases.put({ kref: kref(`ko2${nth}`), ...alias });
      }),
    );
    const { serviceUnits, aliasUnits } = state;
    const { serviceUnitsOfCluster, aliasUnitsOfCluster } = state;
    expect([serviceUnits.of(ALICE), serviceUnits.total]).toEqual([1, 11]);
    expect([aliasUnits.of(SESSION), aliasUnits.total]).toEqual([200, 400]);
    expect([
      serviceUnitsOfCluster.of(cluster),
      serviceUnitsOfCluster.total,
    ]).toEqual([1, 1]);
    expect([
      aliasUnitsOfCluster.of(cluster),
      aliasUnitsOfCluster.total,
    ]).toEqual([200, 200]);
  });

  it('finds what alarms have to tell, and nothing else, by whom it is told', () => {
    const { state, write } = setScene();
    write(() => {
      state.queue.put({ ...MESSAGE, sender: TIMER });
      state.queue.put({ ...MESSAGE, position: 2 });
    });
    expect(state.wakes.values(`${BOB} ko1`).map(row => row.position)).toEqual([
      1,
    ]);
  });
});
