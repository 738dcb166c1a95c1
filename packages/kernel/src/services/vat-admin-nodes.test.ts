import { describe, expect, it } from 'vitest';
import type { Json } from '@cooperage/protocol';
import { makeMemoryImage } from '../adapters/memory.ts';
import {
  BUNDLES,
  HASH,
  heard,
  makeAdminStage,
  problemIn,
  until,
} from '../testing/admin-stage.ts';
import type { Behavior } from '../testing/raw-vats.ts';
import { makeRig } from '../testing/rig.ts';
import { call } from '../testing/service-stage.ts';
import { answerStart, settle, subscribe, vref } from '../testing/stage.ts';
import { MOST_QUESTIONS } from './vat-admin-ends.ts';

/** A stage with a vat `kid`, and its node. */
const makeKidStage = async (
  options: Parameters<typeof makeAdminStage>[1] = {},
) => {
  const stage = await makeAdminStage({}, options);
  const { ask, told } = stage;
  const { slots: [kid = '', node = ''] = [] } = (await stage.make('kid')) ?? {};
  return {
    ...stage,
    kid,
    node,
    askNode: async (method: string, ...args: Json[]) =>
      heard(told, await ask(node, method, args)),
    stats: async () => Object(told(await ask(node, 'stats'))?.value),
  };
};

describe('a node', () => {
  it('tells all there is to tell of its vat', async () => {
    const { stats, say, kid, root, askNode, finish, flight } =
      await makeKidStage();
    const running = {
      state: 'running',
      reason: '#undefined',
      stoppedBy: '#undefined',
      name: 'kid',
      bundle: HASH,
      incarnation: 1,
      waiting: 0,
      references: 1,
      storeBytes: 0,
    };
    expect(await stats()).toEqual(running);
    await say(call(kid, 'take', ['$0'], null, root('bob')));
    expect(flight('kid')).toMatchObject(['message', 'o+0', {}]);
    await finish('kid');
    await askNode('pause');
    await say(call(kid, 'later'));
    expect(await stats()).toEqual({
      ...running,
      state: 'paused',
      stoppedBy: 'maker',
      references: 2,
      waiting: 1,
    });
  });

  it('suspends with the words given, or with its own', async () => {
    const { stats, askNode, vatNamed } = await makeKidStage();
    expect(problemIn(await askNode('suspend', 7))).toBe('a reason is a text');
    expect(await stats()).toMatchObject({ state: 'running' });
    for (const [words, reason] of [
      [[], 'suspended by its maker'],
      [['a rest'], 'a rest'],
    ] as const) {
      await askNode('suspend', ...words);
      expect(await stats()).toMatchObject({ state: 'suspended', reason });
      expect(problemIn(await askNode('pause'))).toBe(
        `the vat is suspended: ${reason}`,
      );
      await askNode('resume');
    }
    expect(vatNamed('kid')).toMatchObject({ suspension: null, paused: 0 });
  });

  it('leaves a vat that runs as it is when that is to go on', async () => {
    const { askNode, vatNamed } = await makeKidStage();
    const before = vatNamed('kid');
    expect(await askNode('resume')).toMatchObject({ isRejected: false });
    expect(vatNamed('kid')).toEqual(before);
  });

  it('ends a vat that has failed, and does nothing else to it', async () => {
    const { askNode, say, kid, vat, stats, ask, node, told } =
      await makeKidStage({
        begin: (label, nth) =>
          label === 'kid' && nth > 1 ? { failed: 'no such module' } : 'ready',
      });
    const done = await ask(node, 'done');
    vat('kid').lose('out of memory');
    await say(call(kid, 'work'));
    await settle();
    const reason = expect.stringContaining('no such module');
    expect(await stats()).toMatchObject({ state: 'failed', reason });
    for (const method of ['suspend', 'pause']) {
      expect(problemIn(await askNode(method))).toMatch(
        /^the vat is failed: .*no such module/,
      );
    }
    expect(await askNode('terminate')).toMatchObject({ isRejected: false });
    expect(problemIn(told(done))).toBe('the vat was terminated by its maker');
    for (const method of ['suspend', 'pause', 'resume', 'terminate']) {
      expect(problemIn(await askNode(method))).toBe('the vat has ended');
    }
  });

  it('keeps what an upgrade names until that is over, and says how it went', async () => {
    const { ask, node, told, state, root, vatNamed, isHeld, vat } =
      await makeKidStage({
        behave: (delivery, each) =>
          each.label === 'kid' && each.incarnation > 1
            ? undefined
            : answerStart(delivery),
      });
    const bob = vatNamed('bob')?.root;
    const upgrade = await ask(
      node,
      'upgrade',
      ['helper', { parameters: ['$0'] }],
      root('bob'),
    );
    expect([...state.calls.values()]).toMatchObject([
      { object: expect.stringMatching(/^ko/), slots: [bob] },
    ]);
    await until(() => isHeld('kid'));
    vat('kid').finish({ outcome: { ok: false, problem: 'not today' } });
    expect(problemIn(await heard(told, upgrade))).toMatch(/not today/);
    expect(told(upgrade)?.isRejected).toBe(true);
    expect([state.calls.size, vatNamed('kid')?.incarnation]).toEqual([0, 1]);
  });
});

