import { describe, expect, it } from 'vitest';
import {
  encodeError,
  makeClusterId,
  makeVatId,
  USUAL_BOUNDS,
  type CapData,
  type EndpointId,
  type Kref,
  type VatBounds,
  type Vref,
} from '@cooperage/protocol';
import { openMemoryKernelDb } from './adapters/memory.ts';
import { makeCrankParts } from './crank.ts';
import { makeState } from './store/state.ts';
import { weighData } from './store/weights.ts';
import { makeRandomTables } from './testing/random-tables.ts';
import { findInconsistencies } from './testing/recount.ts';

const ALICE = makeVatId(1);
const BOB = makeVatId(2);
const CAROL = makeVatId(3);

const dataOf = (body: string, ...slots: Kref[]): CapData<Kref> => ({
  body,
  slots,
});
const DONE = dataOf('#"done"');

/** Tables of three vats, and a promise that alice is to settle and bob knows. */
const setScene = () => {
  const { state, parts } = makeRandomTables([]);
  let exported = 0;
  const addPromise = (decider: EndpointId, ...knownTo: EndpointId[]): Kref => {
    exported += 1;
    const kref = parts.clists.addExport(decider, `p+${exported}` as Vref);
    knownTo.forEach((endpoint, nth) =>
      parts.clists.add(endpoint, kref, `p-${exported}${nth}` as Vref),
    );
    return kref;
  };
  const queueOf = (name: EndpointId | Kref) =>
    parts.inbox
      .items(name)
      .map(({ kind, target, body }) => [kind, target, body]);
  return { state, parts, promises: parts.promises, addPromise, queueOf };
};
type Scene = ReturnType<typeof setScene>;

/** Empty tables with such bounds, and whose answers were refused. */
const setBounded = (bounds: Partial<VatBounds>) => {
  const refused: (readonly [EndpointId, string])[] = [];
  const parts = makeCrankParts(makeState(openMemoryKernelDb()), {
    bounds: {
      usual: { ...USUAL_BOUNDS, ...bounds },
      mostUnits: Infinity,
      roundMessages: Infinity,
      notifiesTogether: 50,
    },
    onArrival: () => {},
    onExit: () => {},
    clearedPerCrank: 3,
    afterCrank: () => {},
    onRefused: (endpoint, problem) => refused.push([endpoint, problem]),
  });
  return { parts, refused };
};

const park = ({ parts }: Scene, target: Kref, result: Kref | null = null) =>
  parts.inbox.park({ target, methargs: dataOf('#["m"]'), result, sender: BOB });

