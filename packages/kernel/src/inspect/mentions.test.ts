import { expect, it } from 'vitest';
import { makeServiceId, type EndpointId, type Kref } from '@cooperage/protocol';
import { makeRandomTables } from '../testing/random-tables.ts';
import { makeMentions } from './mentions.ts';

it('an endpoint is spoken of by its name, and one that is not there any more as gone', () => {
  const { endpoint } = makeMentions(makeRandomTables([]).state);
  const named = ['v1', 's1', makeServiceId('timer'), 'v99', 's99'].map(
    id => endpoint(id as EndpointId).name,
  );
  expect(named).toEqual([
    'demo.alice',
    'console',
    'service timer',
    'gone',
    'gone',
  ]);
});

it('an object is spoken of by its name in home, a root by that of its vat, and others by what they are', () => {
  const { state } = makeRandomTables([]);
  const root = [...state.vats.values()][0]?.root as Kref;
  const [kept, served, purse] = ['ko91', 'ko92', 'ko93'] as [Kref, Kref, Kref];
  state.store.begin();
  const counts = { reachable: 0, recognizable: 0 };
  for (const [kref, owner, iface] of [
    [kept, 'v1', 'Purse'],
    [served, makeServiceId('revocation'), 'alias'],
    [purse, null, 'Purse'],
  ] as const) {
    state.objects.put({ kref, owner: owner as EndpointId, iface, ...counts });
  }
  state.home.put({ name: 'friend', kref: kept });
  state.home.put({ name: 'first', kref: root });
  const { ref } = makeMentions(state);
  expect([kept, root, served, purse, 'kp9' as Kref].map(ref)).toEqual([
    { kref: kept, iface: 'Purse', name: 'friend' },
    { kref: root, iface: null, name: 'demo.alice' },
    { kref: served, iface: 'alias', name: "the kernel's alias" },
    { kref: purse, iface: 'Purse', name: null },
    { kref: 'kp9', iface: null, name: null },
  ]);
});
