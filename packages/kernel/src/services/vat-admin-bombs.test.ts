import { describe, expect, it } from 'vitest';
import type { Json, Vref } from '@cooperage/protocol';
import {
  heard,
  makeAdminStage,
  problemIn,
  until,
} from '../testing/admin-stage.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import { call } from '../testing/service-stage.ts';
import { answerStart, send, settle, vref } from '../testing/stage.ts';

const HOUR = 3_600_000;

/** Vats whose starts stay in flight while `isHeld` says so; alice is asked to call for them. */
const setScene = async (
  isHeld: (label: string) => boolean = label => label.startsWith('kid'),
) => {
  const { clock, advance } = makeManualClock();
  const stage = await makeAdminStage(
    {},
    {
      clock,
      behave: (delivery, vat) =>
        delivery[0] === 'startVat' && isHeld(vat.label)
          ? undefined
          : (answerStart(delivery) ??
            (['boot', 'kid'].includes(vat.label) ? {} : undefined)),
    },
  );
  const busy = (): string[] =>
    stage.rig.vats.all
      .filter(vat => vat.isBusy && !vat.isKilled)
      .map(({ label }) => label)
      .sort();
  let promises = 0;
  /** Alice gets the object and calls it, with each of the lists of arguments. */
  const order = async (
    object: string,
    method: string,
    ...calls: readonly (readonly Json[])[]
  ): Promise<void> => {
    await stage.say(send(stage.root('alice'), 'order', [object]));
    await until(() => stage.vat('alice').isBusy);
    const flight = stage.flight('alice');
    const [target] =
      flight[0] === 'message' ? flight[2].methargs.slots : ([] as Vref[]);
    await stage.finish(
      'alice',
      ...calls.map(args => {
        promises += 1;
        return call(`${target}`, method, args, `p+${promises}`);
      }),
    );
  };
  return {
    ...stage,
    advance,
    busy,
    order,
    bear: (...names: string[]): Promise<void> =>
      order(
        stage.admin,
        'createVat',
        ...names.map(name => ['helper', { name }]),
      ),
    loseHost: async (): Promise<void> => {
      stage.rig.vats.all
        .filter(({ isKilled }) => !isKilled)
        .forEach(vat => vat.lose('the process of the vats was lost', 'host'));
      await settle();
    },
    pass: async (milliseconds: number): Promise<void> => {
      advance(milliseconds);
      await settle();
    },
    suspensionOf: (name: string) => stage.vatNamed(name)?.suspension,
  };
};

describe('a vat whose birth takes the process of all vats along', () => {
  it('has its maker suspended at the second loss that it meets alone, and nobody who was in flight beside it (11)', async () => {
    const scene = await setScene();
    await scene.bear('kid1');
    expect(scene.busy()).toEqual(['kid1']);
    await scene.loseHost();
    await scene.say(send(scene.root('bob'), 'toil'));
    await scene.bear('kid2');
    await scene.say(send(scene.root('alice'), 'more'));
    expect(scene.busy()).toEqual(['bob']); // a second is his to end in, and nobody else begins
    await scene.pass(1_000);
    expect(scene.busy()).toEqual(['bob', 'kid2']);
    await scene.loseHost();
    expect(scene.suspensionOf('alice')).toBe(null);
    await scene.finish('bob');
    await scene.finish('alice');
    await scene.bear('kid3');
    await scene.say(send(scene.root('bob'), 'more'));
    expect(scene.busy()).toEqual(['kid3']);
    await scene.loseHost();
    expect(scene.suspensionOf('alice')).toBe(
      'vat kid3, whose start it asked for, took the process of all vats along, and was not the first: the process of the vats was lost',
    );
    expect(scene.vatNamed('alice')).toMatchObject({ stoppedBy: 'kernel' });
    expect(scene.suspensionOf('bob')).toBe(null);
    expect(scene.busy()).toEqual(['bob']);
    await scene.finish('bob');
    expect(scene.count()).toMatchObject({ births: 0, children: 0 });
    await scene.rig.kernel.stop();
  });

  it.each(['suspend', 'terminate'])(
    'leaves a maker as it is after an order to %s it',
    async order => {
      const scene = await setScene();
      await scene.bear('kid1');
      await scene.loseHost();
      await scene.bear('kid2');
      expect(scene.busy()).toEqual(['kid2']);
      await scene.client.rpc.call(order, { cluster: 'demo', vat: 'alice' });
      const before = scene.vatNamed('alice');
      await scene.loseHost();
      expect(scene.vatNamed('alice')).toEqual(before);
      expect(scene.rig.kernel.status()).toMatchObject({ state: 'running' });
      await scene.rig.kernel.stop();
    },
  );

  it('is held against its maker for an hour, also when others are born well meanwhile', async () => {
    const scene = await setScene();
    await scene.bear('kid1');
    await scene.loseHost();
    await scene.pass(HOUR);
    await scene.bear('kid2');
    await scene.loseHost();
    expect(scene.suspensionOf('alice')).toBe(null);
    await scene.bear('fine');
    await until(() => scene.vatNamed('fine') !== undefined);
    await scene.pass(HOUR - 1);
    await scene.bear('kid3');
    await scene.loseHost();
    expect(scene.suspensionOf('alice')).toContain('vat kid3');
    await scene.rig.kernel.stop();
  });

  it('keeps others from starting for a second, and its like, which are to be alone too, until it ends', async () => {
    const scene = await setScene(label => /^kid|^late/.test(label));
    await scene.bear('kid1');
    await scene.loseHost();
    await scene.bear('kid2', 'kid3');
    const launched = scene.rig.launch('other', ['late']);
    await settle();
    expect(scene.busy()).toEqual(['kid2']);
    await scene.pass(1_000);
    expect(scene.busy()).toEqual(['kid2', 'late']);
    await scene.finish('late');
    await launched;
    await scene.finish('kid2');
    expect(scene.busy()).toEqual(['kid3']);
    await scene.finish('kid3');
    await scene.rig.kernel.stop();
  });
});

