import { describe, expect, it } from 'vitest';
import {
  DEFAULT_VAT_LIMITS,
  type Delivery,
  type Resolution,
  type Syscall,
  type VatLimits,
} from '@cooperage/protocol';
import { makeMemoryImage, openMemoryKernelDb } from './adapters/memory.ts';
import { makeState } from './store/state.ts';
import {
  call,
  makeServiceStage,
  referTo,
  toldOf,
} from './testing/service-stage.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import type { Deed } from './testing/raw-vats.ts';
import { makeRig, RAW_BUNDLE } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  end,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
  vatOf,
  vref,
  type Stage,
} from './testing/stage.ts';

/** A message that carries so many units of text. */
const heavy = (
  target: string,
  units: number,
  result: string | null = null,
): Syscall => [
  'send',
  vref(target),
  {
    methargs: dataOf(['take', ['x'.repeat(units)]]),
    result: result === null ? null : vref(result),
  },
];

const ask = (target: string, result: string): Syscall[] => [
  send(target, 'ask', [], result),
  subscribe(result),
];

const isRejectedWith = (
  { client }: Stage,
  promise: string,
): string | undefined => {
  const told = toldOf(client.deliveries, promise);
  return told?.isRejected ? String(Object(told.value)['#error']) : undefined;
};

/** Ends all that is in flight to them, and what comes after it. */
const drain = async (
  { vat, finish }: Stage,
  ...names: readonly string[]
): Promise<void> => {
  for (const name of names) {
    while (vat(name).isBusy) {
      await finish(name);
    }
  }
};

/** Somebody else still asks, and is answered. */
const insistAlive = async (
  { rig, flight, finish }: Stage,
  name: string,
): Promise<void> => {
  const client = await rig.connect();
  const { vref: root } = Object(
    await client.rpc.call('reference', { cluster: 'demo', vat: name }),
  );
  client.send(...ask(root, 'p+1'));
  await settle();
  await finish(name, fulfil(Object(flight(name))[2].result, dataOf('well')));
  expect(toldOf(client.deliveries, 'p+1')).toMatchObject({
    isRejected: false,
    value: 'well',
  });
  client.rpc.close();
  await settle();
};

type Case = {
  readonly limit: string;
  readonly options: Parameters<typeof makeStage>[1];
  /** Sends more than may be, the last with the result `p+1`. */
  readonly send: (stage: Stage) => readonly Syscall[];
  readonly problem: RegExp;
};

const CASES: readonly Case[] = [
  {
    limit: 'text of one message',
    options: {},
    send: ({ root }) => [heavy(root('alice'), 10_000_001, 'p+1')],
    problem: /^the message has 100000\d\d units, more than 10000000$/,
  },
  {
    limit: 'messages in one inbox',
    options: { allowance: { inboxMessages: 4 } },
    send: ({ root }) => [
      heavy(root('alice'), 1),
      heavy(root('alice'), 1),
      heavy(root('alice'), 1, 'p+1'),
    ],
    problem: /^2 messages of s\d+ wait for v2, and no more may$/,
  },
  {
    limit: 'text in one inbox',
    options: { allowance: { inboxUnits: 4_000 } },
    send: ({ root }) => [
      heavy(root('alice'), 1_500),
      heavy(root('alice'), 1_500, 'p+1'),
    ],
    problem:
      /^the messages of s\d+ would count \d+ units, more than half of the 4000 that may wait for v2$/,
  },
  {
    limit: 'text of one sender, wherever it waits',
    options: { allowance: { sentUnits: 4_000 } },
    send: ({ root }) => [
      heavy(root('alice'), 1_500),
      heavy(root('bob'), 1_500),
      heavy(root('alice'), 1_500, 'p+1'),
    ],
    problem:
      /^the messages of s\d+ that wait would count \d+ units, more than 4000$/,
  },
  {
    limit: 'text in the whole kernel',
    options: { mostUnits: 4_000 },
    send: ({ root }) => [
      heavy(root('alice'), 4_000),
      heavy(root('alice'), 1_500, 'p+1'),
    ],
    problem:
      /^all that waits in the kernel counts more than 4000 units, of which s\d+ has \d+$/,
  },
];

