import { describe, expect, it } from 'vitest';
import {
  makeSessionId,
  makeVatId,
  type CapData,
  type EndpointId,
  type Kref,
  type Vref,
} from '@cooperage/protocol';
import { makeRandomTables } from '../testing/random-tables.ts';
import { findInconsistencies } from '../testing/recount.ts';

const ALICE = makeVatId(1);
const BOB = makeVatId(2);
const SESSION = makeSessionId(1);
const vref = (text: string): Vref => text as Vref;
const dataOf = (body: string, ...slots: Kref[]): CapData<Kref> => ({
  body,
  slots,
});

/** Tables in which alice exports an object and decides two promises that nobody else knows yet. */
const setScene = () => {
  const { state, parts } = makeRandomTables([]);
  const { clists, inbox, flights, promises, run } = parts;
  const roots = { alice: state.vats.get(ALICE)?.root as Kref };
  const made = run(() => {
    const [thing, one, two] = ['o+7', 'p+1', 'p+2'].map(name =>
      clists.addExport(ALICE, vref(name)),
    ) as [Kref, Kref, Kref];
    state.home.put({ name: 'thing', kref: thing });
    parts.refcounts.hold(thing);
    return { thing, one, two };
  });
  const rowsOf = (endpoint: EndpointId) =>
    state.clistByEndpoint
      .values(endpoint)
      .map(row => [row.kref, row.vref, row.reachable])
      .sort();
  const prepare = (endpoint: EndpointId) => {
    const item = inbox.head(endpoint);
    if (!item) {
      throw Error(`nothing waits for ${endpoint}`);
    }
    return flights.prepare(endpoint, item);
  };
  const send = (to: EndpointId, target: Kref, ...slots: Kref[]) =>
    run(() =>
      inbox.deliverTo(to, {
        target,
        methargs: dataOf('#["m"]', ...slots),
        result: null,
        sender: ALICE,
      }),
    );
  const land = (flight: ReturnType<typeof prepare>) => {
    if (!flight) {
      throw Error('there is nothing to land');
    }
    run(() => flights.land(flight));
    expect(findInconsistencies(state)).toEqual([]);
  };
  return {
    ...made,
    ...roots,
    state,
    parts,
    promises,
    flights,
    rowsOf,
    prepare,
    send,
    land,
  };
};

describe('a message to a vat', () => {
  it('names what it has by its names and gives new ones to the rest, which are its own once it has landed', () => {
    const scene = setScene();
    const { state, thing, one, rowsOf } = scene;
    const bob = state.vats.get(BOB)?.root as Kref;
    const before = rowsOf(BOB);
    scene.parts.run(() =>
      scene.parts.inbox.deliverTo(BOB, {
        target: bob,
        methargs: dataOf('#["m"]', thing, bob, thing),
        result: one,
        sender: ALICE,
      }),
    );
    const flight = scene.prepare(BOB);
    expect(flight?.delivery).toEqual([
      'message',
      'o+0',
      {
        methargs: { body: '#["m"]', slots: ['o-50', 'o+0', 'o-50'] },
        result: 'p-51',
      },
    ]);
    expect([...(flight?.named ?? [])]).toEqual([bob, thing, one]);
    expect(flight).toMatchObject({ endpoint: BOB, action: null, retired: [] });
    expect(rowsOf(BOB)).toEqual(before);
    expect(state.vats.get(BOB)?.nextImport).toBe(50);
    scene.parts.run(() => scene.promises.setDecider(one, null));
    scene.land(flight);
    expect(rowsOf(BOB)).toEqual(
      [...before, [thing, 'o-50', 1], [one, 'p-51', 1]].sort(),
    );
    expect(state.vats.get(BOB)?.nextImport).toBe(52);
    expect(scene.promises.get(one).decider).toBe(BOB);
    expect(scene.parts.inbox.head(BOB)).toBe(undefined);
  });

  it('that names nothing new leaves the count of names as it is', () => {
    const scene = setScene();
    const bob = scene.state.vats.get(BOB)?.root as Kref;
    scene.send(BOB, bob);
    const row = scene.state.vats.get(BOB);
    const flight = scene.prepare(BOB);
    expect(flight).toMatchObject({ decides: null });
    expect(flight?.delivery[2]).toMatchObject({ result: null });
    scene.land(flight);
    expect(scene.state.vats.get(BOB)).toBe(row);
  });

  it('has it reach again what it only recognized', () => {
    const scene = setScene();
    const { thing, state, parts } = scene;
    const bob = state.vats.get(BOB)?.root as Kref;
    scene.send(BOB, bob, thing);
    scene.land(scene.prepare(BOB));
    parts.run(() => parts.applySyscall(BOB, ['dropImports', [vref('o-50')]]));
    expect(state.clists.get(BOB, thing)?.reachable).toBe(0);
    scene.send(BOB, bob, thing);
    const flight = scene.prepare(BOB);
    expect([...(flight?.reached ?? [])]).toEqual([thing]);
    expect([...(flight?.additions ?? [])]).toEqual([]);
    scene.land(flight);
    expect(state.clists.get(BOB, thing)?.reachable).toBe(1);
  });

  it('is in flight at most once: landed a second time it is a defect', () => {
    const scene = setScene();
    scene.send(BOB, scene.state.vats.get(BOB)?.root as Kref);
    const flight = scene.prepare(BOB);
    scene.land(flight);
    expect(() => scene.land(flight)).toThrow('no item in flight');
  });
});

