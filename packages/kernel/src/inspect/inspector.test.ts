import { describe, expect, it } from 'vitest';
import type { CapData, Syscall } from '@cooperage/protocol';
import { makeRig } from '../testing/rig.ts';
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
  type Stage,
} from '../testing/stage.ts';
import { reportCycles } from './cycles.ts';

/** A message whose arguments allege what they are. */
const tell = (target: string, ...purses: readonly string[]): Syscall => [
  'send',
  vref(target),
  {
    methargs: dataOf(
      ['take', purses.map((_, index) => `$${index}.Alleged: Purse`)],
      ...purses,
    ),
    result: null,
  },
];

const ask = (stage: Stage, params: object) =>
  stage.client.rpc.call('inspect', params);

const none = { items: [], leftOut: 0 };
const one = (...items: readonly unknown[]) => ({ items, leftOut: 0 });
const roots = { boot: 'ko1', alice: 'ko2', bob: 'ko3' };
const alice = { endpoint: 'v2', name: 'demo.alice' };
const bob = { endpoint: 'v3', name: 'demo.bob' };
const client = { endpoint: 's3', name: 'test' };
const purse = { kref: 'ko4', iface: 'Purse', name: null };
const aliceRoot = { kref: 'ko2', iface: null, name: 'demo.alice' };
const bobRoot = { kref: 'ko3', iface: null, name: 'demo.bob' };

const held = (endpoint: object, vref: string, reachable = true) => ({
  by: 'clist',
  endpoint,
  vref,
  isExport: false,
  reachable,
});

/** Alice has given bob a purse of hers (ko4), and nobody holds anything else. */
const makeGift = async (): Promise<Stage> => {
  const stage = await makeStage(['alice', 'bob']);
  await stage.say(send(stage.root('alice'), 'meet', [stage.root('bob')]));
  await stage.finish('alice', tell('o-50', 'o+7'));
  return stage;
};

describe('an object under inspection', () => {
  it('is told by what waits for its holder, and by its holder once that has it', async () => {
    const stage = await makeGift();
    const waiting = {
      by: 'inbox',
      endpoint: bob,
      as: 'argument',
    };
    expect(await ask(stage, { kref: 'ko4' })).toEqual({
      ...purse,
      kind: 'object',
      exporter: alice,
      exportedAs: 'o+7',
      holders: one(waiting),
      counts: { reachable: 1, recognizable: 1 },
      life: {
        state: 'held',
        chain: [{ holder: waiting, held: purse }],
        mayBeFor: null,
      },
    });
    await stage.finish('bob');
    expect(await ask(stage, { kref: 'ko4' })).toMatchObject({
      holders: one(held(bob, 'o-50')),
      life: {
        state: 'held',
        chain: [{ holder: held(bob, 'o-50'), held: purse }],
        mayBeFor: one(bobRoot),
      },
    });
    await end(stage);
  });

  it('is only recognizable when its one importer has dropped it, and unheld when that has retired it', async () => {
    const stage = await makeGift();
    await stage.finish('bob', ['dropImports', [vref('o-50')]]);
    expect(await ask(stage, { kref: 'ko4' })).toMatchObject({
      holders: one(held(bob, 'o-50', false)),
      counts: { reachable: 0, recognizable: 1 },
      life: { state: 'recognizable' },
    });
    expect(await ask(stage, { endpoint: 'v3' })).toMatchObject({
      counts: { imports: 0, importsRecognizable: 1 },
      imports: one({ ...purse, vref: 'o-50', reachable: false }),
    });
    await stage.say(send(stage.root('bob'), 'again'));
    await stage.finish('bob', ['retireImports', [vref('o-50')]]);
    const answer = ask(stage, { kref: 'ko4' });
    // A collector may have told alice already, and she has nothing to say of it.
    await expect(answer).resolves.toMatchObject({
      holders: none,
      counts: { reachable: 0, recognizable: 0 },
      life: { state: 'unheld' },
    });
    await end(stage);
  });

  it('may be named by a vref of the one who asks, a name in home, and says which vat it is the root of', async () => {
    const stage = await makeStage(['alice']);
    const root = stage.root('alice');
    await stage.client.rpc.call('keep', { name: 'friend', vref: root });
    const asked = await Promise.all(
      [{ vref: root }, { home: 'friend' }, { kref: roots.alice }].map(request =>
        ask(stage, request),
      ),
    );
    expect(asked[0]).toMatchObject({
      ...aliceRoot,
      exporter: alice,
      exportedAs: 'o+0',
      counts: { reachable: 4, recognizable: 4 },
      life: {
        chain: [{ holder: { by: 'home', name: 'friend' }, held: aliceRoot }],
      },
    });
    expect(Object(asked[0]).holders.items).toEqual(
      expect.arrayContaining([
        { by: 'home', name: 'friend' },
        { by: 'root', vat: alice },
      ]),
    );
    expect(asked[1]).toEqual(asked[0]);
    expect(asked[2]).toEqual(asked[0]);
    await end(stage);
  });

  it('is not told of before it is committed: its kref has then left the kernel (invariants 8, 10)', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      epochCranks: Infinity,
      epochMilliseconds: 2 ** 30,
    });
    const committed = () =>
      [...(stage.rig.image.tables.get('objects')?.values() ?? [])].some(
        ([kref]) => kref === 'ko4',
      );
    await stage.say(send(stage.root('alice'), 'meet', [stage.root('bob')]));
    await stage.finish('alice', tell('o-50', 'o+7'));
    expect(committed()).toBe(false); // bob is at work, and nobody waits
    await ask(stage, { kref: 'ko4' });
    expect(committed()).toBe(true);
    await stage.finish('bob');
    await end(stage);
  });

  it('is known by what its exporter alleged with the first mention, also after a restart', async () => {
    const stage = await makeGift();
    await stage.finish('bob');
    const { image } = stage.rig;
    await end(stage);
    const again = makeRig(answerStart, { image });
    const { rpc } = await again.connect();
    expect(await rpc.call('inspect', { kref: 'ko4' })).toMatchObject({
      iface: 'Purse',
      exporter: null, // an ephemeral export: it went with its vat's heap
    });
    await again.kernel.stop();
  });
});

