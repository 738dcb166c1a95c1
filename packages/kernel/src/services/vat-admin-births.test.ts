import { describe, expect, it } from 'vitest';
import {
  heard,
  holdStartsOf,
  makeAdminStage,
  problemIn,
  until,
} from '../testing/admin-stage.ts';
import type { Behavior } from '../testing/raw-vats.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import { call } from '../testing/service-stage.ts';
import { answerStart, settle, subscribe } from '../testing/stage.ts';

/** What is asked of the vats' storage from now on, and an answer to it that a test may give later. */
const setScene = async (
  behave: Behavior = holdStartsOf('kid'),
  options: Parameters<typeof makeAdminStage>[1] = {},
) => {
  const asked: string[] = [];
  let reserve = (): Promise<void> => Promise.resolve();
  const stage = await makeAdminStage(
    { vats: 1 },
    {
      ...options,
      behave,
      wrap: platform => ({
        ...platform,
        stores: {
          ...platform.stores,
          reserve: files => {
            asked.push(`reserve ${files}`);
            return reserve();
          },
          delete: vat => {
            asked.push(`delete ${vat}`);
            platform.stores.delete(vat);
          },
        },
      }),
    },
  );
  asked.length = 0;
  const { ask, admin } = stage;
  return {
    ...stage,
    asked,
    /** Nothing is reserved until that is called. */
    holdRoom: () => {
      let answer = { resolve: () => {}, reject: (_: Error) => {} };
      reserve = () =>
        new Promise((resolve, reject) => {
          answer = { resolve, reject };
        });
      return {
        give: () => answer.resolve(),
        refuse: (problem: string) => answer.reject(Error(problem)),
      };
    },
    order: () => ask(admin, 'createVat', ['helper', { name: 'kid' }]),
    isStarted: () => stage.rig.vats.all.some(({ label }) => label === 'kid'),
  };
};

describe('the room for the file of a vat that is being made', () => {
  it('is there before the vat starts, and stays when it is made', async () => {
    const { asked, holdRoom, order, told, isStarted, vatNamed } =
      await setScene(answerStart);
    const room = holdRoom();
    const answer = await order();
    expect([asked, isStarted()]).toEqual([['reserve 1'], false]);
    room.give();
    expect(await heard(told, answer)).toMatchObject({ isRejected: false });
    expect([asked, vatNamed('kid')?.id]).toEqual([['reserve 1'], 'v4']);
  });

  it('is not there: the vat is not made, and its maker hears why', async () => {
    const { asked, holdRoom, order, told, isStarted, count } = await setScene();
    const room = holdRoom();
    const answer = await order();
    room.refuse('the disk is full');
    expect(problemIn(await heard(told, answer))).toBe(
      'vat kid was not made: there is no room: Error: the disk is full',
    );
    expect([asked, isStarted(), count()]).toMatchObject([
      ['reserve 1'],
      false,
      { births: 0, quotas: [[0, 0]] },
    ]);
  });

  it.each([
    ['fails as it starts', true],
    ['has nobody any more who waits for it', false],
  ])('is given back when it %s', async (_what, isFailing) => {
    const { asked, order, told, vat, client, isHeld, count } = await setScene();
    const answer = await order();
    await until(() => isHeld('kid'));
    if (isFailing) {
      vat('kid').finish({ outcome: { ok: false, problem: 'no root' } });
      expect(problemIn(await heard(told, answer))).toMatch(/no root/);
    } else {
      client.rpc.close();
      await settle();
    }
    expect([asked, count().births]).toEqual([['reserve 1', 'delete v4'], 0]);
  });

  it('is given back when nobody waits for the vat any more by the time it is there', async () => {
    const { asked, holdRoom, order, client, isStarted, rig } = await setScene();
    const room = holdRoom();
    await order();
    client.rpc.close();
    await settle();
    expect(asked).toEqual(['reserve 1']);
    room.give();
    await settle();
    expect([asked, isStarted(), rig.kernel.status().state]).toEqual([
      ['reserve 1', 'delete v4'],
      false,
      'running',
    ]);
  });

  it('is refused when nobody waits for the vat any more, and nothing comes of it', async () => {
    const { asked, holdRoom, order, client, rig, count } = await setScene();
    const room = holdRoom();
    await order();
    client.rpc.close();
    await settle();
    room.refuse('the disk is full');
    await settle();
    expect([asked, rig.kernel.status().state, count()]).toMatchObject([
      ['reserve 1'],
      'running',
      { births: 0, quotas: [[0, 0]] },
    ]);
  });

  it('is not made for a vat whose cluster ends before its row is committed', async () => {
    // By a clock that stands still, a commit waits for what has just begun.
    const { asked, admin, client, count, isStarted, say, root } =
      await setScene(undefined, {
        clock: makeManualClock().clock,
        holdMilliseconds: 1,
      });
    await say(call(root('alice'), 'work'));
    await say(call(admin, 'createVat', ['helper', { name: 'kid' }]));
    expect(count().births).toBe(1);
    await client.rpc.call('terminate', { cluster: 'demo' });
    await settle();
    expect([asked, isStarted(), count().births]).toEqual([
      ['delete v1', 'delete v2', 'delete v3'],
      false,
      0,
    ]);
  });
});