describe('a message to a session', () => {
  it('names things by the kernel’s own numbers, and counts none', () => {
    const scene = setScene();
    const { alice, thing, one, rowsOf } = scene;
    const before = rowsOf(SESSION);
    scene.send(SESSION, alice, thing, one);
    const flight = scene.prepare(SESSION);
    expect(flight?.delivery[2]).toMatchObject({
      methargs: {
        slots: [`o-${thing.slice(2)}`, `p-${one.slice(2)}`],
      },
    });
    scene.land(flight);
    expect(rowsOf(SESSION)).toHaveLength(before.length + 2);
  });
});

describe('a notify', () => {
  /** Bob knows both promises and has asked; the second is settled first if at all. */
  const setNotifyScene = () => {
    const scene = setScene();
    const { one, two, parts, promises } = scene;
    parts.run(() => {
      [one, two].forEach((kref, nth) => {
        parts.clists.add(BOB, kref, vref(`p-${60 + nth}`));
        promises.subscribe(BOB, kref);
      });
    });
    return scene;
  };

  it('tells all that waits behind it too, and what that leads to; their names are gone once it has landed', () => {
    const scene = setNotifyScene();
    const { one, two, thing, parts, promises, state } = scene;
    const third = parts.run(() => parts.clists.addExport(ALICE, vref('p+3')));
    parts.run(() => {
      promises.resolve(third, true, dataOf('#"bad"', thing));
      promises.resolve(one, false, dataOf('#[]', third));
      promises.resolve(two, true, dataOf('#"no"'));
    });
    const flight = scene.prepare(BOB);
    expect(flight?.delivery).toEqual([
      'notify',
      [
        ['p-60', false, { body: '#[]', slots: ['p-50'] }],
        ['p-61', true, { body: '#"no"', slots: [] }],
        ['p-50', true, { body: '#"bad"', slots: ['o-51'] }],
      ],
    ]);
    expect(flight?.retired).toEqual([one, two, third]);
    scene.land(flight);
    expect(parts.inbox.items(BOB)).toEqual([]);
    expect(state.clistByEndpoint.values(BOB).map(row => row.vref)).toEqual([
      'o+0',
      'o-51',
    ]);
  });

  it('is not made when the vat has been told with another', () => {
    const scene = setNotifyScene();
    const { one, parts, promises, state } = scene;
    parts.run(() => promises.resolve(one, false, dataOf('#0')));
    parts.run(() => {
      const row = state.clists.get(BOB, one);
      if (row) {
        parts.clists.remove(row);
      }
    });
    expect(scene.prepare(BOB)).toBe(undefined);
  });

  it('leaves out what waits behind it and was told with another', () => {
    const scene = setNotifyScene();
    const { one, two, parts, promises, state } = scene;
    parts.run(() => {
      promises.resolve(one, false, dataOf('#0'));
      promises.resolve(two, false, dataOf('#0'));
    });
    parts.run(() => {
      const row = state.clists.get(BOB, two);
      if (row) {
        parts.clists.remove(row);
      }
    });
    expect(scene.prepare(BOB)?.retired).toEqual([one]);
  });
});