describe('a message for which there is no room', () => {
  it.each(CASES)(
    'is refused to its sender in words, who goes on as the others do: $limit (invariant 11)',
    async ({ options, send: flood, problem }) => {
      const stage = await makeStage(['alice', 'bob', 'carol'], options);
      await stage.say(...flood(stage), subscribe('p+1'));
      expect(isRejectedWith(stage, 'p+1')).toMatch(problem);
      expect(stage.rig.kernel.status().sessions).toBe(1);
      await insistAlive(stage, 'carol');
      await drain(stage, 'alice', 'bob');
      await end(stage);
    },
  );

  it('is told in the log when nobody waits for its answer', async () => {
    const stage = await makeStage(['alice'], {
      allowance: { sentUnits: 2_000 },
    });
    await stage.say(
      heavy(stage.root('alice'), 1_000),
      heavy(stage.root('alice'), 1_000),
      heavy(stage.root('alice'), 1_001),
    );
    expect(
      stage.rig.logs.filter(({ level }) => level === 'warn'),
    ).toMatchObject([
      {
        label: expect.stringMatching(/^session s\d+$/),
        text: expect.stringMatching(
          /^2 messages or answers were refused; the last one: the messages of s\d+ that wait would count \d+ units, more than 2000$/,
        ),
      },
    ]);
    await drain(stage, 'alice');
    await end(stage);
  });

  it('leaves room again when what waited has come', async () => {
    const stage = await makeStage(['alice'], {
      allowance: { sentUnits: 2_000 },
    });
    await stage.say(heavy(stage.root('alice'), 1_500));
    await stage.finish('alice');
    await stage.say(heavy(stage.root('alice'), 1_500, 'p+1'), subscribe('p+1'));
    expect(stage.flight('alice')[0]).toBe('message');
    expect(isRejectedWith(stage, 'p+1')).toBeUndefined();
    await stage.finish('alice');
    await end(stage);
  });

  it('keeps its room over a restart: a kernel starts over a full inbox and works it off (invariants 2, 10)', async () => {
    const image = makeMemoryImage();
    const options = {
      allowance: { inboxUnits: 8_000, sentUnits: 4_000 },
    };
    const stage = await makeStage(['alice'], { image, ...options });
    await stage.say(send(stage.root('alice'), 'flood'));
    await stage.finish(
      'alice',
      ...Array.from({ length: 9 }, () => heavy('o+0', 500)),
    );
    // Answered when all that is in the tables is committed.
    await stage.client.rpc.call('reference', { cluster: 'demo', vat: 'alice' });
    const { id } = stage.vat('alice');
    const waiting = stage.rig.kernel.state.sentUnits.of(id);
    expect(waiting).toBeGreaterThan(3_000);
    expect(waiting).toBeLessThanOrEqual(4_000);
    const again = makeRig(delivery => answerStart(delivery) ?? {}, {
      image: makeMemoryImage(image),
      ...options,
    });
    expect(again.kernel.state.sentUnits.of(id)).toBe(waiting);
    await again.kernel.idle();
    expect(again.kernel.state.sentUnits.of(id)).toBe(0);
    await again.kernel.stop();
    await drain(stage, 'alice');
    await end(stage);
  });
});

describe('an answer for which there is no room', () => {
  it('rejects its promise in words, and the one who gave it goes on', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      allowance: { promiseUnits: 2_000 },
    });
    await stage.say(
      ...ask(stage.root('alice'), 'p+1'),
      ...ask(stage.root('alice'), 'p+2'),
    );
    const fence = stage.client.fence();
    const result = (): string => Object(stage.flight('alice'))[2].result;
    await stage.finish('alice', fulfil(result(), dataOf('x'.repeat(3_000))));
    await stage.finish('alice', fulfil(result(), dataOf('y'.repeat(1_000))));
    fence.release();
    await settle();
    expect(isRejectedWith(stage, 'p+1')).toMatch(
      /^the answers to promises of s\d+ would count 300\d units, more than 2000$/,
    );
    expect(toldOf(stage.client.deliveries, 'p+2')?.isRejected).toBe(false);
    expect(
      stage.rig.logs.filter(({ level }) => level === 'warn'),
    ).toMatchObject([
      { label: 'alice', text: expect.stringMatching(/^refused: the answers/) },
    ]);
    await insistAlive(stage, 'bob');
    await end(stage);
  });
});

/** Alice answers what she was asked, and a message that waits for nothing that comes keeps the answer. */
const answerAndKeep = async (
  stage: Stage,
  promise: string,
  units: number,
): Promise<void> => {
  await stage.say(...ask(stage.root('alice'), promise));
  const { result } = Object(stage.flight('alice'))[2];
  await stage.finish(
    'alice',
    send('p+9', 'keep', [result]),
    fulfil(result, dataOf('x'.repeat(units))),
  );
};