describe('an upgrade by a maker', () => {
  const holdsUpgrades: Behavior = (delivery, vat) =>
    vat.label === 'kid' && vat.incarnation > 1
      ? undefined
      : answerStart(delivery);

  it('is made also when nobody wants an answer, and gives powers under their names', async () => {
    const { say, node, admin, state, vat, isHeld, vatNamed } =
      await makeKidStage({ behave: holdsUpgrades });
    const powers = { maker: '$0' };
    await say(call(node, 'upgrade', ['helper', { powers }], null, admin));
    await until(() => isHeld('kid'));
    expect(vat('kid').deliveries.at(-1)).toMatchObject([
      'startVat',
      { body: '#{"powers":{"maker":"$0.Alleged: administrator"}}' },
    ]);
    vat('kid').finish();
    await until(() => state.calls.size === 0);
    expect(vatNamed('kid')?.incarnation).toBe(2);
  });

  it.each([
    ['paused', 'pause', 2, 'paused'],
    ['suspended', 'suspend', 3, 'running'],
  ])(
    'is made of a vat that its maker has %s',
    async (_what, how, incarnation, state) => {
      const { askNode, stats } = await makeKidStage();
      await askNode(how);
      expect(await askNode('upgrade', 'helper')).toMatchObject({
        isRejected: false,
        value: { incarnation },
      });
      expect(await stats()).toMatchObject({ state, incarnation });
    },
  );

  it('goes on when the heap is lost that has ordered it, also through a collection', async () => {
    const { say, root, node, finish, vat, isHeld, state, client, vatNamed } =
      await makeKidStage({ behave: holdsUpgrades });
    await say(
      call(root('alice'), 'take', ['$0', '$1'], null, node, root('bob')),
    );
    const parameters = ['$0'];
    await finish(
      'alice',
      call('o-50', 'upgrade', ['helper', { parameters }], 'p+9', 'o-51'),
    );
    await until(() => isHeld('kid'));
    vat('alice').lose('out of memory');
    await settle();
    void client.rpc.call('collect', {});
    await settle();
    expect(state.calls.size).toBe(1);
    vat('kid').finish();
    await until(() => state.calls.size === 0);
    expect(vatNamed('kid')).toMatchObject({
      incarnation: 2,
      parametersSlots: [vatNamed('bob')?.root],
    });
  });
});

describe('the question how a vat ends', () => {
  it('is answered with the reason also when the vat has ended before, and by then nothing is listed', async () => {
    const { ask, told, admin, askNode } = await makeKidStage();
    await askNode('terminate', { why: 7 });
    expect([
      await askNode('done'),
      told(await ask(admin, 'vats'))?.value,
    ]).toMatchObject([{ isRejected: true, value: { why: 7 } }, {}]);
  });

  it('makes room for others when those who have asked can’t hear it any more', async () => {
    const { ask, told, say, root, node, finish, vat, state } =
      await makeKidStage();
    await say(call(root('alice'), 'take', ['$0'], null, node));
    const promises = Array.from(
      { length: MOST_QUESTIONS },
      (_, nth) => `p+${nth + 1}`,
    );
    await finish(
      'alice',
      ...promises.map(promise => call('o-50', 'done', [], promise)),
    );
    await until(() => state.calls.size === MOST_QUESTIONS);
    expect(problemIn(told(await ask(node, 'done')))).toMatch(/^100 calls wait/);
    vat('alice').lose('with the heap that has asked');
    await settle();
    expect(state.calls.size).toBe(MOST_QUESTIONS);
    expect(told(await ask(node, 'done'))).toBeUndefined();
    expect(state.calls.size).toBe(1);
  });

  it('leaves nothing when the vat ends after its node has gone', async () => {
    const { say, kid, node, finish, state } = await makeKidStage();
    await say(['dropImports', [vref(node)]]);
    await say(call(kid, 'leave'));
    await finish('kid', ['exit', false, { body: '#null', slots: [] }]);
    expect(state.children.size).toBe(0);
  });

  it('is told by a promise of its own, which nobody decides and the row of the vat holds', async () => {
    const { state, ask, root } = await makeKidStage();
    const numberOf = (kref = 'kp0'): number => Number(kref.slice(2));
    await ask(root('alice'), 'work');
    const done = [...state.children.values()][0]?.done;
    const [asked] = [...state.promises.values()].filter(
      ({ kref }) => kref !== done,
    );
    // The promises of createVat, of the vat itself, and of what was asked then.
    expect([numberOf(done), numberOf(asked?.kref)]).toEqual([
      numberOf(asked?.kref) - 1,
      (state.counters.get('promise')?.next ?? 0) - 1,
    ]);
    expect(
      [...state.promises.values()].find(({ kref }) => kref === done),
    ).toMatchObject({
      state: 'unresolved',
      decider: null,
      subscribers: [],
      refs: 1,
    });
  });
});

