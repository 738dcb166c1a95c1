import { describe, expect, it } from 'vitest';
import type { EndpointInspection, Json } from '@cooperage/protocol';
import { makeMemoryImage } from '../adapters/memory.ts';
import { makeRig, RAW_BUNDLE } from '../testing/rig.ts';
import {
  heard,
  holdStartsOf,
  makeAdminStage,
  problemIn,
  until,
} from '../testing/admin-stage.ts';
import { call } from '../testing/service-stage.ts';
import { answerStart, settle, subscribe } from '../testing/stage.ts';

const NEXT = JSON.stringify({ moduleFormat: 'endoScript', a: 1 });

/** A stage with a vat `kid` whose maker is the client, who can be a person too. */
const makeKidStage = async (
  options: Parameters<typeof makeAdminStage>[1] = {},
) => {
  const stage = await makeAdminStage(
    {},
    {
      bundles: { helper: { text: RAW_BUNDLE }, next: { text: NEXT } },
      ...options,
    },
  );
  const { make, ask, told, client, rig } = stage;
  const { slots: [kid = '', node = ''] = [] } = (await make('kid')) ?? {};
  return {
    ...stage,
    kid,
    node,
    /** By a person. */
    order: async (method: string, more: object = {}): Promise<void> => {
      const names = { cluster: 'demo', vat: 'kid' };
      await client.rpc.call(method, { ...names, ...more });
      await settle();
    },
    /** By the maker; the message of the error, if it rejects. */
    askNode: async (method: string, ...args: Json[]): Promise<string> =>
      problemIn(await heard(told, await ask(node, method, args))),
    /** What is shown of the kid: to its maker, in the status, and to who inspects it. */
    shown: async () => {
      const stats = Object(told(await ask(node, 'stats'))?.value);
      const status = rig.kernel
        .status()
        .clusters.flatMap(({ vats }) => vats)
        .find(({ name }) => name === 'kid');
      const names = { cluster: 'demo', vat: 'kid' };
      const answer = await client.rpc.call('inspect', names);
      const { vat } = answer as EndpointInspection;
      return [
        `${stats.state} by ${stats.stoppedBy}`,
        `${status?.state} by ${status?.stoppedBy}`,
        vat?.stoppedBy,
      ];
    },
  };
};

const shownAs = (state: string, by: string) => [
  `${state} by ${by}`,
  `${state} by ${by}`,
  by,
];
const RUNS = ['running by #undefined', 'running by undefined', null];

describe('what a person has ordered of a vat', () => {
  it.each([
    ['suspend', 'suspended', 'resume'],
    ['pause', 'paused', 'unpause'],
  ])(
    'by %s is not lifted by its maker, who can still end it',
    async (how, state, lift) => {
      const { order, askNode, shown, vatNamed } = await makeKidStage();
      await order(how);
      const before = vatNamed('kid');
      const refusal =
        'a person has paused or suspended the vat, and only a person lets it go on';
      expect([
        await askNode('resume'),
        await askNode('upgrade', 'next'),
        await askNode('suspend'),
        await askNode('pause'),
      ]).toEqual([refusal, refusal, refusal, refusal]);
      expect(vatNamed('kid')).toEqual(before);
      expect(await shown()).toEqual(shownAs(state, 'person'));
      await order(lift);
      expect(await shown()).toEqual(RUNS);
      await askNode('pause');
      await askNode('resume');
      await order(how);
      expect(await askNode('terminate')).toBeUndefined();
      expect(vatNamed('kid')).toBeUndefined();
    },
  );

  it.each([
    ['suspend', 'suspended', 'resume'],
    ['pause', 'paused', 'unpause'],
  ])(
    'also lifts, and takes over, what its maker has ordered by %s',
    async (how, state, lift) => {
      const { order, askNode, shown } = await makeKidStage();
      await askNode(how);
      expect(await shown()).toEqual(shownAs(state, 'maker'));
      await order(lift);
      expect(await shown()).toEqual(RUNS);
      await askNode(how);
      await askNode('resume');
      expect(await shown()).toEqual(RUNS);
      await askNode(how);
      await order(how);
      expect(await shown()).toEqual(shownAs(state, 'person'));
      expect(await askNode('resume')).toMatch(/only a person/);
      await expect(order(how)).rejects.toThrow('a person');
      await order(lift);
      expect(await shown()).toEqual(RUNS);
    },
  );

  it('takes over a suspension for a fault with its reason, which its maker could have lifted', async () => {
    const { order, askNode, shown, say, kid, vat, vatNamed } =
      await makeKidStage();
    const fault = async () => {
      await say(call(kid, 'work'));
      vat('kid').finish({ syscalls: [subscribe('p-999')] });
      await settle();
    };
    await fault();
    expect(await shown()).toEqual(shownAs('suspended', 'kernel'));
    const reason = vatNamed('kid')?.suspension;
    expect(await askNode('resume')).toBeUndefined();
    expect(vatNamed('kid')).toMatchObject({ suspension: null });
    vat('kid').finish({ syscalls: [subscribe('p-999')] });
    await settle();
    await order('suspend');
    expect(await shown()).toEqual(shownAs('suspended', 'person'));
    expect(vatNamed('kid')?.suspension).toBe(reason);
    expect(await askNode('upgrade', 'next')).toMatch(/only a person/);
    await order('upgrade', { bundle: { text: NEXT } });
    expect(await shown()).toEqual(RUNS);
  });

  it('holds when a fault meets what was in flight at a pause', async () => {
    const { order, askNode, shown, say, kid, vat } = await makeKidStage();
    await say(call(kid, 'work'));
    await order('pause');
    vat('kid').finish({ syscalls: [subscribe('p-999')] });
    await settle();
    expect(await shown()).toEqual(shownAs('suspended', 'person'));
    expect(await askNode('resume')).toMatch(/a person has paused or suspended/);
    await order('restart');
    expect(await shown()).toEqual(RUNS);
  });

  it('is not lifted by an upgrade of a maker that was under way, nor by one of a person that it is to outlast', async () => {
    const { order, ask, told, node, shown, vatNamed, vat, isHeld } =
      await makeKidStage({
        behave: (delivery, each) =>
          each.label === 'kid' && each.incarnation > 1
            ? undefined
            : answerStart(delivery),
      });
    const upgrading = await ask(node, 'upgrade', ['next']);
    await until(() => isHeld('kid'));
    const candidate = vat('kid');
    await order('pause');
    candidate.finish({});
    const refusal = problemIn(await heard(told, upgrading));
    expect(refusal).toBe(
      'Vat kid was not upgraded: a person has paused or suspended it, and only a person lets it go on',
    );
    expect([candidate.isKilled, vatNamed('kid')?.incarnation]).toEqual([
      true,
      1,
    ]);
    expect(await shown()).toEqual(shownAs('paused', 'person'));
    const done = order('upgrade', { bundle: { text: NEXT } });
    await until(() => isHeld('kid'));
    vat('kid').finish({});
    await done;
    expect(vatNamed('kid')?.incarnation).toBe(2);
    expect(await shown()).toEqual(shownAs('paused', 'person'));
  });

  it('is known after a crash', async () => {
    const { order, rig, client } = await makeKidStage();
    await order('suspend');
    await rig.kernel.idle();
    const left = makeMemoryImage(rig.image);
    client.rpc.close();
    const later = makeRig(holdStartsOf('none'), { image: left });
    await later.kernel.idle();
    expect(
      [...later.kernel.state.vats.values()].map(({ name, stoppedBy }) => [
        name,
        stoppedBy,
      ]),
    ).toContainEqual(['kid', 'person']);
    await later.kernel.stop();
  });
});
