import { expect, it } from 'vitest';
import { makeVatId, type Kref } from '@cooperage/protocol';
import { makeNaming } from './naming.ts';
import { makeRandomTables } from './testing/random-tables.ts';

it('an object is found by its kref, a name in home, or its vat, and called what it alleges or is known by', () => {
  const { state, parts } = makeRandomTables([]);
  const rootOf = (nth: number): Kref =>
    state.vats.get(makeVatId(nth))?.root as Kref;
  const [alice, bob] = [rootOf(1), rootOf(2)];
  const naming = makeNaming(state, {
    vatByName: (cluster, vat) => {
      const row = state.vats.get(makeVatId(2));
      if (cluster !== 'demo' || vat !== undefined || !row) {
        throw Error(`there is no ${vat}`);
      }
      return row;
    },
  });
  const add = (kref: Kref, iface: string | null): void =>
    state.objects.put({
      kref,
      owner: null,
      iface,
      reachable: 1,
      recognizable: 1,
    });
  const [purse, kept, plain] = ['ko97', 'ko98', 'ko99'] as [Kref, Kref, Kref];
  parts.rehearse(() => {
    add(purse, 'Purse');
    add(kept, null);
    add(plain, null);
    state.home.put({ name: 'purse', kref: purse });
    state.home.put({ name: 'kept', kref: kept });
    const known = (kref: Kref, name: string) => ({
      kref,
      iface: `Alleged: ${name}`,
    });
    expect([
      naming.krefOf({ kref: alice }),
      naming.krefOf({ kref: purse }),
      naming.krefOf({ kref: kept }),
      naming.krefOf({ kref: plain }),
      naming.krefOf({ home: 'purse' }),
      naming.krefOf({ home: 'kept' }),
      naming.krefOf({ cluster: 'demo' }),
    ]).toEqual([
      known(alice, 'alice'),
      known(purse, 'Purse'),
      known(kept, 'kept'),
      known(plain, 'object'),
      known(purse, 'Purse'),
      known(kept, 'kept'),
      known(bob, 'bob'),
    ]);
  });
  for (const [request, message] of [
    [{ kref: 'ko96' as Kref }, 'There is no object ko96'],
    [{ home: 'no "one"' }, 'Nothing is kept under the name "no \\"one\\""'],
  ] as const) {
    expect(() => naming.krefOf(request)).toThrow(
      expect.objectContaining({ code: 'OBJECT_UNKNOWN', message }),
    );
  }
  expect(() => naming.krefOf({ cluster: 'demo', vat: 'eve' })).toThrow(
    'there is no eve',
  );
});