describe('a vat that is being made', () => {
  it('is made also when others end meanwhile', async () => {
    const { order, told, vat, client, isHeld } = await setScene();
    const answer = await order();
    await until(() => isHeld('kid'));
    await client.rpc.call('terminate', { cluster: 'demo', vat: 'bob' });
    vat('kid').finish();
    expect(await heard(told, answer)).toMatchObject({ isRejected: false });
  });

  it.each([
    ['is made', {}, ['kid']],
    [
      'comes to nothing',
      { outcome: { ok: false, problem: 'no root' } } as const,
      [],
    ],
  ])(
    '%s also when nobody wants an answer',
    async (_what, deed, there: readonly string[]) => {
      const { say, admin, vat, isHeld, count, rig } = await setScene();
      await say(call(admin, 'createVat', ['helper', { name: 'kid' }]));
      await until(() => isHeld('kid'));
      vat('kid').finish(deed);
      await until(() => count().births === 0);
      expect([count().vats, rig.kernel.status().state]).toEqual([
        ['boot', 'alice', 'bob', ...there],
        'running',
      ]);
    },
  );

  it.each([
    ['meanwhile', false],
    ['in the crank in which it asks', true],
  ])(
    'is made for nobody when who has asked for it ends %s, and others who wait for it hear why',
    async (_when, isAtOnce) => {
      const { say, root, admin, finish, vat, isHeld, count } = await setScene();
      const exit = ['exit', false, { body: '#null', slots: [] }] as const;
      await say(
        call(root('alice'), 'take', ['$0', '$1'], null, admin, root('bob')),
      );
      await finish(
        'alice',
        call('o-50', 'createVat', ['helper', { name: 'kid' }], 'p+9', 'o-50'),
        call('o-51', 'hear', ['&0'], null, 'p+9'),
        ...(isAtOnce ? [exit] : []),
      );
      await until(() => isHeld('bob'));
      await finish('bob', subscribe('p-50'));
      if (!isAtOnce) {
        await until(() => isHeld('kid'));
        await say(call(root('alice'), 'end'));
        await finish('alice', exit);
      }
      const [[, isRejected, { body }] = []] = Object(
        vat('bob').deliveries.at(-1),
      )[1];
      expect([isRejected, JSON.parse(body.slice(1))]).toEqual([
        true,
        {
          '#error': isAtOnce
            ? 'whoever asked for it has ended'
            : 'vat kid was not made: whoever asked for it has ended',
          name: 'Error',
        },
      ]);
      expect(count()).toMatchObject({ births: 0, quotas: [[0, 0]] });
    },
  );
});
