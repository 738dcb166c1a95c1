import { describe, expect, it } from 'vitest';
import type { Syscall } from '@cooperage/protocol';
import { makeServiceStage } from '../testing/service-stage.ts';
import { dataOf, end, send, vref } from '../testing/stage.ts';

/** A message whose argument alleges what it is. */
const tell = (target: string, thing: string, iface: string): Syscall => [
  'send',
  vref(target),
  {
    methargs: dataOf(['take', [`$0.Alleged: ${iface}`]], thing),
    result: null,
  },
];

/** Alice and bob, and aliases of their objects that the console makes, gives away and lets go of. */
const setScene = async () => {
  const stage = await makeServiceStage(['alice', 'bob'], ['revocation'], {
    collectMilliseconds: Infinity,
  });
  const revocation = await stage.refer('revocation');
  /** Gives what revokes it. */
  const giveAlias = async (
    from: string,
    to: string,
    thing: string,
  ): Promise<string> => {
    await stage.say(send(stage.root(from), 'give', ['o+1']));
    const [listener] = Object(stage.flight(from)[2]).methargs.slots;
    await stage.finish(from, tell(listener, thing, thing));
    const given = stage.client.deliveries.findLast(
      ([kind]) => kind === 'message',
    );
    const [object] = Object(given?.[2]).methargs.slots;
    const made = await stage.ask(revocation, 'makeRevocable', ['$0'], object);
    const [alias = '', revoker = ''] = stage.told(made)?.slots ?? [];
    await stage.say(send(stage.root(to), 'take', [alias]));
    await stage.finish(to);
    await stage.say(['dropImports', [vref(object), vref(alias)]]);
    return revoker;
  };
  const krefOf = (thing: string): string =>
    [...stage.rig.kernel.state.objects.values()].find(
      ({ iface }) => iface === thing,
    )?.kref ?? '';
  return {
    ...stage,
    giveAlias,
    inspect: (thing: string) =>
      stage.client.rpc.call('inspect', { kref: krefOf(thing) }),
    lifeOf: async (thing: string) =>
      Object(await stage.client.rpc.call('inspect', { kref: krefOf(thing) }))
        .life,
    cycles: async () =>
      Object(await stage.client.rpc.call('cycles', {})).cycles.items,
  };
};

const alice = { name: 'demo.alice' };
const bob = { name: 'demo.bob' };
const alias = { name: "the kernel's alias" };

describe('a revocable alias', () => {
  it('keeps alive what it stands for because of who holds the alias, until it is revoked', async () => {
    const stage = await setScene();
    const revoker = await stage.giveAlias('alice', 'bob', 'o+7');
    expect(await stage.lifeOf('o+7')).toMatchObject({
      state: 'held',
      chain: [
        { holder: { by: 'clist', endpoint: bob }, held: alias },
        { holder: { by: 'service', object: alias }, held: { iface: 'o+7' } },
      ],
      mayBeFor: { items: [bob] },
    });
    expect(await stage.inspect('alias')).toMatchObject({
      exporter: { name: 'service revocation' },
      exportedAs: null,
      name: "the kernel's alias",
    });
    await stage.ask(revoker, 'revoke');
    expect(await stage.lifeOf('o+7')).toEqual({ state: 'unheld' });
    await end(stage);
  });

  it('is part of a cycle when two vats hold aliases of each other’s objects', async () => {
    const stage = await setScene();
    await stage.giveAlias('alice', 'bob', 'o+7');
    expect(await stage.cycles()).toEqual([]);
    const revoker = await stage.giveAlias('bob', 'alice', 'o+8');
    const [found, ...others] = await stage.cycles();
    expect(others).toEqual([]);
    const nameOf = ({ by, vat, held }: Record<string, { name: string }>) =>
      JSON.stringify([by, vat?.name, Object(held).iface]);
    const edges = [...found.edges.items].sort((one, other) =>
      nameOf(one) < nameOf(other) ? -1 : 1,
    );
    expect(edges).toMatchObject([
      { by: 'alias', alias, held: { iface: 'o+7' } },
      { by: 'alias', alias, held: { iface: 'o+8' } },
      { by: 'clist', vat: alice, held: alias },
      { by: 'clist', vat: bob, held: alias },
    ]);
    expect(found).toMatchObject({
      alsoHeldBy: { items: [] },
      isGarbage: false,
    });
    const { vref: name } = Object(
      await stage.client.rpc.call('reference', { kref: edges[3].held.kref }),
    );
    expect(await stage.cycles()).toEqual([]); // a root holds one of the aliases
    await stage.say(['dropImports', [name]]);
    expect(await stage.cycles()).toHaveLength(1);
    await stage.ask(revoker, 'revoke');
    expect(await stage.cycles()).toEqual([]);
    await end(stage);
  });
});
