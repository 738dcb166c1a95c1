import { describe, expect, it } from 'vitest';
import { makeMemoryImage } from './adapters/memory.ts';
import { makeRig } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  end,
  fulfil,
  heardBy,
  makeStage,
  send,
  settle,
  subscribe,
  vatOf,
  type Stage,
} from './testing/stage.ts';

const vatsOf = ({ rig }: Pick<Stage, 'rig'>) =>
  rig.kernel.status().clusters.flatMap(({ vats }) => vats);

const order = async (
  { client }: Stage,
  method: string,
  vat?: string,
): Promise<unknown> => {
  const answer = await client.rpc.call(method, {
    cluster: 'demo',
    ...(vat === undefined ? {} : { vat }),
  });
  await settle();
  return answer;
};

const textOf = (value: unknown): string =>
  String(JSON.stringify(value)).replaceAll('\\"', '"');

describe('a vat that a person pauses', () => {
  it('keeps its worker and heap, ends its delivery, and gets no other until it is unpaused', async () => {
    const stage = await makeStage(['alice', 'bob']);
    const alice = stage.root('alice');
    await stage.say(send(alice, 'first', [], 'p+1'), subscribe('p+1'));
    await order(stage, 'pause', 'alice');
    await stage.finish('alice', fulfil('p-50', dataOf('done')));
    expect(stage.client.deliveries).toEqual([
      ['notify', [['p+1', false, dataOf('done')]]],
    ]);
    await stage.say(send(alice, 'second'), send(stage.root('bob'), 'work'));
    expect(textOf(stage.flight('bob'))).toContain('"work"');
    expect(vatOf(stage, 'alice')).toMatchObject({
      state: 'paused',
      incarnation: 1,
      waiting: 1,
    });
    const worker = stage.vat('alice');
    expect(worker.isBusy).toBe(false);
    await order(stage, 'unpause', 'alice');
    expect(stage.vat('alice')).toBe(worker);
    expect(textOf(stage.flight('alice'))).toContain('"second"');
    await stage.finish('alice');
    await stage.finish('bob');
    await end(stage);
  });

  it('is reaped by no collection meanwhile', async () => {
    const stage = await makeStage(['alice'], { collectMilliseconds: Infinity });
    await stage.say(send(stage.root('alice'), 'work'));
    await stage.finish('alice');
    await order(stage, 'pause', 'alice');
    const before = stage.vat('alice').deliveries.length;
    await stage.client.rpc.call('collect', {});
    expect(stage.vat('alice').deliveries).toHaveLength(before);
    await end(stage);
  });

  it('is paused still after a crash, and its messages wait', async () => {
    const image = makeMemoryImage();
    const stage = await makeStage(['alice'], { image });
    await order(stage, 'pause', 'alice');
    await stage.say(send(stage.root('alice'), 'work'));
    await stage.rig.kernel.idle();
    const rig = makeRig(answerStart, { image: makeMemoryImage(image) });
    await rig.kernel.idle();
    expect(vatOf({ rig }, 'alice')).toMatchObject({
      state: 'paused',
      waiting: 1,
    });
    const client = await rig.connect();
    await client.rpc.call('unpause', { cluster: 'demo' });
    await settle();
    expect(textOf(rig.vats.get('alice').deliveries.at(-1))).toContain('"work"');
    await end(stage);
  });

  it('goes on when it is restarted, and is no longer paused when it is suspended', async () => {
    const stage = await makeStage(['alice']);
    await order(stage, 'pause', 'alice');
    await order(stage, 'restart', 'alice');
    expect(vatOf(stage, 'alice')).toMatchObject({ state: 'running' });
    await order(stage, 'pause', 'alice');
    await order(stage, 'suspend', 'alice');
    await order(stage, 'resume', 'alice');
    expect(vatOf(stage, 'alice')).toMatchObject({ state: 'running' });
    await end(stage);
  });

  it('is one of a cluster, or all of it, or an error says that there is none', async () => {
    const stage = await makeStage(['alice', 'bob']);
    await order(stage, 'pause', 'bob');
    await order(stage, 'pause');
    expect(vatsOf(stage).map(({ state }) => state)).toEqual([
      'paused',
      'paused',
      'paused',
    ]);
    await expect(order(stage, 'pause', 'bob')).rejects.toThrow(
      'Vat demo.bob is paused by a person or does not run',
    );
    await order(stage, 'unpause');
    await expect(order(stage, 'unpause')).rejects.toThrow(
      'No vat of demo is paused',
    );
    await expect(
      stage.client.rpc.call('pause', { vat: 'bob' }),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(stage.rig.kernel.status().isPaused).toBeUndefined();
    await end(stage);
  });
});

describe('a vat that a person suspends', () => {
  it('loses its heap, and the delivery in flight waits with the rest until it is resumed', async () => {
    const stage = await makeStage(['alice']);
    const alice = stage.root('alice');
    await stage.say(send(alice, 'first'), send(alice, 'second'));
    const worker = stage.vat('alice');
    await order(stage, 'suspend', 'alice');
    expect(worker.isKilled).toBe(true);
    expect(vatOf(stage, 'alice')).toMatchObject({
      state: 'suspended',
      reason: 'suspended by a person',
      incarnation: 2,
      waiting: 2,
    });
    await order(stage, 'resume', 'alice');
    expect(textOf(stage.flight('alice'))).toContain('"first"');
    expect(
      [...stage.rig.kernel.state.queue.values()].map(({ tries }) => tries),
    ).toEqual([0, 0]);
    await stage.finish('alice');
    await stage.finish('alice');
    await end(stage);
  });

  it('takes messages up to the bound of its inbox: one more rejects, its sender goes on, and notifies are not counted', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      allowance: { inboxMessages: 4 },
    });
    const [alice, bob] = [stage.root('alice'), stage.root('bob')];
    await stage.say(send(alice, 'meet', [bob]));
    // It waits for an answer that comes when it is suspended.
    await stage.finish(
      'alice',
      send('o-50', 'ask', [], 'p+5'),
      subscribe('p+5'),
    );
    await order(stage, 'suspend', 'alice');
    // From the client two, and the third is too many of its own; from bob one, besides.
    await stage.say(
      send(alice, 'one', [], 'p+1'),
      send(alice, 'two', [], 'p+2'),
      send(alice, 'three', [], 'p+3'),
      subscribe('p+1'),
      subscribe('p+3'),
      send(bob, 'goes on', [], 'p+4'),
    );
    expect(textOf(stage.client.deliveries)).toContain('no more may');
    expect(stage.client.deliveries).toMatchObject([
      ['notify', [['p+3', true, {}]]],
    ]);
    await stage.finish('bob', fulfil('p-50', dataOf(7)));
    expect(textOf(stage.flight('bob'))).toContain('"goes on"');
    expect(vatOf(stage, 'alice')).toMatchObject({ waiting: 3 });
    await stage.finish('bob');
    await end(stage);
  });

  it('answers at once, with a rejection, what is for an object that it lost with its heap, also what waited for that already', async () => {
    const stage = await makeStage(['alice']);
    const alice = stage.root('alice');
    await stage.say(send(alice, 'make', [], 'p+1'), subscribe('p+1'));
    await stage.finish('alice', fulfil('p-50', dataOf('$0', 'o+9')));
    const thing = heardBy(stage)[0]?.[2].slots[0] ?? '';
    await order(stage, 'pause', 'alice');
    await stage.say(send(thing, 'early', [], 'p+2'), subscribe('p+2'));
    await order(stage, 'suspend', 'alice');
    await stage.say(send(thing, 'late', [], 'p+3'), subscribe('p+3'));
    expect(stage.client.deliveries.slice(1)).toMatchObject([
      ['notify', [['p+2', true, {}]]],
      ['notify', [['p+3', true, {}]]],
    ]);
    expect(textOf(stage.client.deliveries)).toContain('is gone');
    expect(vatOf(stage, 'alice')).toMatchObject({ waiting: 0 });
    await end(stage);
  });
});