describe('a promise under inspection', () => {
  it('tells its decider, its subscribers, what waits for it, and what holds it', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await stage.say(
      send(stage.root('alice'), 'ask', [], 'p+1'),
      subscribe('p+1'),
      send('p+1', 'more', [stage.root('bob')]),
    );
    await stage.finish('alice');
    const promise = { kref: 'kp2', iface: null, name: null };
    expect(await ask(stage, { vref: 'p+1' })).toMatchObject({
      ...promise,
      kind: 'promise',
      state: 'unresolved',
      decider: alice,
      subscribers: one(client),
      names: none,
      parked: 1,
      counts: { holders: 2 },
      life: { state: 'held', mayBeFor: null },
    });
    const { holders } = Object(await ask(stage, { kref: roots.bob }));
    expect(holders.items).toContainEqual({
      by: 'parked',
      promise,
      as: 'argument',
    });
    await end(stage);
  });

  it('holds what its data names: the chain leads over it', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await stage.say(
      send(stage.root('alice'), 'ask', [], 'p+1'),
      send(stage.root('bob'), 'take', ['p+1']),
    );
    const data: CapData = dataOf('$0.Alleged: Purse', 'o+7');
    await stage.finish('alice', fulfil('p-50', data));
    const promise = { kref: 'kp2', iface: null, name: null };
    expect(await ask(stage, { kref: 'ko4' })).toMatchObject({
      holders: one({ by: 'data', promise }),
      life: {
        state: 'held',
        chain: [
          { holder: { by: 'clist', endpoint: client }, held: promise },
          { holder: { by: 'data', promise }, held: purse },
        ],
      },
    });
    expect(await ask(stage, { kref: 'kp2' })).toMatchObject({
      state: 'fulfilled',
      names: one(purse),
    });
    await end(stage);
  });

  it('of promises whose data names the next is as long as they are many', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'ask', [], 'p+1'));
    await stage.finish('alice', [
      'resolve',
      [
        [vref('p-50'), false, dataOf(['&0'], 'p+8')],
        [vref('p+8'), false, dataOf(['&0'], 'p+9')],
        [vref('p+9'), false, dataOf('$0.Alleged: Purse', 'o+7')],
      ],
    ]);
    const [first, second, third] = ['kp2', 'kp3', 'kp4'].map(kref => ({
      kref,
      iface: null,
      name: null,
    }));
    const { life } = Object(await ask(stage, { kref: 'ko3' }));
    expect(life).toMatchObject({
      state: 'held',
      chain: [
        { holder: { by: 'clist', endpoint: { name: 'test' } }, held: first },
        { holder: { by: 'data', promise: first }, held: second },
        { holder: { by: 'data', promise: second }, held: third },
        { holder: { by: 'data', promise: third }, held: { kref: 'ko3' } },
      ],
    });
    await end(stage);
  });
});

