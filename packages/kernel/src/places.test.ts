import { describe, expect, it } from 'vitest';
import { makeVatId, type VatId } from '@cooperage/protocol';
import { makePlaces } from './places.ts';
import { makeManualClock } from './testing/manual-clock.ts';

const setScene = (most: number, quick: readonly number[] = []) => {
  const { clock, advance, waits } = makeManualClock();
  const flights = new Map<VatId, object>();
  let offers = 0;
  const places = makePlaces({
    most,
    longMilliseconds: 20,
    flights: () => flights,
    isQuick: vat => quick.some(each => makeVatId(each) === vat),
    after: (milliseconds, callback) => {
      clock.after(milliseconds, callback);
    },
    onPlace: () => {
      offers += 1;
    },
  });
  return {
    /** For a vat that is not quick, unless another is named. */
    isPlace: (vat = 99) => places.isPlace(makeVatId(vat)),
    advance,
    waits,
    offers: () => offers,
    fly: (...vats: number[]): void =>
      vats.forEach(vat => flights.set(makeVatId(vat), {})),
    land: (...vats: number[]): void =>
      vats.forEach(vat => flights.delete(makeVatId(vat))),
  };
};

describe('places', () => {
  it('are so many, and one more for each delivery that lasts long while another waits', () => {
    const { isPlace, fly, land, advance, waits, offers } = setScene(2);
    expect(isPlace()).toBe(true);
    fly(1);
    expect(isPlace()).toBe(true);
    fly(2);
    expect([isPlace(), isPlace()]).toEqual([false, false]);
    expect(waits()).toEqual([20]);
    land(2);
    fly(2); // another one
    advance(20);
    expect([offers(), isPlace()]).toEqual([1, true]);
    fly(3);
    expect(isPlace()).toBe(false);
    advance(20);
    expect([offers(), isPlace()]).toEqual([2, true]);
    fly(4, 5);
    expect(isPlace()).toBe(false);
    land(1, 2, 3);
    expect(isPlace()).toBe(false);
    land(4);
    expect(isPlace()).toBe(true);
  });

  it('are one more where one vat of all in flight is quick', () => {
    const { isPlace, fly, land, waits } = setScene(2, [7, 8]);
    fly(1, 2);
    expect([isPlace(7), isPlace()]).toEqual([true, false]);
    expect(waits()).toEqual([20]);
    fly(7);
    expect([isPlace(8), isPlace()]).toEqual([false, false]);
    land(1);
    expect([isPlace(8), isPlace()]).toEqual([false, true]);
    land(2);
    fly(8);
    expect([isPlace(1), isPlace(7)]).toEqual([false, false]);
    land(7);
    expect([isPlace(1), isPlace(7)]).toEqual([true, true]);
  });

  it('are none more for or because of a quick vat whose delivery counts no more', () => {
    const { isPlace, fly, land, advance } = setScene(2, [7, 8]);
    fly(1, 7);
    expect(isPlace(8)).toBe(false);
    land(1);
    advance(20);
    fly(1, 2);
    expect([isPlace(3), isPlace(8)]).toEqual([false, true]);
  });

  it('are one also for quick vats where that is all', () => {
    const { isPlace, fly } = setScene(1, [7]);
    fly(1);
    expect(isPlace(7)).toBe(false);
  });

  it('are one for one delivery after the other, however long it lasts', () => {
    const { isPlace, fly, land, waits } = setScene(1);
    expect(isPlace()).toBe(true);
    fly(1);
    expect(isPlace()).toBe(false);
    expect(waits()).toEqual([]);
    land(1);
    expect(isPlace()).toBe(true);
  });
});
