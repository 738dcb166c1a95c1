import { describe, expect, it } from 'vitest';
import { makeMemoryImage, type MemoryImage } from '../adapters/memory.ts';
import type { Platform } from '../ports.ts';
import {
  BUNDLES,
  heard,
  holdStartsOf,
  makeAdminStage,
  until,
} from '../testing/admin-stage.ts';
import { makeWitness } from '../testing/commits.ts';
import type { Behavior, Deed, RawVat } from '../testing/raw-vats.ts';
import { makeRig, type RawClient, type Rig } from '../testing/rig.ts';
import { call, referTo, toldOf } from '../testing/service-stage.ts';
import {
  answerStart,
  dataOf,
  fulfil,
  send,
  settle,
  subscribe,
} from '../testing/stage.ts';

const OPTIONS = {
  bundles: BUNDLES,
  services: [{ service: 'vatAdmin', vats: 2, bytes: 1_000_000 }],
  collectMilliseconds: Infinity,
  epochCranks: 1,
};

/** `boot` makes a vat as it is bootstrapped, keeps in its store how that went, and answers the bootstrap then. */
const makeMaker = (note: (heard: string) => void) => {
  let answer: string | null = null;
  return (delivery: Parameters<Behavior>[0], { label }: RawVat): Deed => {
    if (label !== 'boot') {
      return { changes: [['started', label]] };
    }
    if (
      delivery[0] === 'message' &&
      delivery[2].methargs.body.startsWith('#["bootstrap"')
    ) {
      answer = delivery[2].result ?? null;
      const [administrator = ''] = delivery[2].methargs.slots.slice(-1);
      const args = ['helper', { name: 'kid', policy: { bytes: 400_000 } }];
      return {
        syscalls: [
          call(administrator, 'createVat', args, 'p+7'),
          subscribe('p+7'),
        ],
      };
    }
    if (delivery[0] !== 'notify') {
      return {};
    }
    const [[, isRejected, { body }] = ['', false, dataOf(0)] as const] =
      delivery[1];
    note(isRejected ? body : 'made');
    return {
      changes: [['heard', isRejected ? 'rejected' : 'made']],
      syscalls: answer === null ? [] : [fulfil(answer, dataOf(2))],
    };
  };
};

it('a bootstrap that makes a vat, and a crash at any commit: there is a whole vat or none, the maker hears which, and the cluster says whether its bootstrap was cut short (2, 6, 10)', async () => {
  const image = makeMemoryImage();
  const { images, wrap } = makeWitness();
  const behave = makeMaker(() => {});
  const held: (() => void)[] = [];
  const rig = makeRig(
    (delivery, vat) => {
      const deed = behave(delivery, vat);
      if (delivery[0] === 'startVat' && vat.label !== 'kid') {
        return deed;
      }
      held.push(() => vat.finish(deed));
      return undefined;
    },
    { ...OPTIONS, image, wrap: wrap(image) },
  );
  await rig.launch('demo', ['boot', 'bob']);
  for (let turns = 0; turns < 20; turns += 1) {
    await settle();
    rig.kernel.state.store.commit();
    held.shift()?.();
  }
  await rig.kernel.idle();
  expect([...rig.kernel.state.vats.values()].map(({ name }) => name)).toEqual([
    'boot',
    'bob',
    'kid',
  ]);
  await rig.kernel.stop();
  const seen = new Set<string>();
  for (const crashed of images) {
    const births = crashed.tables.get('births')?.size ?? 0;
    const told: string[] = [];
    let isDoneOver = false;
    const next = makeMaker(heard => told.push(heard));
    const later = makeRig(
      (delivery, vat) => {
        const deed = next(delivery, vat);
        isDoneOver ||= (deed.syscalls ?? []).length === 2;
        return deed;
      },
      { ...OPTIONS, image: makeMemoryImage(crashed) },
    );
    await later.kernel.idle();
    await settle();
    await later.kernel.idle();
    const { state } = later.kernel;
    const [cluster] = later.kernel.status().clusters;
    const kids = [...state.vats.values()].filter(({ name }) => name === 'kid');
    expect({
      births: state.births.size,
      children: [...state.children.values()].map(({ vat }) => vat),
      used: [...state.quotas.values()].map(row => [
        row.vatsUsed,
        row.bytesUsed,
      ]),
      awaited: [...state.clusters.values()].map(row => row.bootstrapResult),
      strays: [...later.image.vats.keys()].filter(vat => !state.vats.has(vat)),
    }).toEqual({
      births: 0,
      children: kids.map(({ id }) => id),
      used: cluster ? [[kids.length, 400_000 * kids.length]] : [],
      awaited: cluster ? [null] : [],
      strays: [],
    });
    if (births > 0) {
      expect(told.join()).toContain(
        'vat kid was not made: the kernel was restarted while it was being made',
      );
    }
    if (isDoneOver) {
      expect([told, kids.length]).toEqual([['made'], 1]);
    }
    const problem = cluster?.bootstrapProblem;
    if (problem !== undefined) {
      expect(problem).toBe('it was cut short: the kernel was restarted');
    }
    seen.add(
      [
        cluster ? 'there' : 'absent',
        births > 0 ? 'being made' : 'not being made',
        kids.length > 0 ? 'made' : 'not made',
        isDoneOver ? 'done over' : 'not done over',
        problem === undefined ? 'whole' : 'cut short',
      ].join(', '),
    );
    await later.kernel.stop();
  }
  expect([...seen].sort()).toEqual([
    'absent, not being made, not made, not done over, whole',
    'there, being made, not made, not done over, cut short',
    'there, not being made, made, done over, whole',
    'there, not being made, made, not done over, cut short',
    'there, not being made, made, not done over, whole',
  ]);
});