describe('answers that the one who gave them keeps', () => {
  it('use up what it may answer to the one who asked, and not what others may, also after a restart', async () => {
    const image = makeMemoryImage();
    const stage = await makeStage(['alice', 'bob'], {
      image,
      allowance: { promiseUnits: 2_000 },
    });
    await answerAndKeep(stage, 'p+1', 1_500);
    await answerAndKeep(stage, 'p+2', 1_500);
    expect(toldOf(stage.client.deliveries, 'p+1')?.isRejected).toBe(false);
    expect(isRejectedWith(stage, 'p+2')).toMatch(
      /^the answers of v2 to promises of s\d+ that others hold would count 300\d units, more than 2000$/,
    );
    await stage.say(...ask(stage.root('bob'), 'p+3'));
    await stage.finish(
      'bob',
      fulfil(Object(stage.flight('bob'))[2].result, dataOf('y'.repeat(1_500))),
    );
    expect(toldOf(stage.client.deliveries, 'p+3')?.isRejected).toBe(false);
    const { leftUnits } = stage.rig.kernel.state;
    expect(leftUnits.total).toBeGreaterThan(1_500);
    // Answered when all that is in the tables is committed.
    await stage.client.rpc.call('reference', { cluster: 'demo', vat: 'bob' });
    const again = makeState(openMemoryKernelDb(image));
    expect(again.leftUnits.total).toBe(leftUnits.total);
    await end(stage);
  });

  it('are no promises of the one who asked, who may make others', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      allowance: { promises: 3 },
    });
    for (let nth = 1; nth <= 5; nth += 1) {
      await answerAndKeep(stage, `p+${nth}`, 10);
    }
    await stage.say(...ask(stage.root('bob'), 'p+6'));
    await stage.finish(
      'bob',
      fulfil(Object(stage.flight('bob'))[2].result, dataOf('well')),
    );
    expect(toldOf(stage.client.deliveries, 'p+6')?.isRejected).toBe(false);
    expect(stage.rig.kernel.state.promises.size).toBeGreaterThanOrEqual(5);
    await end(stage);
  });

  it('count for who asked and who is to answer even when it is given after the one who asked has let go', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      allowance: { promiseUnits: 2_000 },
    });
    const { promises } = stage.rig.kernel.state;
    for (const promise of ['p+1', 'p+2']) {
      await stage.say(...ask(stage.root('alice'), promise), [
        'forgetPromises',
        [vref(promise)],
      ]);
      const { result } = Object(stage.flight('alice'))[2];
      await stage.finish(
        'alice',
        send('p+9', 'keep', [result]),
        fulfil(result, dataOf('x'.repeat(1_500))),
      );
    }
    expect(
      [...promises.values()]
        .filter(({ settler, isLeft }) => settler === 'v2' && isLeft)
        .map(row => row.state)
        .toSorted(),
    ).toEqual(['fulfilled', 'rejected']);
    await end(stage);
  });
});

describe('a vat that makes too much', () => {
  it.each([
    {
      what: 'promises',
      allowance: { promises: 3 },
      syscalls: [1, 2, 3, 4].map(nth => send('o+0', 'more', [], `p+${nth}`)),
      problem:
        /^illegal syscall: v2 has made 3 promises that it has not been told of, and may have no more$/,
    },
    {
      what: 'references',
      allowance: { references: 3 },
      syscalls: [send('o+0', 'more', ['o+1', 'o+2', 'o+3'])],
      problem: /^illegal syscall: v2 exports 3 references, and no more may be$/,
    },
  ])(
    'of $what is suspended, its crank is not applied, and nobody else notices (2, 11)',
    async ({ allowance, syscalls, problem }) => {
      const stage = await makeStage(['alice', 'bob'], { allowance });
      await stage.say(send(stage.root('alice'), 'go'));
      await stage.finish('alice', ...syscalls);
      const [, { vats }] = [
        0,
        stage.rig.kernel.status().clusters[0] ?? { vats: [] },
      ];
      expect(vats.find(({ name }) => name === 'alice')).toMatchObject({
        state: 'suspended',
        reason: expect.stringMatching(problem),
      });
      const { promisesMade, exported } = stage.rig.kernel.state;
      expect(promisesMade.of('v2')).toBe(0);
      expect(exported.of('v2')).toBe(1); // its root
      await insistAlive(stage, 'bob');
      await end(stage);
    },
  );
});

