import { expect, it } from 'vitest';
import { makeVatId, type Kref, type Vref } from '@cooperage/protocol';
import { makeRandomTables } from '../testing/random-tables.ts';
import { slotsHeldBy } from './refcounts.ts';

const ALICE = makeVatId(1);

/** An object and a promise of alice's, held once more than by her. */
const setScene = () => {
  const { parts, state } = makeRandomTables([]);
  const { refcounts } = parts;
  const [object, promise] = parts.run(() => {
    const made = ['o+7', 'p+7'].map(vref =>
      parts.clists.addExport(ALICE, vref as Vref),
    ) as [Kref, Kref];
    made.forEach(refcounts.hold);
    return made;
  });
  /** What is to be looked at after that. */
  const after = (...deeds: readonly (() => void)[]) =>
    parts.rehearse(() => {
      refcounts.fallen.clear();
      refcounts.lessHeld.clear();
      deeds.forEach(deed => deed());
      return [[...refcounts.fallen], [...refcounts.lessHeld]];
    });
  return { state, refcounts, object, promise, after };
};

it('a count that falls to nothing has its object or promise looked at, and no other change of it does', () => {
  const { refcounts, object, promise, after } = setScene();
  expect(after(() => refcounts.hold(object))).toEqual([[], []]);
  expect(after(() => refcounts.hold(promise))).toEqual([[], []]);
  expect(after(() => refcounts.release(object))).toEqual([[object], []]);
  expect(after(() => refcounts.release(promise))).toEqual([[], [promise]]);
  expect(
    after(
      () => refcounts.release(promise),
      () => refcounts.lessHeld.clear(),
      () => refcounts.release(promise),
    ),
  ).toEqual([[promise], []]);
  expect(after(() => refcounts.becomeReachable(object))).toEqual([[], []]);
  expect(after(() => refcounts.becomeUnreachable(object))).toEqual([
    [object],
    [],
  ]);
});

it('what is suspected is looked at, a promise also as one of a cycle', () => {
  const { refcounts, object, promise, after } = setScene();
  expect(after(() => refcounts.suspect(object))).toEqual([[object], []]);
  expect(after(() => refcounts.suspect(promise))).toEqual([
    [promise],
    [promise],
  ]);
});

it('to hold what is not in the tables is a defect', () => {
  const { refcounts } = setScene();
  expect(() => refcounts.hold('ko99' as Kref)).toThrow('no object ko99');
  expect(() => refcounts.release('kp99' as Kref)).toThrow('no promise kp99');
});

it('a promise holds what its data names, and not itself', () => {
  const kref = 'kp1' as Kref;
  const others = ['ko1', 'kp2'] as Kref[];
  expect(slotsHeldBy({ kref, slots: others })).toEqual(others);
  expect(slotsHeldBy({ kref, slots: [kref, ...others] })).toEqual(others);
});