describe('a vat or session under inspection', () => {
  it('tells its exports and imports, newest first, and whether anybody reaches them', async () => {
    const stage = await makeGift();
    await stage.finish('bob', ['dropImports', [vref('o-50')]]);
    const inspected = await ask(stage, { cluster: 'demo', vat: 'alice' });
    expect(inspected).toEqual({
      ...alice,
      kind: 'vat',
      root: aliceRoot,
      vat: {
        reason: null,
        stoppedBy: null,
        incarnation: 1,
        bundleHash: expect.stringMatching(/^\w+$/),
        store: { bytes: 0, unfolded: 0 },
        limits: expect.arrayContaining([
          { limit: 'inboxMessages', now: 0, most: 100_000 },
          { limit: 'storeBytes', now: 0, most: 268_435_456 },
        ]),
        endowments: ['console'],
        powers: none,
      },
      counts: {
        exports: 2,
        exportsReachable: 1,
        imports: 1,
        importsRecognizable: 0,
        promises: 0,
        decides: 0,
        waiting: 0,
      },
      unseen: 0,
      exports: one(
        { ...purse, vref: 'o+7', reachable: false },
        { ...aliceRoot, vref: 'o+0', reachable: true },
      ),
      imports: one({ ...bobRoot, vref: 'o-50', reachable: true }),
    });
    expect(await ask(stage, { endpoint: 'v2' })).toEqual(inspected);
    expect(await ask(stage, { endpoint: 's3' })).toMatchObject({
      ...client,
      kind: 'session',
      root: null,
      counts: { exports: 0, imports: 2 },
    });
    await end(stage);
  });

  it('tells why the vat is stopped and by whom, and what is not in its file yet', async () => {
    const stage = await makeStage(['alice'], { foldMilliseconds: 1e6 });
    await stage.say(send(stage.root('alice'), 'write'));
    await stage.finishWith('alice', { changes: [['key', 'value']] });
    await stage.client.rpc.call('suspend', { cluster: 'demo', vat: 'alice' });
    expect(await ask(stage, { endpoint: 'v2' })).toMatchObject({
      vat: {
        reason: 'suspended by a person',
        stoppedBy: 'person',
        store: { bytes: 0, unfolded: 1 },
      },
    });
    await end(stage);
  });

  it('decides and waits, and holds promises', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(
      send(stage.root('alice'), 'first', [], 'p+1'),
      send(stage.root('alice'), 'second', [], 'p+2'),
    );
    await stage.finish('alice');
    const { counts } = Object(await ask(stage, { endpoint: 'v2' }));
    expect(counts).toEqual({
      exports: 1,
      exportsReachable: 1,
      imports: 0,
      importsRecognizable: 0,
      promises: 1,
      decides: 1,
      waiting: 1,
    });
    await stage.finish('alice');
    await end(stage);
  });

  it('lists a hundred, and counts what it leaves out', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await stage.say(send(stage.root('alice'), 'meet', [stage.root('bob')]));
    const many = Array.from({ length: 150 }, (_, index) => `o+${index + 1}`);
    await stage.finish('alice', tell('o-50', ...many));
    await stage.finish('bob');
    const { counts, exports } = Object(await ask(stage, { endpoint: 'v2' }));
    expect([counts.exports, exports.items.length, exports.leftOut]).toEqual([
      151, 100, 51,
    ]);
    await end(stage);
  });
});

