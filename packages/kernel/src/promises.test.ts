import { describe, expect, it } from 'vitest';
import {
  encodeError,
  makeVatId,
  type CapData,
  type EndpointId,
  type Kref,
  type Vref,
} from '@cooperage/protocol';
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
    parts.run(() => parts.losses.begin(ALICE, incarnation, DONE));
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
});