/** How a vat comes to its end, and what its maker hears of that. */
const ENDS: readonly {
  readonly by: string;
  /** What the vat does when it is told to leave; it is not told where others end it. */
  readonly leave?: Deed;
  readonly heard: string;
}[] = [
  {
    by: 'exitVat',
    leave: { syscalls: [['exit', false, dataOf(['bye', 7])]] },
    heard: 'fulfilled with #["bye",7]',
  },
  {
    by: 'exitVatWithFailure',
    leave: { syscalls: [['exit', true, dataOf('no more')]] },
    heard: 'rejected with #"no more"',
  },
  {
    by: 'a fault',
    leave: { syscalls: [subscribe('p-999')] },
    heard:
      'rejected with #{"#error":"vat was ended: illegal syscall: v3 has no p-999 in its c-list","name":"Error"}',
  },
  { by: 'its maker', heard: 'rejected with #{"why":7}' },
  {
    by: 'a person',
    heard:
      'rejected with #{"#error":"vat demo.kid was terminated","name":"Error"}',
  },
];

/** `boot` makes `kid`, asks how it ends and keeps in its store what it hears; told to, it ends it. */
const makeParent = ({ by, leave = {} }: (typeof ENDS)[number]): Behavior => {
  const minds = new WeakMap<RawVat, Map<string, string>>();
  return (delivery, vat) => {
    if (vat.label !== 'boot') {
      return delivery[0] === 'message' ? leave : {};
    }
    const mind = minds.get(vat) ?? new Map(vat.store);
    minds.set(vat, mind);
    if (delivery[0] === 'message') {
      const [administrator = ''] = delivery[2].methargs.slots.slice(-1);
      const policy = { onFault: 'terminate' };
      return delivery[2].methargs.body.startsWith('#["bootstrap"')
        ? {
            syscalls: [
              call(
                administrator,
                'createVat',
                ['helper', { name: 'kid', policy }],
                'p+7',
              ),
              subscribe('p+7'),
            ],
          }
        : {
            syscalls: [
              by === 'its maker'
                ? call(mind.get('node') ?? '', 'terminate', [{ why: 7 }])
                : call(mind.get('root') ?? '', 'leave'),
            ],
          };
    }
    if (delivery[0] !== 'notify') {
      return {};
    }
    const [[promise, isRejected, { body, slots }] = ['', true, dataOf(0)]] =
      delivery[1];
    const put = (key: string, value: string): [string, string] => {
      mind.set(key, value);
      return [key, value];
    };
    const [root = '', node = ''] = slots;
    return promise === 'p+7'
      ? {
          syscalls: [call(node, 'done', [], 'p+8'), subscribe('p+8')],
          changes: [put('root', root), put('node', node)],
        }
      : {
          changes: [
            put(
              'heard',
              `${mind.get('heard') ?? ''}${isRejected ? 'rejected' : 'fulfilled'} with ${body}`,
            ),
          ],
        };
  };
};

