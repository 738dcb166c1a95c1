import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeMemoryImage } from '../adapters/memory.ts';
import { makeRig } from '../testing/rig.ts';
import { dataOf, fulfil, send, subscribe } from '../testing/stage.ts';
import { makeServiceStage } from '../testing/service-stage.ts';
import { MOST_DEPTH } from './revocation.ts';

const makeAliasStage = async (names: readonly string[] = ['bob']) => {
  const stage = await makeServiceStage(names, ['revocation'], {
    collectMilliseconds: Infinity,
  });
  const revocation = await stage.refer('revocation');
  return {
    ...stage,
    revocation,
    /** An alias of the target, and what revokes it. */
    alias: async (
      target: string,
    ): Promise<{ ref: string; revoker: string }> => {
      const answer = stage.told(
        await stage.ask(revocation, 'makeRevocable', ['$0'], target),
      );
      const [ref = '', revoker = ''] = answer?.slots ?? [];
      return { ref, revoker };
    },
  };
};

const REVOKED = {
  isRejected: true,
  value: { '#error': expect.stringMatching(/^ko\d+ was revoked$/) },
};

describe('a revocable alias', () => {
  it('passes messages on to its target as they were sent, until it is revoked', async () => {
    const { alias, root, say, ask, told, flight, finish, rig } =
      await makeAliasStage();
    const { ref, revoker } = await alias(root('bob'));
    await say(send(ref, 'hello', [ref]));
    const [, target, { methargs }] = Object(flight('bob'));
    expect({ target, methargs }).toEqual({
      target: 'o+0',
      methargs: dataOf(['hello', ['$0']], 'o-50'),
    });
    await finish('bob');
    await ask(revoker, 'revoke');
    await ask(revoker, 'revoke');
    expect(told(await ask(ref, 'hello'))).toMatchObject(REVOKED);
    expect(rig.vats.get('bob').deliveries.length).toBe(2);
  });

  it('lets answers be sent messages before they are there', async () => {
    const { alias, root, say, told, flight, finish, settle } =
      await makeAliasStage();
    const { ref } = await alias(root('bob'));
    await say(send(ref, 'getThing', [], 'p+90'));
    await say(send('p+90', 'poke', [], 'p+91'), subscribe('p+91'));
    const [, , { result }] = Object(flight('bob'));
    await finish('bob', fulfil(result, dataOf('$0.Alleged: thing', 'o+7')));
    const [, target, { result: second }] = Object(flight('bob'));
    expect(target).toBe('o+7');
    await finish('bob', fulfil(second, dataOf('poked')));
    await settle();
    expect(told('p+91')).toMatchObject({ value: 'poked' });
  });

  it('is cut with its parent, for every holder, and keeps its neighbors', async () => {
    const { alias, root, ask, told, say, flight, finish, rig } =
      await makeAliasStage(['bob', 'carol']);
    const parent = await alias(root('bob'));
    const child = await alias(parent.ref);
    const grandchild = await alias(child.ref);
    const neighbor = await alias(root('bob'));
    await say(send(root('carol'), 'take', [grandchild.ref]));
    const [, , { methargs }] = Object(flight('carol'));
    await finish('carol');
    await ask(parent.revoker, 'revoke');
    expect([
      told(await ask(child.ref, 'hello')),
      told(await ask(grandchild.ref, 'hello')),
    ]).toMatchObject([REVOKED, REVOKED]);
    await say(send(root('carol'), 'try'));
    await finish('carol', send(methargs.slots[0], 'hello', [], 'p+5'));
    expect(rig.vats.get('bob').deliveries.length).toBe(1);
    await say(send(neighbor.ref, 'hello'));
    expect(flight('bob')[0]).toBe('message');
  });

  it('holds its target while it stands for it, and no longer', async () => {
    const { alias, say, ask, client, rig } = await makeAliasStage();
    const { revoker } = await alias('o+33');
    const { state } = rig.kernel;
    const reachable = (): (number | undefined)[] =>
      [...state.objects.values()]
        .filter(({ owner }) => String(owner).startsWith('s'))
        .map(row => row.reachable);
    expect(reachable()).toEqual([1]);
    await ask(revoker, 'revoke');
    expect(reachable()).toEqual([0]);
    const second = await alias('o+34');
    expect(state.aliases.size).toBe(2);
    await say(['dropImports', [second.ref as never]]);
    client.rpc.close();
    await rig.kernel.idle();
    expect(state.aliases.size).toBe(0);
  });

  it('survives restarts, and so does its end', async () => {
    const { alias, root, ask, rig, client } = await makeAliasStage();
    const { ref } = await alias(root('bob'));
    const { ref: cut, revoker } = await alias(root('bob'));
    await ask(revoker, 'revoke');
    await client.rpc.call('keep', { name: 'kept', vref: ref });
    await client.rpc.call('keep', { name: 'cut', vref: cut });
    await rig.kernel.stop();
    const heard: string[] = [];
    const later = makeRig(
      delivery => {
        if (delivery[0] === 'message') {
          heard.push(delivery[2].methargs.body);
        }
        return {};
      },
      { image: makeMemoryImage(rig.image), collectMilliseconds: Infinity },
    );
    const guest = await later.connect();
    for (const name of ['kept', 'cut']) {
      const { vref } = Object(
        await guest.rpc.call('reference', { home: name }),
      );
      guest.send(send(vref, name, [], `p+${heard.length + 1}`));
      await later.kernel.idle();
    }
    expect(heard).toEqual(['#["kept",[]]']);
    await later.kernel.stop();
  });

  it.each([
    ['what is no object', [7], [], /the target is an object/],
    ['a promise', ['&0'], ['p+200'], /the target is a promise: wait for/],
  ])('is not made of %s', async (_title, args, slots, problem) => {
    const { ask, told, revocation } = await makeAliasStage();
    const answer = told(await ask(revocation, 'makeRevocable', args, ...slots));
    expect(Object(answer?.value)['#error']).toMatch(problem);
  });

  it('is made of aliases down to a depth', async () => {
    const { alias, ask, told, root, revocation } = await makeAliasStage();
    let last = root('bob');
    for (let depth = 0; depth < MOST_DEPTH; depth += 1) {
      ({ ref: last } = await alias(last));
    }
    const more = told(await ask(revocation, 'makeRevocable', ['$0'], last));
    expect(more).toMatchObject({
      isRejected: true,
      value: {
        '#error': 'the target is revocable 32 times over already',
        name: 'RangeError',
      },
    });
  });
});