describe('objects of services', () => {
  // Of a thousand units: an alias and its revoker count two objects.
  it.each([
    { most: 2, kind: 'revocation', method: 'makeRevocable', args: ['$0'] },
    { most: 5, kind: 'timer', method: 'wakeAt', args: [4e12, '$0'] },
    {
      most: 4,
      kind: 'administrator',
      method: 'attenuate',
      args: [{ vats: 1 }, '$0'],
    },
  ])(
    'are refused to who has asked for too many that are there, and not to others: $method (invariant 11)',
    async ({ most, kind, method, args }) => {
      const image = makeMemoryImage();
      const service = kind === 'administrator' ? 'vatAdmin' : kind;
      const stage = await makeServiceStage(['bob'], [service], {
        image,
        allowance: { serviceUnits: 1_000 },
        collectMilliseconds: Infinity,
      });
      const { rig, told, say, root } = stage;
      const object = await stage.refer(kind);
      const askOnce = () => stage.ask(object, method, args, root('bob'));
      const asked: string[] = [];
      for (let times = 0; times <= most; times += 1) {
        asked.push(await askOnce());
      }
      expect(asked.map(each => told(each)?.isRejected)).toEqual([
        ...Array.from({ length: most }, () => false),
        true,
      ]);
      const [first = '', last = ''] = [asked[0], asked.at(-1)];
      expect(told(last)?.value).toMatchObject({
        name: 'RangeError',
        '#error': expect.stringMatching(
          /^the objects that services have made for s\d+ would count 1\d\d\d units, more than 1000: let go of some$/,
        ),
      });
      const other = await rig.connect();
      other.send(
        call(await referTo(rig, other, kind), method, args, 'p+1', 'o+1'),
        subscribe('p+1'),
      );
      await settle();
      expect(toldOf(other.deliveries, 'p+1')?.isRejected).toBe(false);
      await say(['dropImports', (told(first)?.slots ?? []).map(vref)]);
      expect(told(await askOnce())?.isRejected).toBe(false);
      // Answered when all that is in the tables is committed.
      await other.rpc.call('reference', { cluster: 'demo', vat: 'bob' });
      const { serviceUnits, aliasUnits } = rig.kernel.state;
      const again = makeState(openMemoryKernelDb(image));
      expect([again.serviceUnits.total, again.aliasUnits.total]).toEqual([
        serviceUnits.total,
        aliasUnits.total,
      ]);
      expect(serviceUnits.total).toBeGreaterThan(400);
      await end(stage);
    },
  );

  it('count for the kernel as a whole, an alias as much as its revoker', async () => {
    const stage = await makeServiceStage(['bob'], ['revocation'], {
      mostUnits: 2_000,
    });
    const object = await stage.refer('revocation');
    const asked: string[] = [];
    for (let times = 0; times < 5; times += 1) {
      asked.push(
        await stage.ask(object, 'makeRevocable', ['$0'], stage.root('bob')),
      );
    }
    const last = asked.pop() ?? '';
    expect(asked.map(each => stage.told(each)?.isRejected)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(isRejectedWith(stage, last)).toMatch(
      /^all that waits in the kernel counts more than 2000 units, of which s\d+ has 2\d\d\d$/,
    );
    await end(stage);
  });

  it('count what is kept for them: the code that an administrator is bound to', async () => {
    const stage = await makeServiceStage([], ['vatAdmin'], {
      allowance: { serviceUnits: 1_000 },
    });
    const bundles = Array.from({ length: 7 }, () => '0'.repeat(128));
    const object = await stage.refer('administrator');
    const asked = await stage.ask(object, 'attenuate', [{ bundles }]);
    expect(isRejectedWith(stage, asked)).toMatch(/would count 11\d\d units/);
    await end(stage);
  });
});

const notifiesOf = (
  deliveries: readonly Delivery[],
): (readonly Resolution[])[] =>
  deliveries.flatMap(delivery =>
    delivery[0] === 'notify' ? [delivery[1]] : [],
  );

const unitsOf = (notify: readonly Resolution[]): number =>
  notify.reduce((sum, [, , { body }]) => sum + body.length, 0);

const big = 'x'.repeat(200_000);

describe('answers that name other answers', () => {
  const setScene = (
    limits: Partial<VatLimits> = { unitsPerMessage: 300_000 },
  ) =>
    makeStage(['alice', 'bob'], {
      limits: { ...DEFAULT_VAT_LIMITS, ...limits },
    });

  /** Alice settles the answer, which names those promises, and others in one crank. */
  const answerNaming = async (
    stage: Stage,
    names: readonly string[],
    others: readonly Resolution[],
  ): Promise<void> => {
    await stage.say(...ask(stage.root('alice'), 'p+1'));
    const { result } = Object(stage.flight('alice'))[2];
    await stage.finish('alice', [
      'resolve',
      [[result, false, dataOf('answer', ...names)], ...others],
    ]);
    await settle();
  };

  const answer = (stage: Stage, ...others: readonly Resolution[]) =>
    answerNaming(
      stage,
      others.map(([promise]) => promise),
      others,
    );

  it('are told in several notifies when they are too much for one, each once, and its client stays', async () => {
    const stage = await setScene();
    await answer(
      stage,
      ...['p+1', 'p+2', 'p+3'].map((promise): Resolution => [
        vref(promise),
        false,
        dataOf(big),
      ]),
    );
    const notifies = notifiesOf(stage.client.deliveries);
    expect(notifies.map(notify => notify.length)).toEqual([2, 1, 1]);
    expect(new Set(notifies.flat().map(([promise]) => promise)).size).toBe(4);
    expect(notifies.flat().every(([, isRejected]) => !isRejected)).toBe(true);
    expect(Math.max(...notifies.map(unitsOf))).toBeLessThan(300_000);
    await insistAlive(stage, 'bob');
    await end(stage);
  });

  it('are rejected to who asked when they are too much and lead back to what named them: telling ends', async () => {
    const stage = await setScene();
    await answer(
      stage,
      [vref('p+1'), false, dataOf(big, 'p+2')],
      [vref('p+2'), false, dataOf(big, 'p+1')],
    );
    const notifies = notifiesOf(stage.client.deliveries);
    expect(
      notifies.map(notify => notify.map(([, isRejected]) => isRejected)),
    ).toEqual([[false, false, true]]);
    expect(notifies[0]?.[2]?.[2].body).toMatch(/too much to be told together/);
    await insistAlive(stage, 'bob');
    await end(stage);
  });

  it('are told in several notifies when they are too many for one, however small they are', async () => {
    const stage = await setScene({ slotsPerMessage: 6 });
    await answer(
      stage,
      ...['p+1', 'p+2', 'p+3', 'p+4'].map((promise): Resolution => [
        vref(promise),
        false,
        dataOf(0),
      ]),
    );
    const notifies = notifiesOf(stage.client.deliveries);
    // The answer has five names, itself included; the rest have one each.
    expect(notifies.map(notify => notify.length)).toEqual([2, 3]);
    expect(notifies.flat().every(([, isRejected]) => !isRejected)).toBe(true);
    await insistAlive(stage, 'bob');
    await end(stage);
  });

  it('are rejected to who asked from where a row of them, each naming the next, is too long for one notify (invariant 11)', async () => {
    const stage = await setScene({ slotsPerMessage: 6 });
    const row = ['p+1', 'p+2', 'p+3', 'p+4', 'p+5'];
    await answerNaming(
      stage,
      ['p+1'],
      row.map((promise, nth): Resolution => [
        vref(promise),
        false,
        dataOf(0, ...row.slice(nth + 1, nth + 2)),
      ]),
    );
    const notifies = notifiesOf(stage.client.deliveries);
    expect(
      notifies.map(notify => notify.map(([, isRejected]) => isRejected)),
    ).toEqual([[false, false, false, true]]);
    expect(notifies[0]?.[3]?.[2].body).toMatch(/too much to be told together/);
    await insistAlive(stage, 'bob');
    await end(stage);
  });
});

describe('answers that wait together', () => {
  it('are told apart when the references in them are many (invariant 11)', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await stage.say(
      send(stage.root('alice'), 'ask', [stage.root('bob')]),
      send(stage.root('alice'), 'wait'),
    );
    const [bob] = Object(stage.flight('alice'))[2].methargs.slots;
    await stage.finish('alice', ...ask(bob, 'p+1'), ...ask(bob, 'p+2'));
    const many = dataOf(0, ...Array.from({ length: 3_000 }, () => 'o+0'));
    for (let answers = 0; answers < 2; answers += 1) {
      const { result } = Object(stage.flight('bob'))[2];
      await stage.finish('bob', fulfil(result, many));
    }
    await drain(stage, 'alice');
    expect(
      notifiesOf(stage.vat('alice').deliveries).map(({ length }) => length),
    ).toEqual([1, 1]);
    await end(stage);
  });
});

