import { describe, expect, it } from 'vitest';
import type { Json, VatId } from '@cooperage/protocol';
import {
  BUNDLES,
  HASH,
  heard,
  holdStartsOf,
  makeAdminStage,
  problemIn,
  until,
} from '../testing/admin-stage.ts';
import type { Behavior } from '../testing/raw-vats.ts';
import { RAW_BUNDLE } from '../testing/rig.ts';
import {
  answerStart,
  dataOf,
  fulfil,
  send,
  settle,
  subscribe,
  vref,
} from '../testing/stage.ts';
import { call, type Told } from '../testing/service-stage.ts';
import { MOST_BIRTHS } from './vat-admin-births.ts';
import { MOST_QUESTIONS } from './vat-admin-ends.ts';

const UNKNOWN = 'a'.repeat(128);

describe('an administrator of vats', () => {
  it('makes a vat that has its root, what its parameters name and its powers, and nothing else (4)', async () => {
    const { make, root, rig, state, vatNamed, vat } = await makeAdminStage();
    const told = await make(
      'kid',
      {
        parameters: {
          friend: '$0.Alleged: Friend',
          twice: ['$0', '!$0', '#-0'],
        },
        powers: { log: '$1', other: '$0' },
      },
      root('alice'),
      root('bob'),
      'o+77',
    );
    const kid = vatNamed('kid');
    const [alice, bob] = [vatNamed('alice'), vatNamed('bob')];
    expect(told).toEqual({
      isRejected: false,
      value: { root: '$0.Alleged: kid', node: '$1.Alleged: node' },
      slots: [expect.any(String), expect.any(String)],
    });
    expect(
      state.clistByEndpoint
        .values(kid?.id ?? ('v0' as VatId))
        .map(({ kref, vref: name }) => [name, kref]),
    ).toEqual([
      ['o+0', kid?.root],
      ['o-50', alice?.root],
      ['o-51', bob?.root],
    ]);
    expect(vat('kid').deliveries).toEqual([
      [
        'startVat',
        {
          body: `#${JSON.stringify({
            friend: '$0.Alleged: Friend',
            twice: ['$0', '!$0', '#-0'],
            powers: { log: '$1.Alleged: log', other: '$0.Alleged: other' },
          })}`,
          slots: ['o-50', 'o-51'],
        },
      ],
    ]);
    expect(kid).toMatchObject({
      parametersSlots: [alice?.root, bob?.root],
      bundle: HASH,
      storeBytes: null,
    });
    expect(rig.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('applies what the start did in the crank that makes the vat and answers (2)', async () => {
    const { make, vat, root, flight, state, isHeld } = await makeAdminStage(
      {},
      { behave: holdStartsOf('kid') },
    );
    const asked = make('kid', { powers: { alice: '$0' } }, root('alice'));
    await until(() => isHeld('kid'));
    expect([state.vats.size, state.births.size]).toEqual([3, 1]);
    vat('kid').finish({
      syscalls: [send('o-50', 'hello', ['o+0', 'o+1'])],
      changes: [['key', 'value']],
    });
    expect(await asked).toMatchObject({ isRejected: false });
    await until(() => vat('alice').isBusy);
    expect([state.vats.size, state.births.size]).toEqual([4, 0]);
    expect(flight('alice')).toMatchObject([
      'message',
      'o+0',
      { methargs: { slots: ['o-50', 'o-51'] } },
    ]);
    expect([...state.vatChanges.values()]).toMatchObject([
      { key: 'key', value: 'value' },
    ]);
  });

  it.each<[string, readonly Json[], RegExp]>([
    ['no bundle', [], /a bundle is given by its name or its hash/],
    ['a number for a bundle', [7], /not by 7/],
    ['a reference for a bundle', ['$0'], /not by a reference/],
    [
      'a text of code',
      [RAW_BUNDLE, { name: 'kid' }],
      /by its name or its hash/,
    ],
    ['an unknown name', ['elsewhere', { name: 'kid' }], /no bundle elsewhere/],
    ['an unknown hash', [UNKNOWN, { name: 'kid' }], /there is no bundle aaa/],
    ['no name', ['helper', {}], /name is a name/],
    ['no options', ['helper'], /name is a name/],
    ['a huge name', ['helper', { name: 'k'.repeat(99) }], /name is a name/],
    ['a number for a name', ['helper', { name: 7 }], /name is a name .* not 7/],
    ['a name with a dot first', ['helper', { name: '.kid' }], /is a name/],
    ['a name that is taken', ['helper', { name: 'bob' }], /a vat bob already/],
    ['an unknown option', ['helper', { name: 'k', root: 1 }], /has no "root"/],
    ['options that are no record', ['helper', 'kid'], /argument is a record/],
    [
      'a power that is data',
      ['helper', { name: 'kid', powers: { a: 1 } }],
      /the power a is an object/,
    ],
    [
      'a power that is a promise',
      ['helper', { name: 'kid', powers: { a: '&1' } }],
      /the power a is a promise/,
    ],
    [
      'a power that pretends to be an object',
      ['helper', { name: 'kid', powers: { a: '$1' } }],
      /call a reference otherwise than the promise it is/,
    ],
    [
      'a power without a name',
      ['helper', { name: 'kid', powers: { '': '$0' } }],
      /name is a name/,
    ],
    [
      'powers twice',
      ['helper', { name: 'k', parameters: { powers: 1 }, powers: {} }],
      /a record without a field powers/,
    ],
    [
      'powers and a list',
      ['helper', { name: 'k', parameters: [1], powers: {} }],
      /parameters are a record/,
    ],
    [
      'a reference that is not there',
      ['helper', { name: 'kid', parameters: ['$9'] }],
      /a reference that is not there/,
    ],
    [
      'parameters of a hundred thousand characters',
      ['helper', { name: 'kid', parameters: 'x'.repeat(100_000) }],
      /at most 100000 characters and 1000 references, and these have 100003/,
    ],
    [
      'a hundred and one powers',
      [
        'helper',
        {
          name: 'kid',
          powers: Object.fromEntries(
            Array.from({ length: 101 }, (_, index) => [`p${index}`, '$0']),
          ),
        },
      ],
      /powers are at most 100/,
    ],
    [
      'a deadline of a thousand hours',
      ['helper', { name: 'k', policy: { deadline: 3.6e9 } }],
      /policy: deadline is a whole number/,
    ],
    [
      'a deadline that is longer than the kernel’s measure',
      ['helper', { name: 'k', policy: { deadline: 5_001 } }],
      /deadline is at most 5000 milliseconds for this administrator, not 5001/,
    ],
    [
      'a store larger than any may be',
      ['helper', { name: 'k', policy: { bytes: 2 ** 30 + 1 } }],
      /bytes is a whole number from 100000 to 1073741824, not 1073741825/,
    ],
    [
      'a store larger than usual where nobody counts them',
      ['helper', { name: 'k', policy: { bytes: 268_435_457 } }],
      /bytes is at most 268435456 where no quota counts them, not 268435457/,
    ],
    [
      'bounds of its own for its inbox',
      ['helper', { name: 'k', policy: { limits: { inboxMessages: 7 } } }],
      /policy has no "limits"/,
    ],
    [
      'a policy of another bundle',
      ['helper', { name: 'k', policy: { bundle: { text: '' } } }],
      /policy has no "bundle"/,
    ],
    [
      'to be critical for the kernel',
      ['helper', { name: 'k', policy: { critical: true } }],
      /policy has no "critical"/,
    ],
    [
      'a store of NaN bytes',
      ['helper', { name: 'kid', policy: { bytes: '#NaN' } }],
      /bytes is a whole number from 100000 to 1073741824, not NaN/,
    ],
    [
      'a store of a few bytes',
      ['helper', { name: 'kid', policy: { bytes: 99_999 } }],
      /bytes is a whole number from 100000/,
    ],
    [
      'an endowment of the network',
      ['helper', { name: 'kid', policy: { endowments: ['fetch'] } }],
      /endowments is a list of names/,
    ],
  ])('refuses %s, and nothing has changed', async (_what, args, problem) => {
    const { ask, told, admin, count } = await makeAdminStage();
    const before = count();
    const answer = told(await ask(admin, 'createVat', args, 'o+5', 'p+77'));
    expect(problemIn(answer)).toMatch(problem);
    expect(count()).toEqual(before);
  });

  it('finds code by its hash when a person has stored it, and none that others run', async () => {
    const { ask, told, admin, client, count } = await makeAdminStage();
    const text = JSON.stringify({ moduleFormat: 'endoScript', a: 1 });
    const hash = `${text.length}`.padStart(128, '0');
    const create = async (name: string) =>
      told(await ask(admin, 'createVat', [hash, { name }]));
    await client.rpc.call('launch', {
      config: { name: 'other', vats: { x: { bundle: { text } } } },
    });
    expect(problemIn(await create('kid'))).toMatch(/there is no bundle/);
    expect(
      await client.rpc.call('storeBundle', { name: 'mine', bundle: { text } }),
    ).toEqual({ hash });
    expect(await client.rpc.call('bundles', {})).toEqual([
      { name: 'mine', hash, units: text.length },
    ]);
    expect(await create('kid')).toMatchObject({ isRejected: false });
    await client.rpc.call('forgetBundle', { name: 'mine' });
    expect(problemIn(await create('kim'))).toMatch(/there is no bundle/);
    expect(count().vats).toEqual(['boot', 'alice', 'bob', 'x', 'kid']);
    await expect(
      client.rpc.call('forgetBundle', { name: 'mine' }),
    ).rejects.toMatchObject({ code: 'BUNDLE_UNKNOWN' });
  });

  it('has a quota, which a child takes when it is asked for and gives back when it ends', async () => {
    const { make, ask, count, client } = await makeAdminStage({
      vats: 2,
      bytes: 1_000_000,
    });
    const kid = await make('kid', { policy: { bytes: 300_000 } });
    expect(problemIn(await make('kim'))).toMatch(
      /of the quota of 1000000 bytes 700000 are left, and a store of 1000000/,
    );
    await make('kim', { policy: { bytes: 700_000 } });
    expect(
      problemIn(await make('kat', { policy: { bytes: 100_000 } })),
    ).toMatch(/the quota of 2 vats is used up/);
    expect(count()).toMatchObject({ quotas: [[2, 1_000_000]], children: 2 });
    await ask(kid?.slots[1] ?? '', 'terminate');
    expect(count()).toMatchObject({
      quotas: [[1, 700_000]],
      vats: ['boot', 'alice', 'bob', 'kim'],
    });
    await client.rpc.call('terminate', { cluster: 'demo' });
    expect(count()).toMatchObject({ quotas: [[0, 0]], births: 0, vats: [] });
  });

  it('is attenuated to less, and never to more', async () => {
    const { ask, told, admin, count } = await makeAdminStage({ vats: 3 });
    const attenuate = async (target: string, caveats: Json) =>
      told(await ask(target, 'attenuate', [caveats]));
    const create = async (target: string, name: string) =>
      heard(told, await ask(target, 'createVat', ['helper', { name }]));
    const [one = ''] = (await attenuate(admin, { vats: 1 }))?.slots ?? [];
    const [wide = ''] = (await attenuate(one, { vats: 9 }))?.slots ?? [];
    const [none = ''] = (await attenuate(admin, { bundles: [] }))?.slots ?? [];
    expect(await create(wide, 'kid')).toMatchObject({ isRejected: false });
    expect([
      problemIn(await create(wide, 'kim')),
      problemIn(await create(one, 'kim')),
      problemIn(await create(none, 'kim')),
      told(await ask(none, 'bundles'))?.value,
      told(await ask(one, 'bundles'))?.value,
    ]).toEqual([
      expect.stringContaining('the quota of 1 vats is used up'),
      expect.stringContaining('the quota of 1 vats is used up'),
      expect.stringContaining('there is no bundle helper for this'),
      {},
      { helper: HASH },
    ]);
    expect(count().quotas).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
      [0, 0],
    ]);
    expect(await create(admin, 'kim')).toMatchObject({ isRejected: false });
    for (const caveats of [
      { vats: '#NaN' },
      { deadline: 0 },
      { deadline: 3_600_001 },
      { deadline: '#Infinity' },
      { deadline: '5' },
      { vats: -1 },
      { vats: 0.5 },
      { vats: '#Infinity' },
      { bytes: '7' },
      { bundles: 'helper' },
      { bundles: ['elsewhere'] },
      { cpu: 1 },
      ['vats'],
      '$0',
    ]) {
      expect(await attenuate(admin, caveats)).toMatchObject({
        isRejected: true,
      });
    }
  });

  it('makes vats for whoever has it, in its own cluster, until that ends', async () => {
    const { make, client, count, state } = await makeAdminStage();
    await make('kid');
    expect(
      [...state.vats.values()].map(({ name, cluster }) => [name, cluster]),
    ).toContainEqual(['kid', 'c1']);
    await client.rpc.call('terminate', { cluster: 'demo' });
    expect(problemIn(await make('kim'))).toMatch(
      /the cluster has ended in which/,
    );
    expect(count()).toEqual({
      quotas: [[0, 0]],
      births: 0,
      children: 1,
      vats: [],
    });
    expect(state.keptBundles.size).toBe(0);
  });

  it('has a bounded number of vats on their way, which keep their names', async () => {
    const { make, ask, admin, count, state } = await makeAdminStage(
      {},
      { behave: holdStartsOf('kid') },
    );
    for (let index = 0; index < MOST_BIRTHS; index += 1) {
      await ask(admin, 'createVat', ['helper', { name: `kid${index}` }]);
    }
    expect([
      problemIn(await make('kid0')),
      problemIn(await make('more')),
      count().births,
    ]).toEqual([
      expect.stringContaining('has a vat kid0 already'),
      expect.stringContaining(`${MOST_BIRTHS} vats are being made`),
      MOST_BIRTHS,
    ]);
    expect(state.vats.size).toBe(3);
  });

  it.each<[string, Behavior, RegExp]>([
    [
      'throws at its start',
      () => ({ outcome: { ok: false, problem: 'no root today' } }),
      /vat kid was not made: no root today/,
    ],
    [
      'names what it was not given',
      () => ({ syscalls: [send('o-51', 'hello')] }),
      /vat kid was not made: v4 has no o-51 in its c-list/,
    ],
    [
      'resolves what it does not decide',
      () => ({ syscalls: [fulfil('p-50', dataOf(0))] }),
      /vat kid was not made: /,
    ],
    [
      'ends itself while it starts',
      () => ({ syscalls: [['exit', false, dataOf(0)]] }),
      /it ended itself while it started/,
    ],
    [
      'writes more than its share',
      () => ({ changes: [['key', 'x'.repeat(200_000)]] }),
      /its store would have 200003 bytes, more than its share of 100000/,
    ],
    [
      'loses its worker',
      (_delivery, vat) => {
        vat.lose('out of memory');
        return undefined;
      },
      /vat kid was not made: out of memory/,
    ],
  ])('leaves nothing of a vat that %s', async (_what, start, problem) => {
    const { make, count, root, rig } = await makeAdminStage(
      { vats: 1, bytes: 100_000 },
      {
        behave: (delivery, vat) =>
          vat.label === 'kid' ? start(delivery, vat) : answerStart(delivery),
      },
    );
    const before = count();
    const options = { powers: { a: '$0' }, policy: { bytes: 100_000 } };
    expect(problemIn(await make('kid', options, root('alice')))).toMatch(
      problem,
    );
    expect(count()).toEqual(before);
    expect(rig.vats.all.at(-1)?.isKilled).toBe(true);
    expect(rig.image.vats.size).toBe(0);
  });

  it('discards a vat whose maker or cluster ends before it has started', async () => {
    const { say, root, admin, finish, client, count, vat, rig, isHeld } =
      await makeAdminStage({}, { behave: holdStartsOf('kid') });
    const order = async (name: string) => {
      await say(call(root('alice'), 'take', ['$0'], null, admin));
      await finish(
        'alice',
        call('o-50', 'createVat', ['helper', { name }], 'p+9', 'o-50'),
        subscribe('p+9'),
      );
    };
    await order('kid');
    await until(() => isHeld('kid'));
    expect(count().births).toBe(1);
    const kid = vat('kid');
    await say(call(root('alice'), 'end'));
    await finish('alice', ['exit', false, dataOf(0)]);
    expect([count().births, kid.isKilled, count().vats]).toEqual([
      0,
      true,
      ['boot', 'bob'],
    ]);
    await client.rpc.call('terminate', { cluster: 'demo' });
    expect(rig.kernel.state.births.size).toBe(0);
  });

  it('discards a vat that a client has asked for who leaves before it has started', async () => {
    const { ask, admin, client, count, vat, isHeld } = await makeAdminStage(
      { vats: 1 },
      { behave: holdStartsOf('kid') },
    );
    await ask(admin, 'createVat', ['helper', { name: 'kid' }]);
    await until(() => isHeld('kid'));
    const kid = vat('kid');
    client.rpc.close();
    await settle();
    await settle();
    expect([count(), kid.isKilled]).toMatchObject([
      { births: 0, quotas: [[0, 0]] },
      true,
    ]);
  });

  it('leaves a vat paused by the person who has stopped its maker meanwhile', async () => {
    const { say, root, admin, finish, client, state, vat, isHeld } =
      await makeAdminStage({}, { behave: holdStartsOf('kid') });
    await say(call(root('alice'), 'take', ['$0'], null, admin));
    await finish(
      'alice',
      call('o-50', 'createVat', ['helper', { name: 'kid' }], 'p+9', 'o-50'),
      subscribe('p+9'),
    );
    await until(() => isHeld('kid'));
    const kid = () => [...state.vats.values()].find(row => row.name === 'kid');
    await client.rpc.call('suspend', { cluster: 'demo', vat: 'alice' });
    vat('kid').finish({});
    await until(() => kid() !== undefined);
    expect(kid()).toMatchObject({ paused: 1, stoppedBy: 'person' });
    await client.rpc.call('unpause', { cluster: 'demo', vat: 'kid' });
    expect(kid()).toMatchObject({ paused: 0, stoppedBy: null });
  });

  it('makes no vat for a maker that ends in the crank in which it asks', async () => {
    const { say, root, admin, finish, client, count, rig } =
      await makeAdminStage();
    await say(call(root('alice'), 'take', ['$0'], null, admin));
    await finish(
      'alice',
      call('o-50', 'createVat', ['helper', { name: 'kid' }], 'p+9', 'o-50'),
      ['exit', false, dataOf(0)],
    );
    expect([count().births, count().vats]).toEqual([0, ['boot', 'bob']]);
    expect(rig.vats.all.some(({ label }) => label === 'kid')).toBe(false);
    await client.rpc.call('terminate', { cluster: 'demo' });
  });
});

describe('a node', () => {
  it('counts for who has asked for the vat, who can’t keep nodes without end', async () => {
    const { make, say } = await makeAdminStage(
      {},
      { allowance: { serviceUnits: 100 } },
    );
    const first = await make('kid');
    expect(first?.isRejected).toBe(false);
    expect(problemIn(await make('other'))).toMatch(
      /^the objects that services have made for s\d+ would count 202 units, more than 100/,
    );
    await say(['dropImports', [vref(first?.slots[1] ?? '')]]);
    expect((await make('another'))?.isRejected).toBe(false);
  });

  it('tells once how the vat ends, whoever asks whenever', async () => {
    const { make, ask, told, say, finish, state } = await makeAdminStage();
    const { slots: [kid = '', node = ''] = [] } = (await make('kid')) ?? {};
    const early = [await ask(node, 'done'), await ask(node, 'done')];
    await say(call(node, 'done'), call(kid, 'leave'));
    expect([early.map(told), state.calls.size]).toEqual([
      [undefined, undefined],
      2,
    ]);
    await finish('kid', send('o+0', 'never'), [
      'exit',
      false,
      dataOf(['bye', 7]),
    ]);
    const late = await ask(node, 'done');
    expect([...early, late].map(told)).toEqual(
      Array(3).fill({ isRejected: false, value: ['bye', 7], slots: [] }),
    );
    expect([state.children.size, state.calls.size]).toEqual([1, 0]);
    await say(['dropImports', [vref(node)]]);
    expect(state.children.size).toBe(0);
  });

  it('keeps a bounded number of questions how the vat ends, and none whose answer nobody can hear (12)', async () => {
    const { make, ask, told, say, root, finish, vat, client, rig, state } =
      await makeAdminStage();
    const { slots: [, node = ''] = [] } = (await make('kid')) ?? {};
    await client.rpc.call('keep', { name: 'node', vref: node });
    await say(call(root('alice'), 'take', ['$0'], null, node));
    await finish('alice', call('o-50', 'done', [], 'p+1'));
    vat('alice').lose('with the heap that has asked');
    await settle();
    expect(state.calls.size).toBe(1);
    await client.rpc.call('collect', {});
    expect(state.calls.size).toBe(0);
    for (let nth = 1; nth < MOST_QUESTIONS; nth += 1) {
      client.send(call(node, 'done', [], `p+${1_000 + nth}`));
    }
    const last = await ask(node, 'done');
    const refused = told(await ask(node, 'done'));
    expect([told(last), problemIn(refused), state.calls.size]).toEqual([
      undefined,
      '100 calls wait to hear how the vat ends, and no more may',
      MOST_QUESTIONS,
    ]);
    const other = await rig.connect();
    client.rpc.close();
    await until(() => state.calls.size === 0);
    await other.rpc.call('collect', {});
    expect([state.sessions.size, state.promises.size]).toEqual([1, 1]);
    expect(rig.kernel.status().state).toBe('running');
  });

  it('tells the reason of a vat that ends itself as a failure, and nothing else of that crank', async () => {
    const { make, ask, told, finishWith, flight } = await makeAdminStage();
    const { slots: [kid = '', node = ''] = [] } = (await make('kid')) ?? {};
    const promise = await ask(node, 'done');
    const answer = await ask(kid, 'storm');
    const [, , { result = null }] = Object(flight('kid'));
    await finishWith('kid', {
      syscalls: [
        fulfil(result ?? '', dataOf('fine')),
        ['exit', true, dataOf({ '#error': 'enough', name: 'Error' })],
      ],
    });
    expect([told(promise), told(answer)]).toMatchObject([
      { isRejected: true, value: { '#error': 'enough' } },
      {
        isRejected: true,
        value: { '#error': 'the vat ended itself: enough' },
      },
    ]);
  });

  it('does not pass on what the words of the end name, which could keep the node for ever (12)', async () => {
    const { make, ask, told, say, finish, state } = await makeAdminStage();
    const { slots: [kid = '', node = ''] = [] } = (await make('kid')) ?? {};
    const promise = await ask(node, 'done');
    await say(call(kid, 'keep', ['$0'], null, node));
    await finish('kid', ['exit', false, dataOf(['$0'], 'o-50')]);
    expect(told(promise)?.isRejected).toBe(true);
    expect(problemIn(told(promise))).toMatch(/these are not passed on/);
    await say(['dropImports', [vref(node)]]);
    expect(state.children.size).toBe(0);
  });

  it('gives the vat new code, within the share of its store, or leaves it as it is', async () => {
    const text = JSON.stringify({ moduleFormat: 'endoScript', a: 1 });
    const { make, ask, told, root, vat, vatNamed, isHeld } =
      await makeAdminStage(
        {},
        {
          bundles: { ...BUNDLES, next: { text } },
          behave: (delivery, each) =>
            delivery[0] === 'startVat' &&
            each.label === 'kid' &&
            each.incarnation > 1
              ? undefined
              : answerStart(delivery),
        },
      );
    const { slots: [, node = ''] = [] } =
      (await make('kid', { policy: { bytes: 100_000 } })) ?? {};
    const upgrade = async (value: string): Promise<Told> => {
      const answer = await ask(node, 'upgrade', [
        'next',
        { parameters: { greeting: value.length } },
      ]);
      await until(() => isHeld('kid'));
      vat('kid').finish({ changes: [['key', value]] });
      return heard(told, answer);
    };
    expect([
      problemIn(await upgrade('x'.repeat(200_000))),
      vatNamed('kid')?.bundle,
    ]).toEqual([
      expect.stringContaining('more than its share of 100000'),
      HASH,
    ]);
    const renewal = ['next', { parameters: { greeting: 5 } }];
    const first = await ask(node, 'upgrade', renewal);
    expect(problemIn(told(await ask(node, 'upgrade', ['next'])))).toBe(
      'the vat is being upgraded already: wait for that to end',
    );
    await until(() => isHeld('kid'));
    vat('kid').finish({ changes: [['key', 'small']] });
    expect(await heard(told, first)).toMatchObject({
      value: { incarnation: 2 },
    });
    expect(vatNamed('kid')).toMatchObject({
      bundle: `${text.length}`.padStart(128, '0'),
      parametersBody: '#{"greeting":5}',
    });
    expect(problemIn(told(await ask(node, 'upgrade', ['elsewhere'])))).toMatch(
      /there is no bundle elsewhere/,
    );
    for (const [friend, ...slots] of [['$0', root('alice')], [7]] as const) {
      const order = ['next', { parameters: { friend } }];
      const renewed = await ask(node, 'upgrade', order, ...slots);
      await until(() => isHeld('kid'));
      vat('kid').finish({});
      expect(await heard(told, renewed)).toMatchObject({ isRejected: false });
    }
    expect(vatNamed('kid')).toMatchObject({ parametersSlots: [] });
  });

  it('ends the vat while the code of an upgrade is fetched, which comes to nothing', async () => {
    let arrive = (_text: string): void => {};
    const { make, say, client, count, rig } = await makeAdminStage(
      {},
      {
        wrap: platform => ({
          ...platform,
          fetchText: () =>
            new Promise(resolve => {
              arrive = resolve;
            }),
        }),
      },
    );
    const { slots: [, node = ''] = [] } = (await make('kid')) ?? {};
    const upgraded = client.rpc.call('upgrade', {
      cluster: 'demo',
      vat: 'kid',
      bundle: { url: 'https://example.org/' },
    });
    await settle();
    await say(call(node, 'terminate', [], null)); // nobody waits, so nothing is pumped after it
    expect(count().vats).toEqual(['boot', 'alice', 'bob']);
    arrive(RAW_BUNDLE);
    await expect(upgraded).rejects.toThrow(/it has ended meanwhile/);
    expect(rig.kernel.status().state).toBe('running');
  });

  it('ends the vat that it has just been told to upgrade, and the upgrade is refused', async () => {
    const { make, say, told, vatNamed, rig } = await makeAdminStage();
    const { slots: [, node = ''] = [] } = (await make('kid')) ?? {};
    const kid = vatNamed('kid')?.id;
    await say(
      call(node, 'upgrade', ['helper'], 'p+900'),
      subscribe('p+900'),
      call(node, 'terminate', [], null),
    );
    expect(problemIn(told('p+900'))).toBe(`There is no vat ${kid}`);
    expect(rig.kernel.status().state).toBe('running');
  });

  it('ends the vat for the reason given, with everything that it decides', async () => {
    const { make, ask, told, count, vat, root } = await makeAdminStage();
    const { slots: [kid = '', node = ''] = [] } = (await make('kid')) ?? {};
    const promise = await ask(node, 'done');
    const pending = await ask(kid, 'work');
    const worker = vat('kid');
    const refused = await ask(node, 'terminate', [{ why: '$0' }], root('bob'));
    expect(problemIn(told(refused))).toBe(
      'a reason is data, without references',
    );
    const ended = await ask(node, 'terminate', [{ why: ['!$0', '+7'] }]);
    const after = await ask(kid, 'work');
    expect([ended, promise, pending, after].map(told)).toMatchObject([
      { isRejected: false, value: '#undefined' },
      { isRejected: true, value: { why: ['!$0', '+7'] }, slots: [] },
      {
        isRejected: true,
        value: { '#error': 'the vat was terminated by its maker' },
      },
      { isRejected: true, value: { '#error': expect.stringMatching(/gone/) } },
    ]);
    expect([worker.isKilled, count().vats]).toEqual([
      true,
      ['boot', 'alice', 'bob'],
    ]);
    const [again, stats] = [
      await ask(node, 'terminate'),
      await ask(node, 'stats'),
    ];
    expect([problemIn(told(again)), told(stats)?.value]).toEqual([
      'the vat has ended',
      { state: 'ended' },
    ]);
  });

  it('suspends, pauses and resumes the vat, and tells how it is', async () => {
    const { make, ask, told, say, flight, vat } = await makeAdminStage();
    const { slots: [kid = '', node = ''] = [] } = (await make('kid')) ?? {};
    const stateNow = async () => {
      const { value } = told(await ask(node, 'stats')) ?? {};
      const { state, reason, incarnation, waiting } = Object(value);
      return [state, reason, incarnation, waiting];
    };
    expect(await stateNow()).toEqual(['running', '#undefined', 1, 0]);
    await ask(node, 'pause');
    await say(call(kid, 'work'));
    expect(await stateNow()).toEqual(['paused', '#undefined', 1, 1]);
    expect(vat('kid').isBusy).toBe(false);
    await ask(node, 'resume');
    expect(flight('kid')[0]).toBe('message');
    await ask(node, 'suspend', ['a rest \ud800']);
    expect(await stateNow()).toEqual(['suspended', 'a rest \ufffd', 2, 1]);
    expect(problemIn(told(await ask(node, 'suspend')))).toMatch(
      /the vat is suspended: a rest/,
    );
    expect(problemIn(told(await ask(node, 'suspend', [7])))).toMatch(/./);
    await ask(node, 'resume');
    expect(await stateNow()).toEqual(['running', '#undefined', 2, 1]);
    expect(flight('kid')[0]).toBe('message');
  });

  it.each([
    ['with a share of a quota', { bytes: 1_000_000 }],
    ['without one', {}],
  ])(
    'tells of a vat %s that nothing is stored when its file can’t be read',
    async (_what, grant) => {
      const { make, ask, told, rig, vatNamed } = await makeAdminStage(grant);
      const { slots: [, node = ''] = [] } = (await make('kid')) ?? {};
      const { id = 'v0' as VatId, storeBytes } = vatNamed('kid') ?? {};
      const damage = 'spoilt';
      rig.image.vats.set(id, { fold: 0, rows: new Map(), damage });
      const answer = told(await ask(node, 'stats'));
      expect([typeof storeBytes === 'number', answer?.value]).toMatchObject([
        'bytes' in grant,
        { state: 'running', storeBytes: 0 },
      ]);
      expect(rig.kernel.status().state).toBe('running');
    },
  );

  it('is found again by the administrator that made the vat, and by no other', async () => {
    const { make, ask, told, admin, say } = await makeAdminStage();
    const { slots: [kid = '', node = ''] = [] } = (await make('kid')) ?? {};
    const [other = ''] = told(await ask(admin, 'attenuate', [{}]))?.slots ?? [];
    expect([
      told(await ask(admin, 'vats')),
      told(await ask(other, 'vats'))?.value,
    ]).toEqual([
      {
        isRejected: false,
        value: { kid: { root: '$0.Alleged: kid', node: '$1.Alleged: node' } },
        slots: [kid, node],
      },
      {},
    ]);
    await say(['dropImports', [vref(node)]]);
    const [, found = ''] = told(await ask(admin, 'vats'))?.slots ?? [];
    expect(told(await ask(found, 'stats'))).toMatchObject({
      value: { state: 'running' },
    });
  });
});
