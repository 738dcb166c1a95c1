import { expect, test } from 'vitest';
import { firstOrder, ordersOf, type Orderable } from './vat-orders.ts';

const textsOf = (vat: Orderable) => ordersOf(vat).map(({ text }) => text);

const AT_WORK = ['Restart', 'Pause', 'Suspend'];
const PAUSED = ['Go on', 'Restart', 'Suspend'];
const PAUSED_BY_OTHERS = ['Go on', 'Keep paused', 'Restart', 'Suspend'];
const reason = 'it looped';

test.each<[string, Orderable, readonly string[]]>([
  ['is being launched', { state: 'launching' }, []],
  ['is asleep', { state: 'asleep' }, ['Start', 'Pause', 'Suspend']],
  ['runs', { state: 'running' }, AT_WORK],
  ['a person has paused', { state: 'paused', stoppedBy: 'person' }, PAUSED],
  [
    'its maker has paused',
    { state: 'paused', stoppedBy: 'maker' },
    PAUSED_BY_OTHERS,
  ],
  [
    'a person has suspended',
    { state: 'suspended', stoppedBy: 'person', reason },
    ['Resume'],
  ],
  [
    'its maker has suspended',
    { state: 'suspended', stoppedBy: 'maker', reason },
    ['Resume', 'Keep suspended'],
  ],
  [
    'the kernel has suspended',
    { state: 'suspended', stoppedBy: 'kernel', reason },
    ['Resume', 'Keep suspended'],
  ],
  [
    'was suspended by nobody knows whom',
    { state: 'suspended', reason },
    ['Resume', 'Keep suspended'],
  ],
  ['has failed', { state: 'failed', reason }, ['Restart']],
])(
  'a vat that %s can have done to it what the kernel does',
  (_, vat, texts) => {
    expect(textsOf(vat)).toEqual(texts);
  },
);

test.each<[string, Omit<Orderable, 'state'>, readonly string[]]>([
  ['ran', {}, AT_WORK],
  ['was paused by a person', { stoppedBy: 'person' }, PAUSED],
  ['was paused by its maker', { stoppedBy: 'maker' }, PAUSED_BY_OTHERS],
  [
    'was suspended by the kernel',
    { stoppedBy: 'kernel', reason },
    ['Resume', 'Keep suspended'],
  ],
  ['had failed', { reason }, ['Restart']],
])(
  'a vat that %s is given the same orders while it is upgraded, and none in its line',
  (_, vat, texts) => {
    const upgrading: Orderable = { ...vat, state: 'upgrading' };
    expect([textsOf(upgrading), firstOrder(upgrading)]).toEqual([
      texts,
      undefined,
    ]);
  },
);

test('what a person should see to has in its line the first of its orders', () => {
  const states = [
    'paused',
    'suspended',
    'failed',
    'running',
    'asleep',
  ] as const;
  expect(
    states.map(state => [firstOrder({ state }), ordersOf({ state })[0]]),
  ).toEqual(
    states.map(state => {
      const [first] = ordersOf({ state });
      const isUrgent = state !== 'running' && state !== 'asleep';
      return [isUrgent ? first : undefined, first];
    }),
  );
});