describe('an answer that another answer names', () => {
  it('is told as it is, in its turn, however much the one who names it settles with', async () => {
    const stage = await makeStage(['alice', 'mallory', 'bob'], {
      limits: { ...DEFAULT_VAT_LIMITS, unitsPerMessage: 300_000 },
    });
    const { root, flight } = stage;
    await stage.say(
      send(root('alice'), 'ask', [root('mallory'), root('bob')]),
      send(root('alice'), 'wait'),
    );
    const [mallory, bob] = Object(flight('alice'))[2].methargs.slots;
    await stage.finish(
      'alice',
      ...ask(mallory, 'p+1'),
      ...ask(bob, 'p+2'),
      send(mallory, 'look', ['p+2']),
    );
    // Both are settled while Alice is busy.
    const asked = Object(flight('mallory'))[2].result;
    await stage.finish('mallory');
    const seen = Object(flight('mallory'))[2].methargs.slots[0];
    const text = 'x'.repeat(299_990);
    await stage.finish('mallory', fulfil(asked, dataOf(text, seen)));
    const answered = Object(flight('bob'))[2].result;
    await stage.finish('bob', fulfil(answered, dataOf(big, 'p+1')));
    await drain(stage, 'alice');
    expect(
      notifiesOf(stage.vat('alice').deliveries).map(notify =>
        notify.map(([promise, isRejected]) => [promise, isRejected]),
      ),
    ).toEqual([[['p+1', false]], [['p+2', false]]]);
    await end(stage);
  });
});

