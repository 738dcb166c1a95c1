import { describe, expect, it } from 'vitest';
import { makeVatId, type VatId } from '@cooperage/protocol';
import { makeSolitude } from './solitude.ts';
import { makeManualClock } from './testing/manual-clock.ts';

const [SUSPECT, OTHER, THIRD] = [makeVatId(1), makeVatId(2), makeVatId(3)];

/** Suspects and others fly as the test says; a suspect is alone for a second after its first loss. */
const setScene = () => {
  const { clock, advance, waits } = makeManualClock();
  const suspects = new Map<VatId, number>();
  const flying = new Set<VatId>();
  const wanting = new Set<VatId>();
  let offers = 0;
  const { isLetIn } = makeSolitude({
    milliseconds: 1_000,
    suspects: () => suspects,
    isInFlight: vat => flying.has(vat),
    inFlight: () => flying.size,
    isInWant: vat => wanting.has(vat) && !flying.has(vat),
    now: clock.now,
    after: clock.after,
    onOver: () => {
      offers += 1;
    },
  });
  return {
    suspects,
    flying,
    wanting,
    isLetIn,
    advance,
    waits,
    offers: () => offers,
  };
};

describe('a suspect', () => {
  it('is let in when nobody else flies, and is alone until its time is up', () => {
    const { suspects, flying, isLetIn, advance, waits, offers } = setScene();
    expect(isLetIn(OTHER)).toBe(true);
    suspects.set(SUSPECT, 1);
    expect(isLetIn(SUSPECT)).toBe(true);
    flying.add(SUSPECT);
    expect([isLetIn(OTHER), isLetIn(THIRD)]).toEqual([false, false]);
    expect(waits()).toEqual([1_000]);
    advance(999);
    expect([isLetIn(OTHER), offers()]).toEqual([false, 0]);
    advance(1);
    expect([isLetIn(OTHER), offers()]).toEqual([true, 1]);
    expect(waits()).toEqual([]);
  });

  it('waits for those that fly, which none joins, and flies beside them when they do not end', () => {
    const { suspects, flying, wanting, isLetIn, advance, offers } = setScene();
    suspects.set(SUSPECT, 1);
    wanting.add(SUSPECT);
    flying.add(OTHER);
    expect([isLetIn(SUSPECT), isLetIn(THIRD)]).toEqual([false, false]);
    advance(1_000);
    expect(offers()).toBe(1);
    expect([isLetIn(SUSPECT), isLetIn(THIRD)]).toEqual([true, true]);
  });

  it('is waited for only while it wants to fly', () => {
    const { suspects, flying, wanting, isLetIn, waits } = setScene();
    suspects.set(SUSPECT, 1);
    flying.add(OTHER);
    expect([isLetIn(THIRD), waits()]).toEqual([true, []]);
    wanting.add(SUSPECT);
    expect(isLetIn(THIRD)).toBe(false);
  });

  it('has six times as long with each further loss', () => {
    const { suspects, flying, isLetIn, advance } = setScene();
    suspects.set(SUSPECT, 3);
    expect(isLetIn(SUSPECT)).toBe(true);
    flying.add(SUSPECT);
    expect(isLetIn(OTHER)).toBe(false);
    advance(35_999);
    expect(isLetIn(OTHER)).toBe(false);
    advance(1);
    expect(isLetIn(OTHER)).toBe(true);
  });

  it('waits for another one as long as that flies', () => {
    const { suspects, flying, isLetIn, advance } = setScene();
    suspects.set(SUSPECT, 1).set(OTHER, 1);
    expect(isLetIn(SUSPECT)).toBe(true);
    flying.add(SUSPECT);
    advance(100_000);
    expect(isLetIn(OTHER)).toBe(false);
    flying.delete(SUSPECT);
    expect(isLetIn(OTHER)).toBe(true);
  });

  it('waits anew after others were let in, or when there was no suspect', () => {
    const { suspects, flying, wanting, isLetIn, advance } = setScene();
    suspects.set(SUSPECT, 1);
    wanting.add(SUSPECT);
    flying.add(OTHER);
    expect(isLetIn(SUSPECT)).toBe(false);
    advance(900);
    wanting.clear();
    expect(isLetIn(THIRD)).toBe(true);
    wanting.add(SUSPECT);
    advance(100);
    expect(isLetIn(SUSPECT)).toBe(false);
    advance(900);
    suspects.clear();
    expect(isLetIn(THIRD)).toBe(true);
    suspects.set(SUSPECT, 1);
    advance(100);
    expect(isLetIn(SUSPECT)).toBe(false);
    advance(1_000);
    expect(isLetIn(SUSPECT)).toBe(true);
  });

  it('has one timer, for the first end that is waited for', () => {
    const { suspects, flying, wanting, isLetIn, waits, advance, offers } =
      setScene();
    suspects.set(SUSPECT, 2).set(OTHER, 1);
    wanting.add(SUSPECT).add(OTHER);
    flying.add(THIRD);
    expect(isLetIn(SUSPECT)).toBe(false);
    expect(isLetIn(OTHER)).toBe(false);
    expect(waits()).toEqual([1_000]);
    expect(isLetIn(SUSPECT)).toBe(false);
    expect(waits()).toEqual([1_000]);
    advance(1_000);
    expect(offers()).toBe(1);
    expect(isLetIn(SUSPECT)).toBe(false);
    expect(waits()).toEqual([5_000]);
  });
});
