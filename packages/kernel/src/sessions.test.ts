import { describe, expect, it } from 'vitest';
import { CooperageError, type Syscall } from '@cooperage/protocol';
import { drop, retire, retireOwn } from './testing/gc-stage.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeRig, RAW_BUNDLE, type Rig } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  end,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
  vref,
} from './testing/stage.ts';

const any = expect.anything();
const endedWith = (text: string) => ({
  method: 'sessionEnded',
  params: { code: 'SESSION_CLOSED', reason: expect.stringContaining(text) },
});

describe('what crosses on the wire between a session and the kernel', () => {
  it('a promise that the client still names while it is being told of it means the same promise (invariants 5, 8)', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await stage.say(
      send(stage.root('alice'), 'ask', [], 'p+1'),
      subscribe('p+1'),
    );
    const fence = stage.client.fence();
    await stage.finish('alice', fulfil('p-50', dataOf('answer')));
    // The kernel has told; the client has not heard, passes the promise on, pipelines on it and asks again.
    await stage.say(
      send(stage.root('bob'), 'take', ['p+1']),
      send('p+1', 'more', [], 'p+2'),
    );
    await stage.say(subscribe('p+2'), subscribe('p+1'));
    fence.release();
    await settle();
    await stage.finish('bob', subscribe('p-50'));
    expect(stage.flight('bob')).toEqual([
      'notify',
      [['p-50', false, dataOf('answer')]],
    ]);
    await stage.finish('bob');
    expect(stage.client.deliveries).toMatchObject([
      ['notify', [['p+1', false, any]]],
      ['notify', [['p+2', true, any]]],
    ]);
    expect(stage.client.told).toEqual([]);
    stage.client.send();
    await settle();
    expect(stage.rig.kernel.state.retiring.size).toBe(0);
    expect(stage.rig.kernel.state.promises.size).toBe(0);
    // Now it has heard: the name means nothing any more.
    await stage.say(send('o-1', 'x'));
    expect(stage.client.told).toEqual([endedWith('has no o-1')]);
    await end(stage);
  });

  it('a drop that crosses a delivery naming the object again is stale (invariants 4, 6)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'go', ['o+1']));
    await stage.finish('alice', send('o-50', 'one', ['o+7']));
    const object = Object(stage.client.deliveries[0]?.[2]).methargs.slots[0];
    await stage.say(send(stage.root('alice'), 'again'));
    const fence = stage.client.fence();
    stage.client.send(['dropImports', [vref(object)]]);
    await stage.finish('alice', send('o-50', 'two', ['o+7']));
    fence.release();
    await settle();
    await stage.say(send(object, 'still mine'));
    expect(stage.flight('alice')).toMatchObject(['message', 'o+7', any]);
    await stage.finish('alice');
    await stage.say(['dropImports', [vref(object)]]);
    expect(
      stage.rig.kernel.state.clists.has(
        [...stage.rig.kernel.state.sessions.values()][0]?.id as never,
        object.replace('o-', 'ko'),
      ),
    ).toBe(false);
    await stage.say(send(object, 'gone'));
    expect(stage.client.told).toEqual([endedWith(`has no ${object}`)]);
    await end(stage);
  });

  it('a promise that the client resolves while a delivery naming it is on its way can be asked about (invariant 5)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'go', ['o+1']));
    await stage.finish(
      'alice',
      send('o-50', 'compute', [], 'p+5'),
      subscribe('p+5'),
    );
    const result = Object(stage.client.deliveries[0]?.[2]).result;
    await stage.say(send(stage.root('alice'), 'again'));
    const fence = stage.client.fence();
    stage.client.send(fulfil(result, dataOf('computed')));
    await stage.finish('alice', send('o-50', 'look', ['p+5']));
    fence.release();
    await settle();
    expect(Object(stage.client.deliveries[1]?.[2]).methargs.slots).toEqual([
      result,
    ]);
    await stage.finish('alice');
    await stage.say(subscribe(result));
    expect(stage.client.deliveries[2]).toEqual([
      'notify',
      [[result, false, dataOf('computed')]],
    ]);
    stage.client.send();
    await settle();
    expect(stage.client.told).toEqual([]);
    expect(stage.rig.kernel.state.promises.size).toBe(0);
    await end(stage);
  });

  it('an export that the client retires while it is being told that it is retired is gone, and nothing is wrong (invariants 4, 8)', async () => {
    const stage = await makeStage(['alice'], { actionsPerDelivery: 1 });
    await stage.say(send(stage.root('alice'), 'go', ['o+1']));
    const fence = stage.client.fence();
    await stage.finish('alice', drop('o-50'), retire('o-50'));
    await stage.say(retireOwn('o+1'));
    expect(stage.client.deliveries).toEqual([]);
    fence.release();
    await settle();
    expect(stage.client.deliveries).toEqual([
      ['dropExports', ['o+1']],
      ['retireExports', ['o+1']],
    ]);
    expect(stage.client.told).toEqual([]);
    await end(stage);
  });

  it('a name that lingers for a delivery on its way goes when the client has seen it (invariant 12)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'go', ['o+1']));
    await stage.finish('alice', send('o-50', 'compute', [], 'p+5'));
    const result = Object(stage.client.deliveries[0]?.[2]).result;
    await stage.say(send(stage.root('alice'), 'again'));
    const fence = stage.client.fence();
    stage.client.send(fulfil(result, dataOf('computed')));
    await stage.finish('alice', send('o-50', 'look', ['p+5']));
    fence.release();
    await settle();
    stage.client.send();
    await settle();
    await stage.say(send(stage.root('alice'), 'x', [result]));
    expect(stage.client.told).toEqual([endedWith(`has no ${result}`)]);
    await end(stage);
  });
});

