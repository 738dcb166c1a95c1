import { makeVatId } from '@cooperage/protocol';
import { expect, it } from 'vitest';
import { makePace } from './pace.ts';

const [ONE, TWO] = [makeVatId(1), makeVatId(2)];

it('is quick for three slow deliveries behind a quick one', () => {
  let time = 100;
  const pace = makePace({ now: () => time, quickMilliseconds: 5 });
  const deliver = (milliseconds: number): boolean[] => {
    pace.begin(ONE);
    time += milliseconds;
    pace.end(ONE);
    return [ONE, TWO].map(pace.isQuick);
  };
  expect(pace.isQuick(ONE)).toBe(false);
  expect(deliver(5)).toEqual([false, false]);
  expect(deliver(4.9)).toEqual([true, false]);
  expect(deliver(5)).toEqual([true, false]);
  expect(deliver(4)).toEqual([true, false]);
  for (const slow of [50, 6, 5]) {
    expect(deliver(slow)).toEqual([true, false]);
  }
  expect(deliver(50)).toEqual([false, false]);
  expect(deliver(50)).toEqual([false, false]);
  expect(deliver(0)).toEqual([true, false]);
  for (let nth = 0; nth < 5; nth += 1) {
    pace.end(ONE); // nothing was in flight
  }
  expect(pace.isQuick(ONE)).toBe(true);
  pace.forget(TWO);
  expect(pace.isQuick(ONE)).toBe(true);
  pace.begin(ONE);
  pace.forget(ONE);
  expect(pace.isQuick(ONE)).toBe(false);
  pace.end(ONE);
  expect(pace.isQuick(ONE)).toBe(false);
});

it('is never quick where nothing can be', () => {
  const pace = makePace({ now: () => 7, quickMilliseconds: 0 });
  pace.begin(ONE);
  pace.end(ONE);
  expect(pace.isQuick(ONE)).toBe(false);
});