describe('a vat’s own bounds', () => {
  const limitsOf = async (
    { client }: Stage,
    vat: string,
  ): Promise<Record<string, readonly (number | null)[]>> => {
    const inspected: unknown = await client.rpc.call('inspect', {
      cluster: 'demo',
      vat,
    });
    const limits: { limit: string; now: number | null; most: number }[] =
      Object(inspected).vat.limits;
    return Object.fromEntries(
      limits.map(({ limit, now, most }) => [limit, [now, most]]),
    );
  };

  it('come from its config and show in an inspection with what is used of them, also after a restart', async () => {
    const image = makeMemoryImage();
    const stage = await makeStage(['alice'], {
      image,
      clock: makeManualClock().clock, // the second does not end
      // Whoever runs the kernel may have narrowed what a config says.
      limits: { ...DEFAULT_VAT_LIMITS, syscallsPerCrank: 50 },
      rules: {
        limits: {
          inboxMessages: 4,
          storeBytes: 100_000,
          syscallsPerCrank: 70,
          slotsPerMessage: 20,
          logLinesPerSecond: 10,
        },
      },
    });
    for (let nth = 1; nth <= 12; nth += 1) {
      stage.vat('alice').say({ type: 'log', level: 'log', text: 'well' });
    }
    await stage.say(heavy(stage.root('alice'), 100));
    const shown = {
      inboxMessages: [1, 4],
      inboxUnits: [expect.any(Number), 64_000_000],
      sentUnits: [0, 32_000_000],
      promises: [0, 200_000],
      promiseUnits: [0, 64_000_000],
      references: [1, 1_000_000],
      serviceUnits: [0, 4_000_000],
      storeBytes: [0, 100_000],
      syscallsPerCrank: [null, 50],
      referencesPerCrank: [null, 20_000],
      changesPerCrank: [null, 15_000],
      slotsPerMessage: [null, 20],
      unitsPerMessage: [null, 10_000_000],
      unitsPerCrank: [null, 32_000_000],
      logLinesPerCrank: [null, 500],
      logLinesPerSecond: [10, 10],
    };
    expect(await limitsOf(stage, 'alice')).toEqual(shown);
    expect(stage.rig.logs.filter(({ text }) => text === 'well')).toHaveLength(
      10,
    );
    await drain(stage, 'alice');
    await end(stage);
    const again = makeRig(undefined, { image: makeMemoryImage(image) });
    const client = await again.connect();
    expect(await limitsOf({ ...stage, client }, 'alice')).toEqual({
      ...shown,
      inboxMessages: [0, 4],
      inboxUnits: [0, 64_000_000],
      syscallsPerCrank: [null, 70],
      logLinesPerSecond: [0, 10],
    });
    await again.kernel.stop();
  });

  const NARROW = {
    syscallsPerCrank: 3,
    referencesPerCrank: 6,
    changesPerCrank: 1,
    slotsPerMessage: 2,
    unitsPerMessage: 100,
    unitsPerCrank: 400,
  };
  const few: Syscall = subscribe('p+1');

  it.each<[string, Deed, RegExp]>([
    ['syscalls', { syscalls: Array(5).fill(few) }, /syscalls has 5.*than 4$/],
    [
      'references',
      { syscalls: Array(4).fill(send('o+0', 'go', ['o+1'])) },
      /names too many references$/,
    ],
    [
      'changes',
      {
        changes: [
          ['a', ''],
          ['b', ''],
        ],
      },
      /changes has 2 entries, more than 1$/,
    ],
    [
      'references in one message',
      { syscalls: [send('o+0', 'go', ['o+1', 'o+2', 'o+3'])] },
      /list of vrefs has 3 entries, more than 2$/,
    ],
    ['text', { changes: [['key', 'x'.repeat(500)]] }, /carries too much text$/],
  ])(
    'narrow how many %s a crank may have, and suspend who passes them (2, 11)',
    async (_what, deed, problem) => {
      const stage = await makeStage(['alice', 'bob'], {
        rules: { limits: NARROW },
        // A start may do more.
        behave: delivery =>
          delivery[0] === 'startVat'
            ? { changes: [1, 2, 3].map(nth => [`k${nth}`, '']) }
            : answerStart(delivery),
      });
      await stage.say(send(stage.root('alice'), 'go'));
      await stage.finishWith('alice', deed);
      const [{ vats } = { vats: [] }] = stage.rig.kernel.status().clusters;
      expect(vats.find(({ name }) => name === 'alice')).toMatchObject({
        state: 'suspended',
        reason: expect.stringMatching(problem),
      });
      await insistAlive(stage, 'bob');
      await end(stage);
    },
  );

  it('narrow the text of its messages and answers, not that of what it is sent; what that names does not count against it', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      rules: { limits: NARROW },
    });
    const promises = [1, 2, 3, 4, 5].map(nth => `p+${nth}`);
    await stage.say(
      heavy(stage.root('alice'), 1_000),
      send(stage.root('alice'), 'take', promises, 'p+9'),
      subscribe('p+9'),
    );
    await stage.finish('alice', heavy('o+0', 101, 'p+1'), subscribe('p+1'));
    const [, , { methargs, result }] = Object(stage.flight('alice'));
    await stage.finish(
      'alice',
      ...methargs.slots.map(subscribe),
      fulfil(result, dataOf('x'.repeat(101))),
    );
    expect(isRejectedWith(stage, 'p+9')).toMatch(
      /^the answer has 104 units, more than 100$/,
    );
    expect(JSON.stringify(stage.flight('alice'))).toMatch(
      /"notify",\[\["p\+1",true.*the message has 1\d\d units, more than 100/,
    );
    await drain(stage, 'alice');
    await end(stage);
  });

  it('suspend it when its store would be too large, and nothing of that crank is kept (2, 11)', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      rules: { limits: { storeBytes: 100_000 } },
    });
    await stage.say(send(stage.root('alice'), 'write'));
    await stage.finishWith('alice', {
      changes: [['key', 'x'.repeat(100_000)]],
    });
    expect(vatOf(stage)).toMatchObject({
      state: 'suspended',
      reason:
        'its store would have 100003 bytes, more than its share of 100000',
    });
    expect(stage.rig.kernel.state.vatChanges.size).toBe(0);
    await insistAlive(stage, 'bob');
    await end(stage);
  });
});

const refusalOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (problem: unknown) => [Object(problem).code, Object(problem).message],
  );

describe('sessions, clusters and launches', () => {
  it('are refused to the client that wants one too many, in words: sessions', async () => {
    const stage = await makeStage(['alice'], { mostSessions: 2 });
    const { rig } = stage;
    const other = await rig.connect();
    expect(await refusalOf(rig.connect())).toEqual([
      'LIMIT_REACHED',
      '2 sessions are open, and no more may be: close one first',
    ]);
    other.rpc.close();
    await settle();
    await insistAlive(stage, 'alice');
    await end(stage);
  });

  it('are refused to the client that wants one too many, in words: launches a minute, and clusters', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], {
      clock,
      mostClusters: 3,
      launchesPerMinute: 2,
    });
    const launch = (name: string): Promise<unknown> =>
      refusalOf(stage.rig.launch(name, ['bob']));
    expect(await launch('second')).toBe('done');
    await settle();
    expect(await launch('third')).toEqual([
      'LIMIT_REACHED',
      '2 launches have begun within a minute, and no more may: launch it a little later',
    ]);
    advance(60_000);
    await settle();
    expect(await launch('third')).toBe('done');
    await settle();
    advance(60_000);
    expect(await launch('fourth')).toEqual([
      'LIMIT_REACHED',
      'There are 3 clusters, and no more may be: terminate one first',
    ]);
    await insistAlive(stage, 'alice');
    await end(stage);
  });
});