describe('a promise', () => {
  it('that is settled routes what is parked, in order, and then tells its subscribers', () => {
    const scene = setScene();
    const { parts, promises, state, addPromise, queueOf } = scene;
    const root = state.vats.get(BOB)?.root as Kref;
    const kref = parts.run(() => addPromise(ALICE, BOB, CAROL));
    parts.run(() => {
      promises.subscribe(BOB, kref);
      promises.subscribe(CAROL, kref);
      park(scene, kref);
      parts.inbox.park({
        target: kref,
        methargs: dataOf('#["n"]'),
        result: null,
        sender: CAROL,
      });
    });
    parts.run(() => promises.resolve(kref, false, dataOf('#"$0"', root)));
    expect(queueOf(kref)).toEqual([]);
    expect(queueOf(BOB)).toEqual([
      ['message', root, '#["m"]'],
      ['message', root, '#["n"]'],
      ['notify', kref, ''],
    ]);
    expect(queueOf(CAROL)).toEqual([['notify', kref, '']]);
    expect(promises.get(kref)).toMatchObject({
      state: 'fulfilled',
      decider: null,
      subscribers: [],
      body: '#"$0"',
      slots: [root],
    });
    expect(findInconsistencies(state)).toEqual([]);
  });

  it('that is rejected says so, and rejects in turn what was parked on it, after it', () => {
    const scene = setScene();
    const { parts, promises, addPromise, queueOf } = scene;
    const chain = parts.run(() => {
      const made = [1, 2, 3].map(() => addPromise(ALICE, BOB)) as [
        Kref,
        Kref,
        Kref,
      ];
      promises.setDecider(made[1], null);
      promises.setDecider(made[2], null);
      park(scene, made[0], made[1]);
      park(scene, made[1], made[2]);
      made.forEach(each => promises.subscribe(BOB, each));
      return made;
    });
    parts.run(() => promises.resolve(chain[0], true, DONE));
    for (const kref of chain) {
      expect(promises.get(kref)).toMatchObject({
        state: 'rejected',
        body: DONE.body,
      });
    }
    expect(queueOf(BOB)).toEqual(chain.map(kref => ['notify', kref, '']));
  });

  it('is settled once: a second time is a defect, and leaves the way free for others', () => {
    const { parts, promises, state, addPromise } = setScene();
    const [one, other] = parts.run(() => [
      addPromise(ALICE, BOB),
      addPromise(ALICE, BOB),
    ]) as [Kref, Kref];
    parts.run(() => promises.resolve(one, false, DONE));
    expect(() => parts.run(() => promises.resolve(one, true, DONE))).toThrow(
      `promise ${one} is resolved already`,
    );
    expect(promises.get(one).state).toBe('fulfilled');
    parts.run(() => promises.resolve(other, true, DONE));
    expect(promises.get(other).state).toBe('rejected');
    expect(findInconsistencies(state)).toEqual([]);
  });

  it('holds what its data names, but not itself', () => {
    const { parts, promises, state, addPromise } = setScene();
    const [one, other] = parts.run(() => [
      addPromise(ALICE, BOB),
      addPromise(ALICE, BOB),
    ]) as [Kref, Kref];
    parts.run(() => promises.resolve(one, false, dataOf('#[]', other, one)));
    expect(promises.get(one).refs).toBe(2);
    expect(promises.get(other).refs).toBe(3);
    expect(findInconsistencies(state)).toEqual([]);
  });

  it('that is not in the tables is a defect', () => {
    const { promises } = setScene();
    expect(() => promises.get('kp99' as Kref)).toThrow('no promise kp99');
  });
});

describe('a subscriber', () => {
  it('is told once, however often it asks, and at once what is settled', () => {
    const { parts, promises, addPromise, queueOf } = setScene();
    const kref = parts.run(() => addPromise(ALICE, BOB, CAROL));
    parts.run(() => {
      promises.subscribe(BOB, kref);
      promises.subscribe(BOB, kref);
    });
    expect(promises.get(kref).subscribers).toEqual([BOB]);
    parts.run(() => promises.resolve(kref, false, DONE));
    parts.run(() => promises.subscribe(CAROL, kref));
    expect(promises.get(kref).subscribers).toEqual([]);
    expect(queueOf(BOB)).toEqual([['notify', kref, '']]);
    expect(queueOf(CAROL)).toEqual([['notify', kref, '']]);
  });

  it('that asks no more is not told, and others are', () => {
    const { parts, promises, addPromise } = setScene();
    const kref = parts.run(() => addPromise(ALICE, BOB, CAROL));
    parts.run(() => {
      promises.subscribe(BOB, kref);
      promises.subscribe(CAROL, kref);
      promises.unsubscribe(BOB, kref);
      const row = promises.get(kref);
      promises.unsubscribe(BOB, kref);
      expect(promises.get(kref)).toBe(row);
    });
    expect(promises.get(kref).subscribers).toEqual([CAROL]);
  });
});