describe('a session', () => {
  it('that breaks the protocol ends alone: nothing of its batch is applied, what it decides rejects, others go on (invariants 2, 7, 11)', async () => {
    const stage = await makeStage(['alice']);
    const other = await stage.rig.connect();
    const alice = Object(
      await other.rpc.call('reference', { cluster: 'demo', vat: 'alice' }),
    ).vref;
    other.send(send(alice, 'watch', ['p+1']));
    await settle();
    await stage.finish('alice', subscribe('p-50'));
    other.send(send(alice, 'never'), ['exit', false, dataOf('bye')]);
    await settle();
    expect(other.told).toEqual([endedWith('ends by closing')]);
    expect(stage.flight('alice')).toMatchObject([
      'notify',
      [['p-50', true, any]],
    ]);
    await stage.finish('alice');
    await stage.say(send(stage.root('alice'), 'mine'));
    await stage.finish('alice');
    // It may open another one on the same connection.
    await other.rpc.call('sessionOpen', {});
    expect(stage.rig.kernel.status().sessions).toBe(2);
    await end(stage);
  });

  it.each([
    ['no batch', null],
    ['no syscalls', { seen: 0 }],
    ['no seen', { syscalls: [] }],
    ['a delivery that was never sent', { syscalls: [], seen: 1 }],
    ['a negative delivery', { syscalls: [], seen: -1 }],
    ['no number', { syscalls: [], seen: '0' }],
    ['an unknown syscall', { syscalls: [['stop']], seen: 0 }],
    ['a promise to drop', { syscalls: [['dropImports', ['p-1']]], seen: 0 }],
    ['what it never had', { syscalls: [['dropImports', ['o-77']]], seen: 0 }],
  ])('that says %s ends', async (_, params) => {
    const stage = await makeStage(['alice']);
    stage.client.rpc.notify('syscalls', params);
    await settle();
    expect(stage.client.told).toEqual([endedWith('broke the protocol')]);
    await expect(
      stage.client.rpc.call('reference', { cluster: 'demo' }),
    ).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    await end(stage);
  });

  it.each([
    ['less than before', 1, 0],
    ['half a delivery', 0, 0.5],
  ])('that says it has seen %s ends', async (_, before, seen) => {
    const stage = await makeStage(['alice']);
    await stage.say(
      send(stage.root('alice'), 'go', [], 'p+1'),
      subscribe('p+1'),
    );
    await stage.finish('alice', fulfil('p-50', dataOf(1)));
    stage.client.rpc.notify('syscalls', { syscalls: [], seen: before });
    stage.client.rpc.notify('syscalls', { syscalls: [], seen });
    await settle();
    expect(stage.client.told).toEqual([endedWith('older one')]);
    await end(stage);
  });

  it('that has ended, and is still to be told so, is not heard any more, and may be closed', async () => {
    // By a clock that stands still, what is to be told waits for a vat that works.
    const { clock } = makeManualClock();
    const stage = await makeStage(['alice', 'bob'], {
      clock,
      holdMilliseconds: 1,
    });
    const { rpc, told } = stage.client;
    await stage.say(send(stage.root('alice'), 'work'));
    rpc.notify('syscalls', { syscalls: [], seen: 7 });
    stage.client.send(send(stage.root('bob'), 'never'));
    const closed = rpc.call('sessionClose', {});
    await settle();
    expect(told).toEqual([]);
    expect(stage.vat('bob').isBusy).toBe(false);
    await stage.finish('alice');
    await closed;
    expect(told).toEqual([endedWith('broke the protocol')]);
    await end(stage);
  });

  it('gets a reference to what somebody holds, and to nothing else', async () => {
    const stage = await makeStage(['alice', 'bob']);
    const refer = (kref: string) =>
      stage.client.rpc.call('reference', { kref });
    await stage.say(send(stage.root('alice'), 'meet', [stage.root('bob')]));
    await stage.finish('alice', send('o-50', 'take', ['o+7', 'o+8']));
    await stage.finish('bob', ['dropImports', [vref('o-50')]]);
    await expect(refer('ko4')).rejects.toMatchObject({
      code: 'OBJECT_UNKNOWN',
      message: 'Nobody holds ko4 any more: its exporter may have let it go',
    });
    const given = await refer('ko5');
    expect(await refer('ko5')).toEqual(given);
    await stage.say(send(Object(given).vref, 'hello'));
    expect(stage.flight('alice')).toMatchObject(['message', 'o+8', any]);
    await stage.finish('alice');
    await end(stage);
  });

  it('whose client never reads ends after 10,000 deliveries, and the vat that floods it runs on (invariant 11)', async () => {
    const stage = await makeStage(['alice'], { isChecked: false });
    await stage.say(send(stage.root('alice'), 'go', ['o+1']));
    await stage.finish(
      'alice',
      ...Array.from({ length: 11_000 }, () => send('o-50', 'flood')),
    );
    await stage.rig.kernel.idle();
    await settle();
    expect(stage.client.told).toEqual([endedWith('has not read')]);
    expect(stage.client.deliveries).toHaveLength(10_000);
    expect(stage.rig.kernel.state.queue.size).toBe(0);
    expect(stage.vat('alice').isKilled).toBe(false);
    await end(stage);
  });

  it('whose client never reads ends also when 10,000 deliveries are followed by what is to be told of garbage', async () => {
    const stage = await makeStage(['alice'], {
      isChecked: false,
      actionsPerDelivery: 1,
    });
    await stage.say(send(stage.root('alice'), 'go', ['o+1', 'o+2']));
    await stage.finish(
      'alice',
      ...Array.from({ length: 10_000 }, () => send('o-50', 'flood')),
    );
    expect(stage.client.told).toEqual([]);
    const other = await stage.rig.connect();
    const alice = await other.rpc.call('reference', {
      cluster: 'demo',
      vat: 'alice',
    });
    other.send(send(Object(alice).vref, 'let go'));
    await settle();
    await stage.finish('alice', drop('o-51'));
    expect(stage.client.told).toEqual([endedWith('has not read')]);
    expect(stage.client.deliveries).toHaveLength(10_000);
    await end(stage);
  });

  it('whose client does not read is told ten million units; the rest waits, is counted, and comes when it acknowledges (invariant 11)', async () => {
    const stage = await makeStage(['alice'], { isChecked: false });
    const { state } = stage.rig.kernel;
    await stage.say(send(stage.root('alice'), 'go', ['o+1']));
    const methargs = dataOf(['take', ['x'.repeat(1_000_000)]]);
    const syscalls = Array.from({ length: 15 }, (): Syscall => [
      'send',
      vref('o-50'),
      { methargs, result: null },
    ]);
    await stage.finish('alice', ...syscalls);
    await stage.rig.kernel.idle();
    await settle();
    expect(stage.client.deliveries).toHaveLength(10);
    expect(state.queue.size).toBe(5);
    expect(state.queuedUnits.total).toBeGreaterThan(5_000_000);
    stage.client.send();
    await settle();
    expect(stage.client.deliveries).toHaveLength(15);
    const more = [send(stage.root('alice'), 'more')];
    stage.client.rpc.notify('syscalls', { syscalls: more, seen: 11 });
    await settle();
    await stage.finish('alice', ...syscalls);
    await stage.rig.kernel.idle();
    await settle();
    expect(stage.client.deliveries).toHaveLength(15 + 10 - 4);
    expect(stage.client.told).toEqual([]);
    await end(stage);
  });

  it('whose client acknowledges lives on', async () => {
    const stage = await makeStage(['alice'], { isChecked: false });
    for (let round = 0; round < 3; round += 1) {
      await stage.say(send(stage.root('alice'), 'go', ['o+1']));
      await stage.finish(
        'alice',
        ...Array.from({ length: 6_000 }, () => send('o-50', 'flood')),
      );
    }
    expect(stage.client.deliveries).toHaveLength(18_000);
    expect(stage.client.told).toEqual([]);
    await end(stage);
  });

  it('hears with each delivery how much of what it said was applied before', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'one', [], 'p+1'));
    await stage.say(subscribe('p+1'));
    await stage.finish('alice', fulfil('p-50', dataOf(1)));
    expect(stage.client.applied()).toBe(2);
    await stage.say(send(stage.root('alice'), 'two', [], 'p+2'));
    await stage.say(subscribe('p+2'));
    await stage.finish('alice', fulfil('p-51', dataOf(2)));
    expect(stage.client.applied()).toBe(4);
    await end(stage);
  });

  it('that ends leaves its exports orphaned: a vat that calls them gets a rejection (invariants 5, 7)', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'keep', ['o+1']));
    await stage.client.rpc.call('sessionClose', {});
    await settle();
    await stage.finish(
      'alice',
      send('o-50', 'call', [], 'p+1'),
      subscribe('p+1'),
    );
    expect(stage.flight('alice')).toMatchObject([
      'notify',
      [['p+1', true, any]],
    ]);
    await stage.finish('alice');
    await end(stage);
  });

  it('opened anew on one connection has none of the old one’s names (invariants 4, 8)', async () => {
    const stage = await makeStage(['alice']);
    const first = await stage.client.rpc.call('sessionOpen', {});
    const second = await stage.client.rpc.call('sessionOpen', {});
    expect(first).not.toEqual(second);
    expect(stage.client.told).toHaveLength(2);
    stage.client.rpc.notify('syscalls', {
      syscalls: [send(stage.root('alice'), 'x')],
      seen: 0,
    });
    await settle();
    expect(stage.client.told.at(-1)).toEqual(endedWith('in its c-list'));
    await end(stage);
  });
});