describe('a vat that a person terminates', () => {
  it('goes alone: its neighbors and its cluster stay, and what waits for it rejects', async () => {
    const stage = await makeStage(['alice', 'bob']);
    const alice = stage.root('alice');
    await stage.say(
      send(alice, 'first', [], 'p+1'),
      send(alice, 'second', [], 'p+2'),
      subscribe('p+1'),
      subscribe('p+2'),
    );
    await order(stage, 'terminate', 'alice');
    expect(vatsOf(stage).map(({ name }) => name)).toEqual(['boot', 'bob']);
    const ended = dataOf({
      '#error': 'vat demo.alice was terminated',
      name: 'Error',
    });
    expect(heardBy(stage)).toEqual([
      ['p+1', true, ended],
      ['p+2', true, ended],
    ]);
    await stage.say(send(alice, 'late', [], 'p+3'), subscribe('p+3'));
    expect(textOf(stage.client.deliveries.at(-1))).toContain('is gone');
    await stage.say(send(stage.root('bob'), 'work'));
    await stage.finish('bob');
    await end(stage);
  });

  it('takes its cluster with it when it is the last one, and the name is free at once', async () => {
    const stage = await makeStage(['alice']);
    await order(stage, 'terminate', 'boot');
    expect(vatsOf(stage)).toHaveLength(1);
    await order(stage, 'terminate', 'alice');
    expect(stage.rig.kernel.status().clusters).toEqual([]);
    await stage.rig.launch('demo', ['boot', 'alice']);
    expect(vatsOf(stage)).toHaveLength(2);
    await expect(order(stage, 'terminate', 'carol')).rejects.toMatchObject({
      code: 'VAT_UNKNOWN',
    });
    await end(stage);
  });
});