describe('an upgrade that takes the process of all vats along', () => {
  it('has the maker suspended who ordered it, at the second loss, and the vat goes on with its old code', async () => {
    let isHeld = false;
    const scene = await setScene(label => isHeld && label === 'kid');
    const made = await scene.make('kid');
    const node = made?.slots[1] ?? '';
    for (const suspended of [false, true]) {
      isHeld = true;
      await scene.order(node, 'upgrade', ['helper']);
      await until(() => scene.isHeld('kid'));
      isHeld = false;
      await scene.loseHost();
      expect(scene.suspensionOf('alice') !== null).toBe(suspended);
    }
    expect(scene.suspensionOf('alice')).toContain('vat kid, whose start');
    expect(scene.vatNamed('kid')).toMatchObject({
      suspension: null,
      failure: null,
    });
    await scene.rig.kernel.stop();
  });
});

describe('a vat that makes others, has them ask services for objects, and ends them', () => {
  it('has no more room by that than its cluster has: sixteen times that of one vat (11)', async () => {
    const stage = await makeAdminStage(
      {},
      { allowance: { serviceUnits: 1_000 } },
    );
    const { admin, state, root, told, say, ask, finish, client } = stage;
    const cluster = stage.vatNamed('alice')?.cluster ?? '';
    const made: number[] = [];
    for (let round = 0; round < 24; round += 1) {
      const name = `kid${round}`;
      const { slots: [kid = '', node = ''] = [] } =
        (await stage.make(name)) ?? {};
      await say(call(kid, 'work', ['$0', '$1'], null, admin, root('bob')));
      await until(() => stage.isHeld(name));
      const results = ['p+1', 'p+2', 'p+3', 'p+4'];
      // Bob is at work: what is on its way to him keeps what it names.
      await finish(
        name,
        ...results.flatMap(result => [
          call('o-50', 'attenuate', [{ vats: 1 }], result),
          call('o-51', 'keep', ['$0'], null, result),
        ]),
      );
      await client.rpc.call('terminate', { cluster: 'demo', vat: name });
      await say(['dropImports', [vref(kid), vref(node)]]);
      made.push(state.serviceUnitsOfCluster.of(cluster));
    }
    expect(made[1]).toBe(2 * (made[0] ?? 0));
    expect(made.at(-1)).toBe(made.at(-2));
    expect(made.at(-1)).toBeGreaterThan(15_000);
    expect(made.at(-1)).toBeLessThanOrEqual(16_000);
    const outside = await ask(admin, 'attenuate', [{ vats: 1 }]);
    expect((await heard(told, outside))?.isRejected).toBe(false);
    const own = 'p+1';
    await say(call(root('alice'), 'ask', ['$0'], null, admin));
    await finish('alice', call('o-50', 'attenuate', [{ vats: 1 }], own), [
      'subscribe',
      vref(own),
    ]);
    await until(() => stage.isHeld('alice'));
    expect(JSON.stringify(stage.flight('alice'))).toContain(
      `the objects that services have made for the vats of ${cluster}, those that have ended too, would count 16`,
    );
    await stage.rig.kernel.stop();
  });

  it('has no more room by those either that end before the service has their calls: it makes nothing for them (11)', async () => {
    const stage = await makeAdminStage();
    const { admin, state, root, say, finish } = stage;
    const { slots: [kid = ''] = [] } = (await stage.make('kid')) ?? {};
    await say(call(kid, 'work', ['$0', '$1'], null, admin, root('bob')));
    await until(() => stage.isHeld('kid'));
    const before = state.serviceUnits.total;
    await finish(
      'kid',
      call('o-50', 'attenuate', [{ vats: 1 }], 'p+1'),
      call('o-51', 'keep', ['$0'], null, 'p+1'),
      ['exit', false, { body: '#null', slots: [] }],
    );
    await until(() => stage.isHeld('bob'));
    expect(state.serviceUnits.total).toBe(before);
    await stage.rig.kernel.stop();
  });
});

describe('a vat that makes others without end', () => {
  it('makes no more of them than a cluster may have, whatever its quota', async () => {
    const stage = await makeAdminStage({}, { isChecked: false });
    const { admin, client, state, ask, told } = stage;
    const { cluster = '' } = stage.vatNamed('alice') ?? {};
    const there = (): number => state.vatsByCluster.count(cluster);
    for (let nth = 0; there() < 1_000;) {
      const births = Math.min(16, 1_000 - there());
      // One more than there is room for, where those that are being made fill it.
      const asked = Math.min(16, births + 1);
      client.send(
        ...Array.from({ length: asked }, (_, each) =>
          call(admin, 'createVat', ['helper', { name: `kid${nth + each}` }]),
        ),
      );
      nth += asked;
      const before = there();
      await until(() => there() === before + births);
    }
    const last = await ask(admin, 'createVat', ['helper', { name: 'last' }]);
    expect(problemIn(await heard(told, last))).toBe(
      'a cluster has at most 1000 vats',
    );
    expect(there()).toBe(1_000);
    await stage.rig.kernel.stop();
  });
});