describe('a client', () => {
  it('may only do what its privilege allows', async () => {
    const stage = await makeStage(['alice']);
    const reader = await stage.rig.connect('read');
    const operator = await stage.rig.connect('operate');
    for (const method of [
      'launch',
      'terminate',
      'restart',
      'sessionOpen',
      'sessionClose',
      'reference',
      'keep',
      'forget',
      'erase',
    ]) {
      await expect(reader.rpc.call(method, {})).rejects.toMatchObject({
        code: 'NOT_ALLOWED',
      });
    }
    await expect(operator.rpc.call('erase', {})).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    });
    expect(await reader.rpc.call('status', {})).toMatchObject({
      state: 'running',
    });
    expect(await reader.rpc.call('subscribe', {})).toMatchObject({
      state: 'running',
    });
    await stage.client.rpc.call('erase', {});
    expect(stage.rig.kernel.status().clusters).toEqual([]);
    await end(stage);
  });

  it.each([
    ['nonsense', {}, 'RPC_UNKNOWN_METHOD'],
    ['constructor', {}, 'RPC_UNKNOWN_METHOD'],
    ['terminate', null, 'BAD_REQUEST'],
    ['terminate', [], 'BAD_REQUEST'],
    ['terminate', {}, 'BAD_REQUEST'],
    ['terminate', { cluster: 1 }, 'BAD_REQUEST'],
    ['terminate', { cluster: 'nobody' }, 'CLUSTER_UNKNOWN'],
    ['restart', { cluster: 'demo', vat: 1 }, 'BAD_REQUEST'],
    ['restart', { cluster: 'demo', vat: 'nobody' }, 'VAT_UNKNOWN'],
    ['reference', {}, 'BAD_REQUEST'],
    ['reference', { kref: 'o-1' }, 'BAD_REQUEST'],
    ['reference', { kref: 'kp1' }, 'OBJECT_UNKNOWN'],
    ['reference', { kref: 'ko999' }, 'OBJECT_UNKNOWN'],
    ['reference', { home: 'nothing' }, 'OBJECT_UNKNOWN'],
    ['keep', { name: 'x', vref: 'o-999' }, 'BAD_REQUEST'],
    ['keep', { name: 'x', vref: 7 }, 'BAD_REQUEST'],
    ['forget', { name: 'nothing' }, 'OBJECT_UNKNOWN'],
    ['launch', {}, 'BAD_CONFIG'],
    ['launch', 'text', 'BAD_REQUEST'],
  ])(
    'that calls %s with %j gets %s, and the kernel runs on',
    async (method, params, code) => {
      const stage = await makeStage(['alice']);
      await expect(stage.client.rpc.call(method, params)).rejects.toMatchObject(
        {
          code,
        },
      );
      await end(stage);
    },
  );

  it.each([
    ['reference', { kref: 1n }],
    ['reference', { home: new Map() }],
    ['keep', { name: 'x', vref: 1n }],
    ['keep', { name: 1n, vref: [[]] }],
    ['launch', { config: { name: 1n, vats: { a: {} } } }],
    ['launch', { config: { bootstrap: 1n, vats: { a: {} } } }],
    ['terminate', { cluster: 1n }],
    ['restart', { cluster: 'demo', vat: new Date(0) }],
    ['forget', []],
  ])(
    'that asks for %s with %o is refused, and the kernel runs on',
    async (method, params) => {
      const stage = await makeStage(['alice']);
      await expect(stage.client.rpc.call(method, params)).rejects.toMatchObject(
        { code: expect.stringMatching(/^BAD_/) },
      );
      await end(stage);
    },
  );

  it('that sends a notification of no kind is cut off', async () => {
    const stage = await makeStage(['alice']);
    stage.client.rpc.notify('nonsense', {});
    await stage.client.rpc.closed;
    await settle();
    expect(stage.rig.kernel.status().sessions).toBe(0);
    await end(stage);
  });

  it('keeps an object under a name, also for the next session, until it forgets it', async () => {
    const stage = await makeStage(['alice']);
    const { rpc } = stage.client;
    const alice = stage.root('alice');
    await rpc.call('keep', { name: 'mine', vref: alice });
    await expect(
      rpc.call('keep', { name: 'mine', vref: alice }),
    ).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    await expect(
      rpc.call('keep', { name: 'demo', vref: alice }),
    ).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    await expect(
      rpc.call('keep', { name: 'no name', vref: alice }),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(
      rpc.call('launch', {
        config: { name: 'mine', vats: { a: { bundle: { text: RAW_BUNDLE } } } },
      }),
    ).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    const other = await stage.rig.connect();
    expect(await other.rpc.call('reference', { home: 'mine' })).toEqual({
      vref: alice,
      iface: 'Alleged: mine',
    });
    await rpc.call('forget', { name: 'mine' });
    await expect(
      other.rpc.call('reference', { home: 'mine' }),
    ).rejects.toMatchObject({ code: 'OBJECT_UNKNOWN' });
    await end(stage);
  });

  it('can’t keep a promise, or an object of its own that ends with the session', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'go', ['o+1', 'p+1']));
    await stage.finish('alice');
    for (const own of ['o+1', 'p+1']) {
      await expect(
        stage.client.rpc.call('keep', { name: 'x', vref: own }),
      ).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    }
    await end(stage);
  });
});