describe('what an endpoint is told of garbage', () => {
  it('takes the flag of what it is to drop, and the entries of the rest', () => {
    const scene = setScene();
    const { thing, parts, state, flights, rowsOf } = scene;
    const tell = (kind: 'dropExports' | 'retireExports') => {
      const flight = flights.tell(ALICE, { kind, krefs: [thing] });
      expect(flight).toMatchObject({
        delivery: [kind, ['o+7']],
        item: null,
        decides: null,
        retired: [],
      });
      expect([...flight.named]).toEqual([thing]);
      expect(flight.additions.size + flight.reached.size).toBe(0);
      scene.land(flight);
    };
    parts.run(() => {
      state.home.delete('thing');
      parts.refcounts.release(thing);
    });
    tell('dropExports');
    expect(rowsOf(ALICE)).toContainEqual([thing, 'o+7', 0]);
    tell('retireExports');
    expect(state.clists.get(ALICE, thing)).toBe(undefined);
    expect(() =>
      flights.tell(ALICE, { kind: 'retireExports', krefs: [thing] }),
    ).toThrow(`no ${thing}`);
  });

  it('is nothing but the word when it is to be reaped', () => {
    const { flights } = setScene();
    const flight = flights.reap(BOB);
    expect(flight.delivery).toEqual(['bringOutYourDead']);
    expect([...flight.named, flight.item, flight.action]).toEqual([null, null]);
  });
});

describe('a start', () => {
  it('of a later heap says what earlier ones left, but exports and what its parameters name', () => {
    const scene = setScene();
    const { thing, one, parts, state, flights } = scene;
    const bob = state.vats.get(BOB)?.root as Kref;
    scene.send(BOB, bob, thing, one);
    scene.land(scene.prepare(BOB));
    const [weak, named] = parts.run(() =>
      ['o+8', 'o+9'].map(name => parts.clists.addExport(ALICE, vref(name))),
    ) as [Kref, Kref];
    scene.send(BOB, bob, weak, named);
    scene.land(scene.prepare(BOB));
    parts.run(() => {
      parts.applySyscall(BOB, ['dropImports', [vref('o-52')]]);
      parts.applySyscall(BOB, ['subscribe', vref('p-51')]);
    });
    parts.run(() => {
      const row = state.vats.get(BOB);
      if (row) {
        state.vats.put({
          ...row,
          parametersBody: '#"$0"',
          parametersSlots: [named],
        });
        parts.refcounts.hold(named);
      }
    });
    const flight = flights.startVat(BOB);
    expect(flight.delivery).toEqual([
      'startVat',
      { body: '#"$0"', slots: ['o-53'] },
    ]);
    expect(flight.held).toEqual({
      reachable: ['o-50'],
      recognizable: ['o-52'],
      promises: ['p-51'],
    });
    expect(flight).toMatchObject({ item: null, action: null, retired: [] });
  });

  it('of a heap that is to replace another has new names for what goes with that', () => {
    const { thing, one, two, parts, state, flights, rowsOf, alice } =
      setScene();
    parts.run(() => parts.applySyscall(ALICE, ['subscribe', vref('p+2')]));
    const data = dataOf('#["$0","&1","&2"]', thing, one, two);
    const flight = flights.startVat(ALICE, data);
    expect(flight.delivery).toEqual([
      'startVat',
      { body: data.body, slots: ['o-50', 'p-51', 'p+2'] },
    ]);
    expect(flight.held).toEqual({
      reachable: [],
      recognizable: [],
      promises: [],
    });
    parts.run(() => {
      const row = state.vats.get(ALICE);
      if (row) {
        state.vats.put({ ...row, incarnation: 2 });
      }
      parts.losses.begin(ALICE, {
        incarnation: 2,
        data: dataOf('#"lost"'),
        renamed: flight.additions.keys(),
      });
      flights.land(flight);
    });
    for (; !parts.losses.isDone(); parts.run(() => parts.losses.step()));
    expect(rowsOf(ALICE)).toEqual(
      [
        [alice, 'o+0', 1],
        [thing, 'o-50', 1],
        [one, 'p-51', 1],
        [two, 'p+2', 1],
      ].sort(),
    );
    expect(state.objects.get(thing)?.owner).toBe(null);
    expect([one, two].map(each => state.promises.get(each)?.state)).toEqual([
      'rejected',
      'rejected',
    ]);
    expect(findInconsistencies(state)).toEqual([]);
  });

  it('of a vat that is not in the tables has nothing to look through, and names from fifty on', () => {
    const { flights, thing } = setScene();
    const vat = makeVatId(9);
    const flight = flights.startNewVat(vat, dataOf('#"$0"', thing));
    expect(flight.delivery).toEqual([
      'startVat',
      { body: '#"$0"', slots: ['o-50'] },
    ]);
    expect(flight.held).toBe(undefined);
    expect(() => flights.startVat(vat)).toThrow('no vat v9');
  });
});