describe('whoever decides', () => {
  it('and is gone has all that it was to settle rejected, and nothing else', () => {
    const { parts, promises, state, addPromise } = setScene();
    const [one, two, others] = parts.run(() => [
      addPromise(ALICE, BOB),
      addPromise(ALICE, BOB),
      addPromise(BOB, ALICE),
    ]) as [Kref, Kref, Kref];
    const { incarnation = NaN } = state.vats.get(ALICE) ?? {};
    parts.run(() =>
      parts.losses.begin(ALICE, { incarnation, data: DONE, renamed: [] }),
    );
    expect([one, two, others].map(each => promises.get(each).state)).toEqual([
      'rejected',
      'rejected',
      'unresolved',
    ]);
  });

  it('is another when the kernel says so', () => {
    const { parts, promises, state, addPromise } = setScene();
    const kref = parts.run(() => addPromise(ALICE, BOB));
    parts.run(() => promises.setDecider(kref, BOB));
    expect(promises.get(kref).decider).toBe(BOB);
    expect(state.promisesByDecider.count(ALICE)).toBe(0);
  });

  it('of an answer that nobody waits for has nothing to reject', () => {
    const { parts, promises, addPromise } = setScene();
    const kref = parts.run(() => addPromise(ALICE, BOB));
    parts.run(() => promises.rejectResult(null, 'Error', 'none'));
    parts.run(() => promises.rejectResult(kref, 'TypeError', 'some'));
    const { body } = encodeError('TypeError', 'some');
    expect(promises.get(kref)).toMatchObject({ state: 'rejected', body });
  });
});

describe('what is told together', () => {
  it('is each settled promise that the data leads to, once, in the order of the search', () => {
    const { parts, promises, state, addPromise } = setScene();
    const root = state.vats.get(BOB)?.root as Kref;
    const [one, two, three, open] = parts.run(() =>
      [1, 2, 3, 4].map(() => addPromise(ALICE, BOB)),
    ) as [Kref, Kref, Kref, Kref];
    parts.run(() => {
      promises.resolve(three, true, dataOf('#[]', one));
      promises.resolve(two, false, dataOf('#[]', three, open));
      promises.resolve(one, false, dataOf('#[]', root, two, three));
    });
    const closureOf = (krefs: readonly Kref[]) =>
      promises.closureOf(krefs, () => false);
    expect([...closureOf([one]).together]).toEqual([one, two, three]);
    expect([...closureOf([two, one]).together]).toEqual([two, one, three]);
    expect([...closureOf([]).together]).toEqual([]);
  });

  it('is as much as one notify may count, and not a unit more', () => {
    const [first, second] = [dataOf('#["&0"]', 'kp2' as Kref), DONE];
    const units = weighData(first) + weighData(second);
    const closureWithin = (unitsPerMessage: number) => {
      const { parts } = setBounded({ unitsPerMessage });
      const [one, two] = parts.run(() =>
        ['p+1', 'p+2'].map(vref => parts.clists.addExport(ALICE, vref as Vref)),
      ) as [Kref, Kref];
      parts.run(() => {
        parts.promises.resolve(two, false, second);
        parts.promises.resolve(one, false, first);
      });
      const { together, later } = parts.promises.closureOf([one], () => false);
      return [[...together], [...later]];
    };
    expect(closureWithin(units)).toEqual([['kp1', 'kp2'], []]);
    expect(closureWithin(units - 1)).toEqual([['kp1'], ['kp2']]);
  });
});