const cell = { bundle: { text: RAW_BUNDLE } };
const leftOf = ({ kernel, image, vats }: Rig) => ({
  rows: Object.fromEntries(
    [...image.tables]
      .filter(([name]) => name !== 'counters')
      .map(([name, rows]) => [name, rows.size]),
  ),
  files: image.vats.size,
  clusters: kernel.status().clusters.map(({ name }) => name),
  workers: vats.all.filter(({ isKilled }) => !isKilled).length,
});

describe('a launch that fails says why and leaves nothing behind', () => {
  const refuse = async (
    config: unknown,
    options: Parameters<typeof makeRig>[1] & {
      behave?: Parameters<typeof makeRig>[0];
    } = {},
  ) => {
    const { behave = answerStart, ...rest } = options;
    const rig = makeRig(behave, rest);
    const client = await rig.connect();
    const before = leftOf(rig);
    const problem = await client.rpc.call('launch', { config }).then(
      () => undefined,
      (thrown: unknown) => Object(thrown),
    );
    await rig.kernel.idle();
    await settle();
    expect(leftOf(rig)).toEqual(before);
    const [launch] = rig.kernel.status().launches;
    expect(
      launch?.steps.some(({ state }) => state === 'running') ?? false,
    ).toBe(false);
    await rig.kernel.stop();
    return { code: problem?.code, message: problem?.message };
  };

  it.each([
    ['of no config', 7, 'BAD_CONFIG'],
    ['of an unknown field', { vats: { a: cell }, color: 1 }, 'BAD_CONFIG'],
    ['of no vats', { vats: {} }, 'BAD_CONFIG'],
    [
      'of a bootstrap that is none of them',
      { bootstrap: 'b', vats: { a: cell } },
      'BAD_CONFIG',
    ],
    [
      'of an unknown service',
      { vats: { a: cell }, services: ['oracle'] },
      'SERVICE_UNKNOWN',
    ],
    [
      'of a bundle that is no JSON',
      { vats: { a: cell, b: { bundle: { text: 'x' } } } },
      'BAD_BUNDLE',
    ],
    [
      'of half of a surrogate pair in a bundle',
      {
        vats: {
          a: { bundle: { text: '{"moduleFormat":"getExport","x":"\ud800"}' } },
        },
      },
      'BAD_BUNDLE',
    ],
    [
      'of a bundle that is not stored',
      { vats: { a: { bundle: { hash: 'f'.repeat(128) } } } },
      'BAD_BUNDLE',
    ],
    [
      'of an unreachable URL',
      { vats: { a: { bundle: { url: 'http://127.0.0.1:1/x' } } } },
      'BUNDLE_UNREACHABLE',
    ],
    [
      'of parameters that no JSON can say',
      { vats: { a: { ...cell, parameters: 10n } } },
      'BAD_CONFIG',
    ],
    [
      'of parameters that hold a map',
      { vats: { a: { ...cell, parameters: { x: [new Map()] } } } },
      'BAD_CONFIG',
    ],
    [
      'of parameters that name a reference',
      { vats: { a: { ...cell, parameters: { '@ref': 'ko1' } } } },
      'BAD_CONFIG',
    ],
  ])('because %s', async (_, config, code) => {
    expect(await refuse(config)).toMatchObject({ code });
  });

  it('because one of its vats throws in startVat', async () => {
    const problem = await refuse(
      { name: 'x', vats: { a: cell, b: cell, c: cell } },
      {
        behave: (delivery, vat) =>
          vat.label === 'b'
            ? { outcome: { ok: false, problem: 'no root here' } }
            : answerStart(delivery),
      },
    );
    expect(problem).toEqual({
      code: 'LAUNCH_FAILED',
      message: expect.stringContaining('Vat b: no root here'),
    });
  });

  it.each([
    ['names what it never had', [send('o-9', 'x')]],
    ['ends itself', [['exit', false, dataOf('bye')]]],
  ])('because one of its vats %s in startVat', async (_, syscalls) => {
    const problem = await refuse(
      { name: 'x', vats: { a: cell, b: cell } },
      {
        behave: (delivery, { label }) =>
          label === 'b'
            ? { syscalls: syscalls as never, changes: [['k', 'v']] }
            : answerStart(delivery),
      },
    );
    expect(problem.code).toBe('LAUNCH_FAILED');
  });

  it('because the code of one vat can’t be loaded, or its worker does not start', async () => {
    const config = { name: 'x', vats: { a: cell, b: cell } };
    expect(
      await refuse(config, {
        begin: label => (label === 'b' ? { failed: 'line 3: no' } : 'ready'),
      }),
    ).toMatchObject({ message: expect.stringContaining('Vat b: line 3: no') });
    expect(
      await refuse(config, {
        begin: label => (label === 'b' ? 'refused' : 'ready'),
      }),
    ).toMatchObject({ message: expect.stringContaining('no room') });
  });

  it('because a vat that had started is lost before the others have (invariant 2)', async () => {
    const rig = makeRig((delivery, { label }) =>
      label === 'slow' ? undefined : answerStart(delivery),
    );
    const client = await rig.connect();
    const before = leftOf(rig);
    const launch = client.rpc.call('launch', {
      config: { name: 'x', vats: { quick: cell, slow: cell } },
    });
    const refused = expect(launch).rejects.toMatchObject({
      code: 'LAUNCH_FAILED',
      message: expect.stringContaining('Vat quick: it died'),
    });
    await settle();
    rig.vats.get('quick').lose('it died');
    await refused;
    await settle();
    expect(leftOf(rig)).toEqual(before);
    await rig.kernel.stop();
  });

  it('because a vat does not end its startVat (invariant 11)', async () => {
    const { clock, advance } = makeManualClock();
    const rig = makeRig(() => undefined, { clock });
    const client = await rig.connect();
    const launch = client.rpc.call('launch', {
      config: { name: 'x', vats: { a: cell } },
    });
    const refused = expect(launch).rejects.toMatchObject({
      code: 'LAUNCH_FAILED',
      message: expect.stringContaining('within 5 s'),
    });
    await settle();
    advance(30_000);
    await refused;
    expect(leftOf(rig).workers).toBe(0);
    await rig.kernel.stop();
  });

  it('because its workers do not say hello: four are started at once, and each of them has its whole time (invariant 11)', async () => {
    const { clock, advance } = makeManualClock();
    const rig = makeRig(answerStart, {
      clock,
      begin: label => (label.startsWith('mute') ? 'silent' : 'ready'),
    });
    const client = await rig.connect();
    const launch = (name: string, label: string) =>
      client.rpc.call('launch', {
        config: {
          name,
          vats: Object.fromEntries(
            [1, 2, 3, 4, 5, 6].map(index => [`${label}${index}`, cell]),
          ),
        },
      });
    const refused = expect(launch('x', 'mute')).rejects.toMatchObject({
      code: 'LAUNCH_FAILED',
      message: expect.stringContaining('within 20 s'),
    });
    await settle();
    const others = launch('y', 'vat');
    await settle();
    expect(rig.vats.all.length).toBe(4);
    advance(20_000);
    await refused;
    await settle();
    await others;
    expect(rig.vats.all.filter(({ isKilled }) => !isKilled).length).toBe(6);
    await rig.kernel.stop();
  });

  it('because everything was erased meanwhile', async () => {
    const rig = makeRig(() => undefined);
    const client = await rig.connect();
    const launch = client.rpc.call('launch', {
      config: { name: 'x', vats: { a: cell } },
    });
    const refused = expect(launch).rejects.toMatchObject({
      code: 'LAUNCH_FAILED',
      message: 'Everything was erased',
    });
    await settle();
    await client.rpc.call('erase', {});
    await refused;
    expect(leftOf(rig)).toMatchObject({ clusters: [], workers: 0 });
    await rig.kernel.stop();
  });

  it('when another of that name is on its way: one of the two runs', async () => {
    const rig = makeRig(answerStart);
    const client = await rig.connect();
    const config = { name: 'twin', vats: { a: cell } };
    const launches = await Promise.allSettled([
      client.rpc.call('launch', { config }),
      client.rpc.call('launch', { config }),
    ]);
    expect(launches).toMatchObject([
      { status: 'fulfilled', value: { name: 'twin' } },
      { status: 'rejected', reason: { code: 'CLUSTER_EXISTS' } },
    ]);
    expect(leftOf(rig)).toMatchObject({ clusters: ['twin'], workers: 1 });
    await rig.kernel.stop();
  });
});