describe('a vat whose code could not run', () => {
  it('runs when a person restarts it and the code can, with what is sent from then on', async () => {
    const stage = await makeStage(['alice'], {
      begin: (label, nth) =>
        label === 'alice' && nth === 2 ? { failed: 'no such module' } : 'ready',
    });
    await order(stage, 'restart', 'alice');
    expect(vatOf(stage)).toMatchObject({ state: 'failed' });
    await order(stage, 'restart', 'alice');
    await stage.say(send(stage.root('alice'), 'work'));
    expect(vatOf(stage)).toMatchObject({ state: 'running' });
    await stage.finish('alice');
    await end(stage);
  });
});

describe('the code of vats', () => {
  it('goes with the last vat that it is for', async () => {
    const stage = await makeStage(['alice']);
    const { tables } = stage.rig.image;
    const count = () => tables.get('bundles')?.size;
    await order(stage, 'terminate', 'alice');
    expect(count()).toBe(1);
    await order(stage, 'terminate');
    expect(count()).toBe(0);
    await end(stage);
  });
});

describe('an order with an id', () => {
  const ORDERS = [
    'terminate',
    'restart',
    'suspend',
    'resume',
    'pause',
    'unpause',
    'upgrade',
  ];
  const bundle = { text: JSON.stringify({ moduleFormat: 'cooperageScript' }) };

  it.each(ORDERS)(
    '%s is not for another vat or cluster that has the name by now, and says so',
    async method => {
      const stage = await makeStage(['alice']);
      const { rig, client } = stage;
      const look = () => rig.kernel.status().clusters;
      const [{ id: cluster } = { id: '' }] = look();
      const id = vatOf(stage, 'alice')?.id;
      await order(stage, 'terminate');
      await rig.launch('demo', ['boot', 'alice']);
      await settle();
      const before = look();
      const refused = async (params: object): Promise<unknown> =>
        client.rpc
          .call(method, { cluster: 'demo', bundle, ...params })
          .catch(({ code, message }) => ({ code, message }));
      expect(await refused({ vat: 'alice', id })).toEqual({
        code: 'VAT_UNKNOWN',
        message: `Vat demo.alice is ${vatOf(stage, 'alice')?.id} now, not the ${id} that was meant: that one has ended`,
      });
      expect(await refused({ id: cluster })).toEqual({
        code: 'CLUSTER_UNKNOWN',
        message: `Cluster demo is ${before[0]?.id} now, not the ${cluster} that was meant: that one has ended`,
      });
      await settle();
      expect(look()).toEqual(before);
      await end(stage);
    },
  );

  it('is obeyed by the one that it names, and needs a cluster', async () => {
    const stage = await makeStage(['alice']);
    const { client } = stage;
    const id = vatOf(stage, 'alice')?.id;
    await client.rpc.call('pause', { cluster: 'demo', vat: 'alice', id });
    expect(vatOf(stage, 'alice')).toMatchObject({ state: 'paused' });
    await expect(client.rpc.call('pause', { id })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
    expect(stage.rig.kernel.status().state).toBe('running');
    const cluster = stage.rig.kernel.status().clusters[0]?.id;
    await expect(
      client.rpc.call('upgrade', { cluster: 'demo', id: cluster, bundle: {} }),
    ).rejects.toMatchObject({ code: 'BAD_REQUEST' }); // of the bundle
    await client.rpc.call('terminate', { cluster: 'demo', id: cluster });
    expect(stage.rig.kernel.status().clusters).toEqual([]);
    await end(stage);
  });
});
