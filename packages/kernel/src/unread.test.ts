import { expect, it } from 'vitest';
import { weighDelivery, type Delivery, type Vref } from '@cooperage/protocol';
import { makeUnread } from './unread.ts';

it('what a client has not read counts until it has, the oldest first', () => {
  const unread = makeUnread();
  const deliveries = ['o-1', 'o-2', 'o-3'].map((vref, nth): Delivery => [
    'message',
    vref as Vref,
    {
      methargs: { body: 'x'.repeat(10 * (nth + 1)), slots: [] },
      result: null,
    },
  ]);
  const [first = 0, second = 0, third = 0] = deliveries.map(each =>
    weighDelivery(each),
  );
  deliveries.forEach(unread.add);
  expect(unread.units()).toBe(first + second + third);
  unread.acknowledge(2);
  expect(unread.units()).toBe(third);
  unread.acknowledge(0);
  expect(unread.units()).toBe(third);
  unread.acknowledge(7);
  expect(unread.units()).toBe(0);
});