describe('a crash', () => {
  it('leaves the questions how a vat ends, and rejects the upgrade that was under way', async () => {
    const scene = await makeKidStage({
      behave: (delivery, vat) =>
        vat.label === 'kid' && vat.incarnation > 1
          ? undefined
          : answerStart(delivery),
    });
    const { say, root, node, finish, rig, isHeld, state } = scene;
    await say(
      call(root('alice'), 'take', ['$0', '$1'], null, node, root('bob')),
    );
    await finish(
      'alice',
      call('o-50', 'done', [], 'p+8'),
      call(
        'o-50',
        'upgrade',
        ['helper', { parameters: ['$0'] }],
        'p+9',
        'o-51',
      ),
      subscribe('p+8'),
      subscribe('p+9'),
    );
    await until(() => isHeld('kid'));
    state.store.commit();
    expect(state.calls.size).toBe(2);
    const later = makeRig(delivery => answerStart(delivery) ?? {}, {
      image: makeMemoryImage(rig.image),
    });
    await later.kernel.idle();
    expect(later.kernel.state.calls.size).toBe(1);
    const notifies = later.vats
      .get('alice')
      .deliveries.filter(([kind]) => kind === 'notify');
    expect(notifies).toEqual([
      [
        'notify',
        [
          [
            'p+9',
            true,
            {
              body: `#${JSON.stringify({
                '#error':
                  'the kernel was restarted while the upgrade was under way: stats() tells which incarnation it has come to',
                name: 'Error',
              })}`,
              slots: [],
            },
          ],
        ],
      ],
    ]);
    await later.kernel.stop();
  });
});

describe('an administrator', () => {
  it('is attenuated sixteen times at most', async () => {
    const { ask, told, admin } = await makeAdminStage();
    const attenuate = async (target: string) =>
      told(await ask(target, 'attenuate', [{}]));
    let last = admin;
    for (let nth = 1; nth <= 16; nth += 1) {
      [last = ''] = (await attenuate(last))?.slots ?? [];
    }
    expect(problemIn(await attenuate(last))).toBe(
      'it is attenuated 16 times already',
    );
  });

  it('that nobody holds any more leaves nothing', async () => {
    const { ask, told, admin, state, say } = await makeAdminStage();
    const { slots: [narrow = ''] = [] } =
      told(await ask(admin, 'attenuate', [{}])) ?? {};
    expect(state.quotas.size).toBe(2);
    await say(['dropImports', [vref(narrow)]]);
    expect(state.quotas.size).toBe(1);
  });

  it('is told in words of bounded length which code it has not', async () => {
    const { ask, told, admin } = await makeAdminStage();
    const hash = 'f'.repeat(128);
    expect(
      problemIn(told(await ask(admin, 'createVat', [hash, { name: 'kid' }]))),
    ).toBe(
      `there is no bundle ${'f'.repeat(62)} for this administrator: one is stored by a person, or named in the config of its cluster`,
    );
  });

  it('gives what is called something under its name, and what is not under that of the power', async () => {
    const { make, admin, root, vat } = await makeAdminStage();
    const powers = { maker: '$0', friend: '$1' };
    await make('kid', { powers }, admin, root('bob'));
    expect(vat('kid').deliveries[0]).toMatchObject([
      'startVat',
      {
        body: '#{"powers":{"maker":"$0.Alleged: administrator","friend":"$1.Alleged: friend"}}',
      },
    ]);
  });

  it('is granted for code by the names of its cluster or by hash, and counts what it is bound to', async () => {
    const next = JSON.stringify({ moduleFormat: 'endoScript', a: 1 });
    const { ask, told, admin, state, make } = await makeAdminStage(
      { bundles: ['helper', 'f'.repeat(128)] },
      { bundles: { ...BUNDLES, next: { text: next } } },
    );
    expect([
      told(await ask(admin, 'bundles'))?.value,
      [...state.quotas.values()].map(({ bundles }) => bundles),
      problemIn(
        told(await ask(admin, 'createVat', ['next', { name: 'other' }])),
      ),
      (await make('kid'))?.isRejected,
    ]).toEqual([
      { helper: HASH },
      [JSON.stringify([HASH, 'f'.repeat(128)])],
      expect.stringContaining('there is no bundle next for this administrator'),
      false,
    ]);
    const units = () => state.serviceUnits.total;
    const before = units();
    await ask(admin, 'attenuate', [{ vats: 1 }]);
    const plain = units() - before;
    await ask(admin, 'attenuate', [{ bundles: ['helper', HASH] }]);
    expect(units() - before - 2 * plain).toBe(2 * HASH.length + 1);
  });
});