describe('a promise with more parked on it than one crank passes on', () => {
  const setParked = () => {
    const scene = setScene();
    const { parts, promises, addPromise } = scene;
    const target = scene.state.vats.get(BOB)?.root as Kref;
    const add = (messages: number): Kref =>
      parts.run(() => {
        const kref = addPromise(ALICE, CAROL);
        promises.subscribe(CAROL, kref);
        for (let nth = 0; nth < messages; nth += 1) {
          park(scene, kref);
        }
        return kref;
      });
    const stateOf = (kref: Kref) => [
      promises.get(kref).state,
      parts.inbox.length(kref),
    ];
    const step = () => parts.run(promises.step);
    return { ...scene, target, add, stateOf, step };
  };

  it.each([
    [false, 'fulfilling', 'fulfilled', 7],
    [true, 'rejecting', 'rejected', 0],
  ] as const)(
    'is settled in steps, and nobody told before the last (rejected: %s)',
    (isRejected, meanwhile, settled, arrived) => {
      const scene = setParked();
      const { parts, promises, state, add, target, stateOf, step } = scene;
      const kref = add(7);
      parts.run(() =>
        promises.resolve(kref, isRejected, dataOf('#"$0"', target)),
      );
      const seen = [stateOf(kref)];
      while (!promises.isDone()) {
        expect(scene.queueOf(CAROL)).toEqual([]);
        step();
        seen.push(stateOf(kref));
      }
      expect(seen).toEqual([
        [meanwhile, 7],
        [meanwhile, 4],
        [meanwhile, 1],
        [settled, 0],
      ]);
      expect(scene.queueOf(CAROL)).toEqual([['notify', kref, '']]);
      expect(scene.queueOf(BOB)).toHaveLength(arrived);
      expect(promises.get(kref).subscribers).toEqual([]);
      expect(findInconsistencies(state)).toEqual([]);
    },
  );

  it('is one on which little is parked too, when its crank has passed on enough', () => {
    const { parts, promises, add, target, stateOf } = setParked();
    const [one, two] = [add(2), add(2)];
    parts.run(() => {
      promises.resolve(one, false, dataOf('#"$0"', target));
      promises.resolve(two, false, dataOf('#"$0"', target));
    });
    expect([stateOf(one), stateOf(two)]).toEqual([
      ['fulfilled', 0],
      ['fulfilling', 2],
    ]);
  });

  it('goes on in the next run, and no other does', () => {
    const { parts, promises, add, target, stateOf, step } = setParked();
    const kref = add(4);
    promises.restore();
    expect(promises.isDone()).toBe(true);
    parts.rehearse(() => {
      promises.resolve(kref, false, dataOf('#"$0"', target));
      expect(promises.isDone()).toBe(false);
    });
    step();
    expect(promises.isDone()).toBe(true);
    parts.run(() => promises.resolve(kref, false, dataOf('#"$0"', target)));
    promises.restore();
    step();
    step();
    expect([promises.isDone(), stateOf(kref)]).toEqual([
      true,
      ['fulfilled', 0],
    ]);
  });

  it('is as it was when the crank that settled it is undone, or is not there', () => {
    const scene = setParked();
    const { parts, promises, add, addPromise, target, stateOf, step } = scene;
    const kref = add(7);
    parts.rehearse(() => {
      const made = addPromise(ALICE, BOB);
      [1, 2, 3, 4].forEach(() => park(scene, made));
      promises.resolve(kref, false, dataOf('#"$0"', target));
      promises.resolve(made, false, dataOf('#"$0"', target));
    });
    step();
    expect([promises.isDone(), stateOf(kref)]).toEqual([
      true,
      ['unresolved', 7],
    ]);
    expect(scene.queueOf(BOB)).toEqual([]);
  });
});

describe('an answer that is too much', () => {
  it('is a rejection, of which the one who decides is told, if there is one', () => {
    const { parts, refused } = setBounded({ unitsPerMessage: 10 });
    const long = dataOf('#"more than ten"');
    const problem = 'the answer has 16 units, more than 10';
    const [one, two] = parts.run(() =>
      ['p+1', 'p+2'].map(vref => parts.clists.addExport(ALICE, vref as Vref)),
    ) as [Kref, Kref];
    parts.run(() => {
      parts.promises.setDecider(two, null);
      parts.promises.resolve(one, false, long);
      parts.promises.resolve(two, false, long);
    });
    const { body } = encodeError('Error', problem);
    for (const kref of [one, two]) {
      expect(parts.promises.get(kref)).toMatchObject({
        state: 'rejected',
        body,
      });
    }
    expect(refused).toEqual([[ALICE, problem]]);
  });
});

describe('the answer to a bootstrap', () => {
  it('is kept with its cluster when it is a rejection', () => {
    const { parts, promises, state, addPromise } = setScene();
    const id = makeClusterId(1);
    const kref = parts.run(() => {
      const made = addPromise(ALICE, BOB);
      parts.bootstraps.expect(id, made);
      return made;
    });
    parts.run(() =>
      promises.resolve(kref, true, encodeError('Error', 'no luck')),
    );
    expect(state.clusters.get(id)).toMatchObject({
      bootstrapResult: null,
      bootstrapProblem: 'no luck',
    });
  });
});
