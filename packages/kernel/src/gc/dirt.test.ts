import { describe, expect, it } from 'vitest';
import { makeVatId } from '@cooperage/protocol';
import { makeDirt } from './dirt.ts';

const [ALICE, BOB] = [makeVatId(1), makeVatId(2)];

const LATE = 10_000;

const setScene = () => {
  const clock = { now: 1_000 };
  const dirt = makeDirt(
    { references: 10, few: 2, deliveries: 3, milliseconds: LATE },
    () => clock.now,
  );
  return { clock, dirt };
};

describe('a vat at work', () => {
  it('is to be reaped after so many references, or so many deliveries, and not before', () => {
    const { dirt } = setScene();
    expect(dirt.count(ALICE, 9)).toBe(false);
    expect(dirt.count(ALICE, 1)).toBe(true);
    expect([1, 2, 3].map(() => dirt.count(BOB, 0))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('begins anew with each reap', () => {
    const { dirt } = setScene();
    dirt.count(ALICE, 10);
    dirt.reapBegins(ALICE);
    dirt.reapEnds(ALICE);
    expect(dirt.isDirty(ALICE)).toBe(false);
    expect(dirt.count(ALICE, 9)).toBe(false);
    expect(dirt.isDirty(ALICE)).toBe(true);
    expect(dirt.count(ALICE, 0)).toBe(false);
    expect(dirt.count(ALICE, 0)).toBe(true);
  });

  it('rests after a reap for twenty times as long as that took', () => {
    const { clock, dirt } = setScene();
    dirt.reapBegins(ALICE);
    clock.now += 5;
    dirt.reapEnds(ALICE);
    expect(dirt.isRested(ALICE)).toBe(false);
    clock.now += 99;
    expect([dirt.isRested(ALICE), dirt.count(ALICE, 10)]).toEqual([
      false,
      false,
    ]);
    clock.now += 1;
    expect([dirt.isRested(ALICE), dirt.count(ALICE, 0)]).toEqual([true, true]);
    expect(dirt.isRested(BOB)).toBe(true);
  });
});

describe('a vat that has had a delivery', () => {
  it('is overdue so long after the first since its last reap, however many follow', () => {
    const { clock, dirt } = setScene();
    clock.now += LATE;
    expect(dirt.isOverdue(ALICE)).toBe(false);
    dirt.count(ALICE, 2);
    clock.now += LATE - 1;
    dirt.count(ALICE, 1);
    expect(dirt.isOverdue(ALICE)).toBe(false);
    clock.now += 1;
    expect(dirt.isOverdue(ALICE)).toBe(true);
    dirt.reapBegins(ALICE);
    dirt.reapEnds(ALICE);
    clock.now += LATE;
    expect(dirt.isOverdue(ALICE)).toBe(false);
    dirt.count(ALICE, 0);
    expect(dirt.isOverdue(ALICE)).toBe(false);
  });

  it('is overdue after three times as long if it has got few references since its last reap, or none', () => {
    const { clock, dirt } = setScene();
    dirt.count(ALICE, 0);
    expect(dirt.overdueAt(ALICE)).toBe(clock.now + 3 * LATE);
    clock.now += 3 * LATE - 1;
    dirt.count(ALICE, 1);
    expect(dirt.isOverdue(ALICE)).toBe(false);
    dirt.count(ALICE, 1);
    expect(dirt.isOverdue(ALICE)).toBe(true);
    dirt.count(BOB, 0, true); // was told of garbage
    dirt.count(BOB, 0);
    expect(dirt.overdueAt(BOB)).toBe(clock.now + LATE);
    dirt.reapBegins(ALICE);
    dirt.reapEnds(ALICE);
    expect(dirt.overdueAt(ALICE)).toBe(Infinity);
  });

  it('is due when it was told of garbage, has got many references, or some and its last reap was long ago', () => {
    const { clock, dirt } = setScene();
    const isDue = (): boolean => dirt.isDue(ALICE);
    const reap = (): void => {
      dirt.reapBegins(ALICE);
      dirt.reapEnds(ALICE);
    };
    expect(isDue()).toBe(false);
    dirt.count(ALICE, 0);
    expect(isDue()).toBe(false);
    dirt.count(ALICE, 1); // and it never was reaped
    expect(isDue()).toBe(true);
    reap();
    dirt.count(ALICE, 1);
    clock.now += 3 * LATE - 1;
    expect(isDue()).toBe(false);
    clock.now += 1;
    expect(isDue()).toBe(true);
    reap();
    dirt.count(ALICE, 2);
    expect(isDue()).toBe(true);
    reap();
    dirt.count(ALICE, 0, true);
    expect(isDue()).toBe(true);
    reap();
    expect(isDue()).toBe(false);
  });

  it('is overdue so long after a reap that is to be tried again', () => {
    const { clock, dirt } = setScene();
    dirt.count(ALICE, 0);
    dirt.reapBegins(ALICE);
    dirt.reapEnds(ALICE);
    dirt.owe(ALICE);
    clock.now += LATE - 1;
    dirt.count(ALICE, 0);
    expect(dirt.isOverdue(ALICE)).toBe(false);
    clock.now += 1;
    expect(dirt.isOverdue(ALICE)).toBe(true);
  });
});

describe('a vat whose reap may not have found all', () => {
  it('owes another one, three times in a row and no more', () => {
    const { dirt } = setScene();
    expect(dirt.owes(ALICE)).toBe(false);
    const owed = [1, 2, 3, 4].map(() => {
      dirt.owe(ALICE);
      const owes = dirt.owes(ALICE);
      dirt.reapEnds(ALICE);
      return [owes, dirt.owes(ALICE)];
    });
    expect(owed).toEqual([
      [true, false],
      [true, false],
      [true, false],
      [false, false],
    ]);
    dirt.count(ALICE, 0);
    dirt.owe(ALICE);
    expect(dirt.owes(ALICE)).toBe(true);
  });
});

describe('dirt', () => {
  it('is gone with the heap', () => {
    const { dirt } = setScene();
    dirt.count(ALICE, 9);
    dirt.owe(BOB);
    expect([...dirt.vats()]).toEqual([ALICE, BOB]);
    dirt.forget(ALICE);
    dirt.forget(BOB);
    expect([...dirt.vats()]).toEqual([]);
    expect([dirt.isDirty(ALICE), dirt.owes(BOB)]).toEqual([false, false]);
    expect(dirt.count(ALICE, 1)).toBe(false);
  });
});