it.each(ENDS)(
  'a vat that ends by $by, and a crash at any commit: whoever has asked its node how it ends is told once (2, 7, 9, 10)',
  async end => {
    const start = (
      image: MemoryImage,
      behave = makeParent(end),
      wrap = (same: Platform) => same,
    ) => makeRig(behave, { ...OPTIONS, services: ['vatAdmin'], image, wrap });
    const order = async (
      rig: Rig,
      client: Pick<RawClient, 'rpc' | 'send'>,
    ): Promise<void> => {
      const names = { cluster: 'demo', vat: 'boot' };
      if (end.by === 'a person') {
        await client.rpc.call('terminate', { ...names, vat: 'kid' });
      } else {
        const { vref } = Object(await client.rpc.call('reference', names));
        client.send(call(vref, 'finish'));
      }
      await settle();
      await rig.kernel.idle();
    };
    const isThere = ({ kernel }: Rig): boolean =>
      [...kernel.state.vats.values()].some(({ name }) => name === 'kid');
    const heardIn = ({ image, kernel }: Rig): string | undefined =>
      [...kernel.state.vatChanges.values()].find(({ key }) => key === 'heard')
        ?.value ??
      [...image.vats.values()]
        .map(({ rows }) => rows.get('heard'))
        .find(heard => heard !== undefined) ??
      undefined;

    const image = makeMemoryImage();
    const { images, wrap } = makeWitness();
    const behave = makeParent(end);
    const held: (() => void)[] = [];
    const goOn = async (): Promise<void> => {
      await until(() => held.length > 0);
      await settle(); // what has led to it is committed
      held.shift()?.();
    };
    const rig = start(
      image,
      (delivery, vat) => {
        const deed = behave(delivery, vat) ?? {};
        if (delivery[0] !== 'notify') {
          return deed;
        }
        held.push(() => vat.finish(deed));
        return undefined;
      },
      wrap(image),
    );
    await rig.launch('demo', ['boot', 'bob']);
    await goOn();
    await until(() => rig.kernel.state.calls.size === 1);
    await rig.kernel.idle();
    images.length = 0;
    const ordered = order(rig, await rig.connect());
    await goOn();
    await ordered;
    await rig.kernel.stop();

    const seen = new Set<string>();
    for (const crashed of images) {
      const later = start(makeMemoryImage(crashed));
      const known = heardIn(later);
      await later.kernel.idle();
      const wasThere = isThere(later);
      if (wasThere) {
        await order(later, await later.connect());
      }
      await later.kernel.stop();
      const last = start(makeMemoryImage(later.image));
      await last.kernel.idle();
      expect([heardIn(last), last.kernel.state.calls.size]).toEqual([
        end.heard,
        0,
      ]);
      seen.add(known ? 'told' : wasThere ? 'there' : 'ended, and not told');
      await last.kernel.stop();
    }
    expect([...seen].sort()).toEqual(['ended, and not told', 'there', 'told']);
  },
);

it('a vat that a client asked for, and a crash: the next run starts, however much the client was to decide (7)', async () => {
  const image = makeMemoryImage();
  const options = { clearedPerCrank: 7, collectMilliseconds: Infinity };
  const { ask, admin, say, root, isHeld, state, rig } = await makeAdminStage(
    {},
    { ...options, image, behave: holdStartsOf('kid') },
  );
  await ask(admin, 'createVat', ['helper', { name: 'kid' }]);
  const decided = Array.from({ length: 30 }, (_, nth) => `p+${100 + nth}`);
  await say(send(root('alice'), 'take', decided));
  await until(() => isHeld('kid'));
  state.store.commit();
  expect(state.births.size).toBe(1);
  const crashed = makeMemoryImage(image);
  const later = makeRig(() => ({}), { ...options, image: crashed });
  await later.kernel.idle();
  const { births, endings } = later.kernel.state;
  expect([births.size, endings.size]).toEqual([0, 0]);
  await later.kernel.stop();
  await rig.kernel.stop();
});