describe('what is not there', () => {
  it.each([
    [{ kref: 'ko99' }, 'OBJECT_UNKNOWN', 'There is no ko99'],
    [{ kref: 'kp99' }, 'OBJECT_UNKNOWN', 'There is no kp99'],
    [{ kref: 'bob' }, 'BAD_REQUEST', '"bob" is no kref'],
    [{ vref: 'o-99' }, 'OBJECT_UNKNOWN', 'This session has no o-99'],
    [{ home: 'x' }, 'OBJECT_UNKNOWN', 'Nothing is kept under the name "x"'],
    [{ endpoint: 'v99' }, 'VAT_UNKNOWN', 'There is no vat v99'],
    [{ endpoint: 's99' }, 'SESSION_CLOSED', 'There is no session s99'],
    [{ endpoint: 'c1' }, 'BAD_REQUEST', '"c1" is no vat (v3) or session'],
    [{ cluster: 'demo', vat: 'eve' }, 'VAT_UNKNOWN', 'has no vat "eve"'],
  ])('is refused: %j', async (params, code, message) => {
    const stage = await makeStage(['alice']);
    await expect(ask(stage, params)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    await end(stage);
  });

  it('may have been there: how a vat has ended is told', async () => {
    const stage = await makeStage(['alice']);
    const gone = { cluster: 'demo', vat: 'alice' };
    await stage.client.rpc.call('terminate', gone);
    await expect(ask(stage, { endpoint: 'v2' })).rejects.toMatchObject({
      code: 'VAT_UNKNOWN',
      message: expect.stringMatching(
        /^There is no vat v2, or not any more: demo\.alice \(v2\) ended in incarnation 1, for /,
      ),
    });
    await expect(ask(stage, { endpoint: 'v99' })).rejects.toMatchObject({
      message: 'There is no vat v99, or not any more',
    });
    await end(stage);
  });

  it('needs no privilege but that to read, and a session only for its own names', async () => {
    const stage = await makeStage(['alice']);
    const reader = await stage.rig.connect('read');
    expect(await reader.rpc.call('inspect', { kref: 'ko2' })).toMatchObject(
      aliceRoot,
    );
    await expect(
      reader.rpc.call('inspect', { vref: 'o-2' }),
    ).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    await end(stage);
  });
});

describe('a leak report', () => {
  it('tells what grew since a mark, by vat and by interface, with the newest as examples', async () => {
    const stage = await makeGift();
    await stage.finish('bob');
    const { mark } = Object(await stage.client.rpc.call('mark', {}));
    const grownSince = () => stage.client.rpc.call('grownSince', { mark });
    expect(await grownSince()).toMatchObject({
      mark,
      totals: { objects: { before: 4, now: 4 } },
      endpoints: none,
      interfaces: none,
    });
    await stage.say(send(stage.root('alice'), 'more'));
    await stage.finish('alice', tell('o-50', 'o+8', 'o+9', 'o+10', 'o+11'));
    await stage.finish('bob');
    const still = { before: 0, now: 0 };
    expect(await grownSince()).toEqual({
      mark,
      at: expect.any(Number),
      totals: {
        objects: { before: 4, now: 8 },
        promises: still,
        references: { before: 10, now: 18 },
        queued: still,
      },
      endpoints: one(
        {
          ...alice,
          exports: { before: 2, now: 6 },
          imports: { before: 1, now: 1 },
          promises: still,
          waiting: still,
        },
        {
          ...bob,
          exports: { before: 1, now: 1 },
          imports: { before: 1, now: 5 },
          promises: still,
          waiting: still,
        },
      ),
      interfaces: one({
        exporter: alice,
        iface: 'Purse',
        objects: { before: 1, now: 5 },
        newest: ['ko8', 'ko7', 'ko6'].map(kref => ({ ...purse, kref })),
      }),
      unseen: still,
    });
    await end(stage);
  });

  it('knows the last sixteen marks, and says so of any other', async () => {
    const stage = await makeStage([]);
    const marks: string[] = [];
    for (let count = 0; count < 17; count += 1) {
      marks.push(Object(await stage.client.rpc.call('mark', {})).mark);
    }
    expect(new Set(marks).size).toBe(17);
    const [first, second] = marks;
    await expect(
      stage.client.rpc.call('grownSince', { mark: first }),
    ).rejects.toMatchObject({
      code: 'MARK_UNKNOWN',
      message: expect.stringContaining(`There is no mark "${first}"`),
    });
    await stage.client.rpc.call('grownSince', { mark: second });
    await end(stage);
  });
});

describe('cycles', () => {
  const cyclesOf = async (stage: Stage) =>
    Object(await stage.client.rpc.call('cycles', {})).cycles;

  /** Alice has bob's ledger (ko5), bob alice's purse (ko4). */
  const makeSwap = async (): Promise<Stage> => {
    const stage = await makeGift();
    await stage.finish('bob');
    await stage.say(send(stage.root('bob'), 'meet', [stage.root('alice')]));
    await stage.finish('bob', send('o-51', 'take', ['o+3']));
    await stage.finish('alice');
    return stage;
  };
  const ledger = { kref: 'ko5', iface: null, name: null };
  const swap = {
    vats: [alice, bob],
    edges: one(
      { by: 'clist', vat: alice, exporter: bob, held: ledger },
      { by: 'clist', vat: bob, exporter: alice, held: purse },
    ),
    alsoHeldBy: none,
    isGarbage: false,
  };

  it('of two vats that hold each other’s objects are reported, roots and what roots hold left out', async () => {
    const stage = await makeSwap();
    const [found] = (await cyclesOf(stage)).items;
    expect({
      ...found,
      vats: [...found.vats].sort((a, b) => (a.name < b.name ? -1 : 1)),
      edges: one(
        ...[...found.edges.items].sort((a, b) =>
          a.vat.name < b.vat.name ? -1 : 1,
        ),
      ),
    }).toEqual(swap);
    const { vref: name } = Object(
      await stage.client.rpc.call('reference', { kref: 'ko4' }),
    );
    expect(await cyclesOf(stage)).toEqual(none);
    await stage.say(['dropImports', [name]]);
    expect((await cyclesOf(stage)).items).toHaveLength(1);
    await stage.say(send(stage.root('alice'), 'ask', [], 'p+1'));
    const { result } = Object(stage.flight('alice'))[2];
    const answer = dataOf('$0.Alleged: Purse', 'o+7');
    await stage.finish('alice', fulfil(result, answer));
    expect(await cyclesOf(stage)).toEqual(none); // the client has the promise
    await stage.say(subscribe('p+1'));
    const told = stage.client.deliveries.at(-1);
    expect(told).toEqual(['notify', [['p+1', false, expect.anything()]]]);
    await stage.say(['dropImports', [Object(told)[1][0][2].slots[0]]]);
    expect((await cyclesOf(stage)).items).toHaveLength(1);
    await stage.say(send(stage.root('bob'), 'let go'));
    await stage.finish('bob', ['dropImports', [vref('o-50')]]);
    expect(await cyclesOf(stage)).toEqual(none);
    await end(stage);
  });

  it('are followed in as many rows of c-lists as may be looked at, and no more', async () => {
    const stage = await makeSwap();
    const { state } = stage.rig.kernel;
    const rows = [...state.vats.values()].reduce(
      (sum, { id }) => sum + state.clistByEndpoint.count(id),
      0,
    );
    const reports = [rows, rows - 1, 0].map(most =>
      reportCycles(state, { rows: most, members: 1, holders: 1_000 }),
    );
    expect(reports.map(({ unseen }) => unseen)).toEqual([0, 1, rows]);
    expect(reports[0]?.cycles.items).toHaveLength(1);
    expect(reports[2]?.cycles).toEqual(none);
    await end(stage);
  });

  /** The promise that alice makes first. */
  const question = { kref: 'kp2', iface: null, name: null };

  it('of a promise and the messages that wait for it are reported', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await stage.say(send(stage.root('alice'), 'meet', [stage.root('bob')]));
    await stage.finish(
      'alice',
      send('o-50', 'ask', [], 'p+5'),
      send('p+5', 'more', ['p+5']),
    );
    expect(await cyclesOf(stage)).toEqual(none); // the question waits for bob
    await stage.finish('bob');
    expect(await cyclesOf(stage)).toEqual(
      one({
        vats: [],
        edges: one({ by: 'parked', promise: question, held: question }),
        alsoHeldBy: { items: expect.arrayContaining([alice, bob]), leftOut: 0 },
        isGarbage: false,
      }),
    );
    await end(stage);
  });

  it('of a vat and a promise that it knows are reported without what leads out of them', async () => {
    const stage = await makeStage(['alice', 'bob', 'carol']);
    await stage.say(
      send(stage.root('alice'), 'meet', [stage.root('bob')]),
      send(stage.root('carol'), 'meet', [stage.root('alice')]),
    );
    await stage.finish('carol', send('o-50', 'take', ['o+3']));
    await stage.finish('alice');
    await stage.finish(
      'alice',
      send('o-50', 'ask', [], 'p+5'),
      send('p+5', 'more', ['o+7', 'o-51']),
    );
    await stage.finish('bob');
    const { items } = await cyclesOf(stage);
    expect(items).toEqual([
      {
        vats: [alice],
        edges: {
          items: expect.arrayContaining([
            { by: 'clist', vat: alice, exporter: null, held: question },
            {
              by: 'parked',
              promise: question,
              held: { kref: 'ko6', iface: null, name: null },
            },
          ]),
          leftOut: 0,
        },
        alsoHeldBy: one(bob),
        isGarbage: false,
      },
    ]);
    expect(items[0].edges.items).toHaveLength(2);
    await end(stage);
  });

  it('are told by size, and whether a promise outside of them holds them', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'take', ['p+1']));
    await stage.finish('alice');
    const settled = (promise: string, ...names: readonly string[]) =>
      [
        vref(promise),
        false,
        dataOf(
          names.map((_, index) => `&${index}`),
          ...names,
        ),
      ] as const;
    await stage.say([
      'resolve',
      [
        settled('p+1', 'p+2', 'p+4'),
        settled('p+2', 'p+3'),
        settled('p+3', 'p+2'),
        settled('p+4', 'p+5'),
        settled('p+5', 'p+6'),
        settled('p+6', 'p+4'),
      ],
    ]);
    const { items } = await cyclesOf(stage);
    expect(items).toMatchObject(
      [3, 2].map(() => ({ alsoHeldBy: none, isGarbage: false })),
    );
    expect(
      items.map(
        ({ edges }: { edges: { items: unknown[] } }) => edges.items.length,
      ),
    ).toEqual([3, 2]);
    await end(stage);
  });

  it('of promises that were settled to each other are gone once everybody was told', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(send(stage.root('alice'), 'take', ['p+1', 'p+2']));
    await stage.finish('alice');
    const before = await cyclesOf(stage);
    expect(before).toEqual(none);
    await stage.say([
      'resolve',
      [
        [vref('p+1'), false, { body: '#["&0"]', slots: [vref('p+2')] }],
        [vref('p+2'), false, { body: '#["&0"]', slots: [vref('p+1')] }],
      ],
    ]);
    const first = { kref: 'kp2', iface: null, name: null };
    const second = { kref: 'kp3', iface: null, name: null };
    const edges = expect.arrayContaining([
      { by: 'data', promise: first, held: second },
      { by: 'data', promise: second, held: first },
    ]);
    expect(await cyclesOf(stage)).toEqual(
      one({
        vats: [],
        edges: { items: edges, leftOut: 0 },
        alsoHeldBy: one(alice),
        isGarbage: false,
      }),
    );
    await stage.say(send(stage.root('alice'), 'listen'));
    await stage.finish('alice', subscribe('p-50'));
    await stage.finish('alice');
    await settle();
    expect(await cyclesOf(stage)).toEqual(none);
    await end(stage);
  });

  it('of more promises than a crank looks at are garbage until the next collection', async () => {
    const stage = await makeStage(['alice'], {
      isChecked: false,
      collectMilliseconds: Infinity,
    });
    const count = 1_100;
    const all = Array.from({ length: count }, (_, index) =>
      vref(`p+${index + 1}`),
    );
    await stage.say(send(stage.root('alice'), 'take', all));
    await stage.finish('alice');
    await stage.say([
      'resolve',
      all.map((promise, index) => [
        promise,
        false,
        { body: '#["&0"]', slots: [all[(index + 1) % count] ?? promise] },
      ]),
    ]);
    await stage.say(send(stage.root('alice'), 'listen'));
    await stage.finish('alice', subscribe('p-50'));
    await stage.finish('alice');
    const { items } = await cyclesOf(stage);
    expect(items).toMatchObject([
      {
        vats: [],
        edges: { leftOut: count - 50 },
        alsoHeldBy: none,
        isGarbage: true,
      },
    ]);
    const isGarbage = (bounds: { members?: number; holders?: number }) => {
      const { cycles } = reportCycles(stage.rig.kernel.state, {
        rows: 1_000,
        members: count,
        holders: 10_000,
        ...bounds,
      });
      return cycles.items[0]?.isGarbage;
    };
    // Where not all can be looked at, nobody knows.
    expect(
      [{}, { members: count - 1 }, { holders: count }].map(isGarbage),
    ).toEqual([true, false, false]);
    const { kref } = items[0].edges.items[0].held;
    expect(await ask(stage, { kref })).toMatchObject({
      life: { state: 'cycle', among: { leftOut: count - 20 } },
    });
    await stage.client.rpc.call('collect', {});
    expect(await cyclesOf(stage)).toEqual(none);
    await end(stage);
  });
});