describe('a launch', () => {
  it('that is cut off with its client goes on: the kernel owns it', async () => {
    const rig = makeRig(delivery =>
      delivery[0] === 'startVat' ? undefined : answerStart(delivery),
    );
    const client = await rig.connect();
    const launch = client.rpc.call('launch', {
      config: { name: 'x', vats: { a: cell } },
    });
    const refused = expect(launch).rejects.toThrow();
    await settle();
    client.rpc.close();
    await refused;
    rig.vats.get('a').finish();
    await settle();
    expect(leftOf(rig).clusters).toEqual(['x']);
    await rig.kernel.stop();
  });

  it('under way when the kernel stops rejects, and so does what is asked of it afterwards', async () => {
    const rig = makeRig(() => undefined);
    const client = await rig.connect();
    const launch = client.rpc.call('launch', {
      config: { name: 'x', vats: { a: cell } },
    });
    const refused = expect(launch).rejects.toMatchObject({
      code: 'KERNEL_STOPPED',
    });
    await settle();
    await rig.kernel.stop();
    await refused;
    await settle();
    expect(client.told.at(-1)).toMatchObject({
      method: 'sessionEnded',
      params: { code: 'KERNEL_STOPPED' },
    });
    await expect(client.rpc.call('sessionOpen', {})).rejects.toMatchObject({
      code: 'KERNEL_STOPPED',
    });
    expect(rig.vats.all.every(({ isKilled }) => isKilled)).toBe(true);
    await expect(rig.kernel.idle()).rejects.toThrow(CooperageError);
  });
});