describe('a vat that is being made, and a crash', () => {
  it('are a whole vat or none, and the quota tells which, wherever the crash is (2, 10)', async () => {
    const { images, wrap } = makeWitness();
    const image = makeMemoryImage();
    const options = {
      bundles: BUNDLES,
      services: [{ service: 'vatAdmin', vats: 2, bytes: 1_000_000 }],
      collectMilliseconds: Infinity,
      epochCranks: 1,
    };
    /** Writes into its store with its start. */
    const behave: Behavior = (delivery, vat) =>
      delivery[0] === 'startVat' && vat.label.startsWith('kid')
        ? {
            syscalls: [send('o-50', 'hello', ['o+0'])],
            changes: [['key', vat.label]],
          }
        : (answerStart(delivery) ?? {});
    const rig = makeRig(behave, { ...options, image, wrap: wrap(image) });
    await rig.launch('demo', ['boot', 'bob']);
    const client = await rig.connect();
    const bob: string = Object(
      await client.rpc.call('reference', { cluster: 'demo', vat: 'bob' }),
    ).vref;
    const admin = await referTo(rig, client, 'administrator');
    await client.rpc.call('keep', { name: 'admin', vref: admin });
    const policy = { bytes: 500_000 };
    const powers = { bob: '$0' };
    const told = (promise: string) => toldOf(client.deliveries, promise);
    for (const [index, name] of ['kid1', 'kid2', 'kid3'].entries()) {
      const answer = `p+${index * 2 + 1}`;
      client.send(
        call(
          admin,
          'createVat',
          ['helper', { name, powers, policy }],
          answer,
          bob,
        ),
        subscribe(answer),
      );
      const [, node = ''] = (await heard(told, answer))?.slots ?? [];
      await client.rpc.call('keep', { name, vref: node });
      await settle();
      if (index !== 1) {
        const ended = `p+${index * 2 + 2}`;
        client.send(call(node, 'terminate', [], ended), subscribe(ended));
        await heard(told, ended);
      }
    }
    await rig.kernel.idle();
    await rig.kernel.stop();
    const found = new Set<string>();
    for (const each of images) {
      const before = each.tables.get('births')?.size ?? 0;
      const later: Rig = makeRig(behave, { ...options, image: each });
      await later.kernel.idle();
      const { state } = later.kernel;
      const kids = [...state.vats.values()].filter(({ name }) =>
        name.startsWith('kid'),
      );
      const living = [...state.children.values()].filter(
        ({ isEnded }) => !isEnded,
      );
      expect({
        births: state.births.size,
        living: living.map(({ vat }) => vat).sort(),
        used: [...state.quotas.values()].map(({ vatsUsed, bytesUsed }) => [
          vatsUsed,
          bytesUsed,
        ]),
        strays: [...each.vats.keys()].filter(vat => !state.vats.has(vat)),
      }).toEqual({
        births: 0,
        living: kids.map(({ id }) => id).sort(),
        used: state.clusters.size ? [[kids.length, 500_000 * kids.length]] : [],
        strays: [],
      });
      for (const { id, name } of kids) {
        const stored = each.vats.get(id)?.rows.get('key');
        expect(stored).toBe(name);
      }
      found.add(`${before} on the way, ${kids.length} there`);
      await later.kernel.stop();
    }
    expect([...found]).toEqual(
      expect.arrayContaining([
        '0 on the way, 0 there',
        '1 on the way, 0 there',
        '0 on the way, 1 there',
        '1 on the way, 1 there',
        '0 on the way, 2 there',
      ]),
    );
  });

  it('reject the answer that somebody waits for durably, and give everything back', async () => {
    const stage = await makeAdminStage(
      { vats: 1 },
      { behave: holdStartsOf('kid'), epochCranks: 1 },
    );
    const { say, root, admin, finish, rig, client } = stage;
    await say(call(root('alice'), 'take', ['$0'], null, admin));
    await finish(
      'alice',
      call('o-50', 'createVat', ['helper', { name: 'kid' }], 'p+9', 'o-50'),
      subscribe('p+9'),
    );
    const left = makeMemoryImage(rig.image);
    expect(left.tables.get('births')?.size).toBe(1);
    client.rpc.close();
    const later = makeRig(delivery => answerStart(delivery) ?? {}, {
      image: left,
    });
    await later.kernel.idle();
    const { state } = later.kernel;
    expect([state.births.size, state.quotas.size]).toEqual([0, 1]);
    const alice = later.vats.get('alice');
    expect(JSON.stringify(alice.deliveries)).toContain(
      'vat kid was not made: the kernel was restarted while it was being made',
    );
    await later.kernel.stop();
  });
});