type Alias = {
  readonly ref: string;
  readonly revoker: string;
  readonly parent: Alias | undefined;
  isCut: boolean;
};

const isDead = (alias: Alias | undefined): boolean =>
  alias !== undefined && (alias.isCut || isDead(alias.parent));

/** Some of it is said in one batch with other things, so that several cranks lie between saying and hearing. */
const runProgram = async (
  program: readonly (readonly [number, number])[],
): Promise<void> => {
  const { alias, root, ask, say, told, finish, rig } = await makeAliasStage();
  const aliases: Alias[] = [];
  const pickOne = (number: number): Alias | undefined =>
    aliases[number % aliases.length];
  const expected: string[] = [];
  const rejected: string[] = [];
  for (const [index, [deed, number]] of program.entries()) {
    const picked = pickOne(number);
    const label = `m${index}`;
    if (!picked || deed < 3) {
      const parent = number % 3 === 0 ? undefined : picked;
      const made = await alias(parent?.ref ?? root('bob'));
      aliases.push({ ...made, parent, isCut: false });
    } else if (deed < 5) {
      picked.isCut = true;
      await ask(picked.revoker, 'revoke');
    } else if (deed < 6) {
      // Sent behind the revocation, in one breath with it.
      picked.isCut = true;
      await say(
        send(picked.revoker, 'revoke'),
        subscribe(`p+${1_000 + index}`),
      );
      rejected.push(await ask(picked.ref, label));
    } else if (isDead(picked)) {
      rejected.push(await ask(picked.ref, label));
    } else {
      expected.push(label);
      await say(send(picked.ref, label));
    }
  }
  const bob = rig.vats.get('bob');
  while (bob.isBusy) {
    await finish('bob');
  }
  const heard = bob.deliveries.flatMap(delivery =>
    delivery[0] === 'message'
      ? [JSON.parse(delivery[2].methargs.body.slice(1))[0]]
      : [],
  );
  expect(heard).toEqual(expected);
  expect(rejected.map(told)).toMatchObject(rejected.map(() => REVOKED));
};

/** Programs over aliases: makers, revokers and users at random. */
describe('programs over aliases', () => {
  it('reach what is not revoked, and never what is (4)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(9), fc.nat(50)), {
          minLength: 5,
          maxLength: 40,
        }),
        runProgram,
      ),
      { numRuns: 40 },
    );
  });
});
