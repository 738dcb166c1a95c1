import { expect, it } from 'vitest';
import { makeVatId } from '@cooperage/protocol';
import { makeHolds } from './holds.ts';

it('holds each vat until it is released, and tells only who holds it that its heap is made to go', () => {
  const told: (readonly unknown[])[] = [];
  const holds = makeHolds();
  const [one, two] = [makeVatId(1), makeVatId(2)];
  const held = () => [one, two].map(holds.isHeld);
  expect(held()).toEqual([false, false]);
  holds.hold(one, () => told.push(['void', one]));
  expect(held()).toEqual([true, false]);
  holds.void(two);
  holds.void(one);
  expect(told).toEqual([['void', one]]);
  expect(held()).toEqual([true, false]);
  holds.release(one);
  holds.void(one);
  expect(told).toEqual([['void', one]]);
  expect(held()).toEqual([false, false]);
});
