import { describe, expect, it } from 'vitest';
import { RAW_BUNDLE } from './testing/rig.ts';
import { referTo } from './testing/service-stage.ts';
import {
  answerStart,
  end,
  makeStage,
  settle,
  vatOf,
  type Stage,
} from './testing/stage.ts';

const refusal = (code: string, message: unknown) =>
  expect.objectContaining({ code, message });

const setScene = async (
  options: NonNullable<Parameters<typeof makeStage>[1]> = {},
) => {
  const stage = await makeStage(['alice', 'bob'], options);
  const { rpc } = stage.client;
  const call = async (method: string, params: object): Promise<unknown> => {
    const answer = await rpc.call(method, params);
    await settle();
    return answer;
  };
  return {
    stage,
    call,
    order: (method: string, vat?: string, cluster = 'demo') =>
      call(method, vat === undefined ? { cluster } : { cluster, vat }),
    keep: async (name: string): Promise<unknown> =>
      call('keep', { name, vref: stage.root('alice') }),
    launch: (name: string, vat = 'boot'): Promise<unknown> =>
      call('launch', {
        config: { name, vats: { [vat]: { bundle: { text: RAW_BUNDLE } } } },
      }),
  };
};

const stateOf = (stage: Stage, name: string) => vatOf(stage, name)?.state;

describe('a cluster and its vats', () => {
  it('are found by their names, and what is not there is told with what is', async () => {
    const { stage, order, call, launch } = await setScene();
    await expect(order('terminate', undefined, 'other')).rejects.toEqual(
      refusal('CLUSTER_UNKNOWN', 'There is no cluster "other"; there is demo'),
    );
    await expect(order('terminate', 'eve')).rejects.toEqual(
      refusal(
        'VAT_UNKNOWN',
        'Cluster demo has no vat "eve"; it has boot, alice, bob',
      ),
    );
    const { id } = stage.vat('alice');
    await order('terminate', 'alice');
    await expect(order('terminate', 'alice')).rejects.toEqual(
      refusal(
        'VAT_UNKNOWN',
        `Cluster demo has no vat "alice"; it has boot, bob: demo.alice (${id}) ended in incarnation 1, for vat demo.alice was terminated`,
      ),
    );
    await launch('second', 'eve');
    await expect(order('terminate', undefined, 'other')).rejects.toEqual(
      refusal(
        'CLUSTER_UNKNOWN',
        'There is no cluster "other"; there is demo, second',
      ),
    );
    await order('terminate', undefined, 'second');
    await expect(order('terminate', 'eve')).rejects.toEqual(
      refusal('VAT_UNKNOWN', 'Cluster demo has no vat "eve"; it has boot, bob'),
    );
    expect(await call('reference', { cluster: 'demo' })).toMatchObject({
      vref: expect.any(String),
    });
    await order('terminate');
    expect(
      stage.rig.kernel.status().ended?.map(({ reason }) => reason),
    ).toEqual([
      'cluster demo was terminated',
      'cluster demo was terminated',
      'cluster second was terminated',
      'vat demo.alice was terminated',
    ]);
    await expect(order('terminate')).rejects.toEqual(
      refusal(
        'CLUSTER_UNKNOWN',
        'There is no cluster "demo"; there is none at all',
      ),
    );
    await end(stage);
  });

  it('are started anew, one or all', async () => {
    const { stage, order } = await setScene();
    const incarnations = () =>
      ['boot', 'alice', 'bob'].map(name => vatOf(stage, name)?.incarnation);
    await order('restart', 'alice');
    expect(incarnations()).toEqual([1, 2, 1]);
    await order('restart');
    expect(incarnations()).toEqual([2, 3, 2]);
    await end(stage);
  });
});

describe('what a person orders of vats', () => {
  it('is done to those of which it can be, and refused when there is none', async () => {
    const { stage, order } = await setScene();
    const states = () => ['boot', 'alice', 'bob'].map(n => stateOf(stage, n));
    const insist = async (
      method: string,
      vat: string | undefined,
      words: string,
    ): Promise<void> =>
      expect(order(method, vat)).rejects.toEqual(refusal('BAD_REQUEST', words));
    await insist('resume', 'alice', 'Vat demo.alice is not suspended');
    await insist('resume', undefined, 'No vat of demo is suspended');
    await insist('unpause', 'alice', 'Vat demo.alice is not paused');
    await insist('unpause', undefined, 'No vat of demo is paused');
    await order('pause', 'alice');
    expect(states()).toEqual(['running', 'paused', 'running']);
    await insist(
      'pause',
      'alice',
      'Vat demo.alice is paused by a person or does not run',
    );
    await order('suspend', 'bob');
    expect(vatOf(stage, 'bob')).toMatchObject({
      state: 'suspended',
      reason: 'suspended by a person',
      stoppedBy: 'person',
    });
    await insist(
      'suspend',
      'bob',
      "Vat demo.bob is suspended by a person already, or can't run",
    );
    await insist(
      'pause',
      'bob',
      'Vat demo.bob is paused by a person or does not run',
    );
    await order('pause');
    expect(states()).toEqual(['paused', 'paused', 'suspended']);
    await insist('pause', undefined, 'No vat of demo can be paused');
    await order('unpause');
    expect(states()).toEqual(['running', 'running', 'suspended']);
    await order('suspend');
    expect(states()).toEqual(['suspended', 'suspended', 'suspended']);
    await insist('suspend', undefined, 'No vat of demo can be suspended');
    await order('resume', 'alice');
    expect(stateOf(stage, 'bob')).toBe('suspended');
    await order('resume');
    expect(states().includes('suspended')).toBe(false);
    await end(stage);
  });

  it('is neither a pause nor a suspension when the vat can’t run', async () => {
    const { stage, order } = await setScene({
      begin: (label, nth) =>
        label === 'alice' && nth === 2 ? { failed: 'no such module' } : 'ready',
    });
    await order('restart', 'alice');
    expect(stateOf(stage, 'alice')).toBe('failed');
    for (const method of ['pause', 'suspend']) {
      await expect(order(method, 'alice')).rejects.toEqual(
        refusal('BAD_REQUEST', expect.anything()),
      );
    }
    expect(stateOf(stage, 'alice')).toBe('failed');
    await end(stage);
  });
});