describe('names in home and stored bundles', () => {
  const useOf = ({ rig }: Pick<Stage, 'rig'>, limit: string): unknown =>
    rig.kernel.status().limits?.find(each => each.limit === limit);

  it('are refused to the person who wants one too many, in words, which the status foretells, also after a restart: names', async () => {
    const image = makeMemoryImage();
    const stage = await makeStage(['alice'], { image, mostHomeNames: 2 });
    const { rpc } = stage.client;
    const keep = (name: string): Promise<unknown> =>
      refusalOf(rpc.call('keep', { name, vref: stage.root('alice') }));
    const full = [
      'LIMIT_REACHED',
      '2 names are kept in home, and no more may be: forget one first',
    ];
    expect([await keep('one'), await keep('two')]).toEqual(['done', 'done']);
    expect(useOf(stage, 'homeNames')).toMatchObject({ now: 2, most: 2 });
    expect(await keep('three')).toEqual(full);
    await insistAlive(stage, 'alice');
    await rpc.call('forget', { name: 'one' });
    expect([await keep('three'), await keep('one')]).toEqual(['done', full]);
    await end(stage);
    const again = makeRig(undefined, {
      image: makeMemoryImage(image),
      mostHomeNames: 1,
    });
    // What was kept stays, though it is more than may be now.
    expect(useOf({ rig: again }, 'homeNames')).toMatchObject({
      now: 2,
      most: 1,
    });
    await again.kernel.stop();
  });

  it('are refused to the person who wants one too many, in words, which the status foretells: bundles, but one takes the place of another', async () => {
    const stage = await makeStage(['alice'], { mostBundles: 2 });
    const { rpc } = stage.client;
    const store = (name: string, version: number): Promise<unknown> => {
      const filler = 'x'.repeat(version); // here the hash is the length
      const code = { moduleFormat: 'cooperageScript', filler };
      const bundle = { text: JSON.stringify(code) };
      return refusalOf(rpc.call('storeBundle', { name, bundle }));
    };
    const full = [
      'LIMIT_REACHED',
      '2 bundles are stored, and no more may be: forget one first',
    ];
    // Two at once, for one of which there is room no more when its code is there.
    await store('one', 1);
    expect(await Promise.all([store('two', 2), store('three', 3)])).toEqual([
      'done',
      full,
    ]);
    expect(useOf(stage, 'bundles')).toMatchObject({ now: 2, most: 2 });
    expect(await store('one', 4)).toBe('done');
    await rpc.call('forgetBundle', { name: 'two' });
    expect(await store('three', 3)).toBe('done');
    expect(useOf(stage, 'bundles')).toMatchObject({ now: 2, most: 2 });
    await insistAlive(stage, 'alice');
    await end(stage);
  });

  it('of a cluster’s own are no bundles of the person', async () => {
    const stage = await makeStage(['alice'], {
      mostBundles: 1,
      bundles: { helper: { text: RAW_BUNDLE } },
    });
    expect(useOf(stage, 'bundles')).toMatchObject({ now: 0 });
    await end(stage);
  });
});

describe('changes of a vat that never rests', () => {
  it('are folded by what they weigh, so that few stay in memory, however large each is', async () => {
    const stage = await makeStage(['alice', 'bob'], { foldUnits: 1_000_000 });
    await stage.say(send(stage.root('bob'), 'hold on'));
    const { changeUnits } = stage.rig.kernel.state;
    const waiting: number[] = [];
    for (let nth = 0; nth < 20; nth += 1) {
      await stage.say(send(stage.root('alice'), 'write'));
      await stage.finishWith('alice', { changes: [[`key ${nth}`, big]] });
      waiting.push(changeUnits.total);
    }
    expect(Math.max(...waiting)).toBeLessThanOrEqual(1_000_000);
    await drain(stage, 'bob');
    await end(stage);
  });
});