describe('a name', () => {
  it('is of one cluster, or of one thing that is kept', async () => {
    const { stage, keep, launch, call } = await setScene();
    await expect(launch('demo')).rejects.toEqual(
      refusal(
        'CLUSTER_EXISTS',
        'A cluster named demo is there already: choose another name, or terminate it first',
      ),
    );
    await keep('purse');
    await expect(launch('purse')).rejects.toEqual(
      refusal(
        'NAME_TAKEN',
        'Something is kept under the name purse: forget it first, or choose another',
      ),
    );
    for (const name of ['purse', 'demo']) {
      await expect(keep(name)).rejects.toEqual(
        refusal(
          'NAME_TAKEN',
          `The name ${name} is taken: forget it first, or choose another`,
        ),
      );
    }
    await expect(call('forget', { name: 'none' })).rejects.toEqual(
      refusal('OBJECT_UNKNOWN', 'Nothing is kept under the name "none"'),
    );
    await call('forget', { name: 'purse' });
    await launch('purse');
    expect(stage.rig.kernel.status().home).toEqual([]);
    await end(stage);
  });

  it('is of a cluster that is on its way already, and free again when that comes to nothing', async () => {
    const { stage, keep, launch } = await setScene({
      behave: (delivery, { label }) =>
        label === 'slow' ? undefined : answerStart(delivery),
    });
    const launched = launch('later', 'slow');
    await settle();
    await expect(keep('later')).rejects.toEqual(
      refusal('NAME_TAKEN', expect.stringContaining('The name later is taken')),
    );
    await expect(launch('later')).rejects.toEqual(
      refusal('CLUSTER_EXISTS', expect.anything()),
    );
    const refused = expect(launched).rejects.toMatchObject({
      code: 'LAUNCH_FAILED',
    });
    await stage.finishWith('slow', {
      outcome: { ok: false, problem: 'it throws' },
    });
    await refused;
    await keep('later');
    await end(stage);
  });

  it('of what is kept is a proper one, and there are so many at most', async () => {
    const { stage, keep } = await setScene({ mostHomeNames: 1 });
    for (const name of ['1st', 'a b', 'x'.repeat(64), '']) {
      await expect(keep(name)).rejects.toEqual(
        refusal('BAD_REQUEST', expect.stringContaining('is no name (^[A-Za')),
      );
    }
    await keep('x'.repeat(63));
    await expect(keep('y')).rejects.toEqual(
      refusal(
        'LIMIT_REACHED',
        '1 names are kept in home, and no more may be: forget one first',
      ),
    );
    await end(stage);
  });

  it('is kept for what a vat that is there or a service has made', async () => {
    const { stage, keep, order, call } = await setScene({
      services: ['timer'],
    });
    await order('terminate', 'alice');
    await expect(keep('purse')).rejects.toEqual(
      refusal(
        'BAD_REQUEST',
        expect.stringMatching(
          /^ko\d+ is neither a vat's object nor a service's, or no longer: it can't be kept$/,
        ),
      ),
    );
    await call('keep', { name: 'bob', vref: stage.root('bob') });
    const timer = await referTo(stage.rig, stage.client, 'timer');
    await call('keep', { name: 'clock', vref: timer });
    expect(stage.rig.kernel.status().home.map(({ name }) => name)).toEqual([
      'bob',
      'clock',
    ]);
    await call('storeBundle', { name: 'code', bundle: { text: RAW_BUNDLE } });
    await call('erase', {});
    expect(await call('bundles', {})).toEqual([]);
    expect(stage.rig.kernel.status()).toMatchObject({ home: [], clusters: [] });
    expect(stage.rig.kernel.status()).not.toHaveProperty('ended');
    await end(stage);
  });
});
