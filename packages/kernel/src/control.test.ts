import { describe, expect, it } from 'vitest';
import { CooperageError, type Privilege } from '@cooperage/protocol';
import { makeRpc } from '@cooperage/streams';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import type { Platform } from './ports.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeRig, RAW_BUNDLE, type Rig } from './testing/rig.ts';
import {
  dataOf,
  end,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
} from './testing/stage.ts';

/** A client without a session. */
const connect = (
  { kernel }: Rig,
  privilege: Privilege = 'operate',
  onNotify: (method: string) => void = () => {},
) => {
  const { left, right } = makeStreamPair();
  kernel.connect(left, { privilege, label: 'of a test' });
  return makeRpc(right, { onNotify });
};

const NO_SESSION = {
  code: 'SESSION_CLOSED',
  message: 'Open a session first: references belong to one',
};

describe('a client', () => {
  it('has references only while it has a session, which bears its label', async () => {
    const stage = await makeStage(['alice']);
    const { state } = stage.rig.kernel;
    const rpc = connect(stage.rig);
    const reference = () => rpc.call('reference', { cluster: 'demo' });
    await expect(reference()).rejects.toMatchObject(NO_SESSION);
    const keep = (vref: string) => rpc.call('keep', { name: 'x', vref });
    await expect(keep(stage.root('alice'))).rejects.toMatchObject(NO_SESSION);
    await rpc.call('sessionOpen', {});
    expect([...state.sessions.values()].map(({ label }) => label)).toEqual([
      'test',
      'of a test',
    ]);
    expect(await reference()).toEqual({ vref: 'o-1', iface: 'Alleged: boot' });
    await expect(keep('o-9')).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'This session has no object "o-9" to keep',
    });
    await rpc.call('sessionClose', {});
    await expect(reference()).rejects.toMatchObject(NO_SESSION);
    expect(await rpc.call('sessionClose', {})).toBe(null);
    expect(state.sessions.size).toBe(1);
    await end(stage);
  });

  it('has no references either when its session has ended and it is still to be told so', async () => {
    // By a clock that stands still, what is to be told waits for a vat that works.
    const { clock } = makeManualClock();
    const stage = await makeStage(['alice'], { clock, holdMilliseconds: 1 });
    const { rpc, told } = stage.client;
    await stage.say(send(stage.root('alice'), 'work'));
    rpc.notify('syscalls', { syscalls: [], seen: 7 });
    const asked = rpc.call('reference', { cluster: 'demo' });
    await expect(asked).rejects.toMatchObject(NO_SESSION);
    expect(told).toEqual([]);
    await stage.finish('alice');
    expect(told).toHaveLength(1);
    await end(stage);
  });

  it('has those of its new session when it hears only then that the one before has ended', async () => {
    const { clock } = makeManualClock();
    const stage = await makeStage(['alice'], { clock, holdMilliseconds: 1 });
    const { rpc, told } = stage.client;
    await stage.say(send(stage.root('alice'), 'work'));
    const opened = rpc.call('sessionOpen', {});
    await settle();
    expect(told).toEqual([]);
    await stage.finish('alice');
    await opened;
    expect(told).toHaveLength(1);
    expect(await rpc.call('reference', { cluster: 'demo' })).toEqual({
      vref: 'o-1',
      iface: 'Alleged: boot',
    });
    await end(stage);
  });

  it.each([
    ['opens another session', 'the client opened another session'],
    ['closes it', 'the client closed it'],
    ['is gone', 'the client is gone'],
  ])('that %s rejects what its session decides', async (how, reason) => {
    const stage = await makeStage(['alice']);
    const { rpc } = stage.client;
    await stage.say(send(stage.root('alice'), 'watch', ['p+1']));
    await stage.finish('alice', subscribe('p-50'));
    if (how === 'is gone') {
      rpc.close();
    } else {
      await rpc.call(how === 'closes it' ? 'sessionClose' : 'sessionOpen', {});
    }
    await settle();
    expect(stage.flight('alice')).toEqual([
      'notify',
      [['p-50', true, { body: expect.stringContaining(reason), slots: [] }]],
    ]);
    await stage.finish('alice');
    await end(stage);
  });

  it('that says something without a session changes nothing', async () => {
    const stage = await makeStage(['alice']);
    const rpc = connect(stage.rig);
    rpc.notify('syscalls', {
      syscalls: [send(stage.root('alice'), 'hello')],
      seen: 0,
    });
    expect(await rpc.call('status', {})).toMatchObject({ state: 'running' });
    expect(stage.vat('alice').isBusy).toBe(false);
    await end(stage);
  });

  it('for whom no more can wait on the way is cut off, and its session ends', async () => {
    const stage = await makeStage(['alice'], {
      behave: delivery => {
        const result = delivery[0] === 'message' ? delivery[2].result : null;
        return result ? { syscalls: [fulfil(result, dataOf('yes'))] } : {};
      },
    });
    const { kernel } = stage.rig;
    const { left, right, fence } = makeStreamPair({
      left: { window: 1, outboxLimit: 1 },
    });
    kernel.connect(left, { privilege: 'operate', label: 'slow' });
    const rpc = makeRpc(right, { onNotify: () => {} });
    await rpc.call('sessionOpen', {});
    const { vref } = Object(await rpc.call('reference', { cluster: 'demo' }));
    const ask = (promise: string) => [
      send(vref, 'ask', [], promise),
      subscribe(promise),
    ];
    for (const promise of ['p+1', 'p+2', 'p+3', 'p+4']) {
      rpc.notify('syscalls', { syscalls: ask(promise), seen: 0 });
    }
    await settle();
    const { release } = fence();
    expect(kernel.status().sessions).toBe(1);
    release();
    expect(await rpc.closed).toMatchObject({
      message: expect.stringContaining('QueueFullError'),
    });
    await end(stage);
  });

  it('does not start what runs', async () => {
    const stage = await makeStage(['alice']);
    await expect(stage.client.rpc.call('start', {})).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'The kernel runs already',
    });
    await end(stage);
  });

  it.each([{ vat: 'alice' }, { id: 'v1' }, { cluster: 7 }])(
    'that pauses or unpauses %j means not all vats',
    async names => {
      const stage = await makeStage(['alice']);
      const { rpc } = stage.client;
      const refusal = {
        code: 'BAD_REQUEST',
        message: 'The request needs cluster, a text',
      };
      await expect(rpc.call('pause', names)).rejects.toMatchObject(refusal);
      expect(stage.rig.kernel.status().isPaused).toBeUndefined();
      await rpc.call('pause', {});
      await expect(rpc.call('unpause', names)).rejects.toMatchObject(refusal);
      expect(stage.rig.kernel.status().isPaused).toBe(true);
      await end(stage);
    },
  );

  it('gets the trace when it says true, and not otherwise', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], { clock });
    const told: string[][] = [];
    for (const params of [{ trace: true }, { trace: 'yes' }, {}]) {
      const own: string[] = [];
      told.push(own);
      await connect(stage.rig, 'read', method => own.push(method)).call(
        'subscribe',
        params,
      );
    }
    await stage.say(send(stage.root('alice'), 'hello'));
    await stage.finish('alice');
    advance(100);
    await settle();
    expect(told.map(each => each.includes('trace'))).toEqual([
      true,
      false,
      false,
    ]);
    await end(stage);
  });
});

describe('what a client sees of what is not committed', () => {
  it.each<[string, object]>([
    ['cycles', {}],
    ['inspect', { cluster: 'demo' }],
    ['grownSince', {}],
    ['forget', { name: 'kept' }],
    ['sessionClose', {}],
    ['mark', {}],
  ])('leaves with its commit when it asks for %s', async (method, params) => {
    const { clock } = makeManualClock();
    const stage = await makeStage(['alice'], { clock, holdMilliseconds: 1 });
    const { rpc } = stage.client;
    const { state } = stage.rig.kernel;
    const mark = await rpc.call('mark', {});
    await rpc.call('keep', { name: 'kept', vref: stage.root('alice') });
    await stage.say(send(stage.root('alice'), 'hello'));
    const commits = () => stage.rig.kernel.status().commits;
    const [before, isDirty] = [commits(), state.store.dirty];
    let isAnswered = false;
    const answer = rpc
      .call(method, { ...Object(mark), ...params })
      .then(() => (isAnswered = true));
    await settle();
    expect([isDirty, isAnswered, commits() - before]).toEqual([
      true,
      method === 'mark',
      0,
    ]);
    await stage.finish('alice');
    await answer;
    expect(commits()).toBeGreaterThan(before);
    await end(stage);
  });
});

describe('a request in which the kernel is at fault', () => {
  const failing = (problem: unknown) => ({
    wrap: (platform: Platform): Platform => ({
      ...platform,
      db: {
        ...platform.db,
        get counters() {
          return platform.db.counters;
        },
        check: () => {
          throw problem;
        },
      },
      stores: {
        ...platform.stores,
        reserve: () => Promise.reject(problem),
      },
    }),
  });
  const config = {
    name: 'demo',
    vats: { alice: { bundle: { text: RAW_BUNDLE } } },
  };

  it.each([
    ['the storage fails', new CooperageError('STORAGE_FAILED', 'disk gone')],
    ['something is wrong', Error('disk gone')],
  ])('ends the kernel when %s, and the client hears it', async (_, problem) => {
    const rig = makeRig(undefined, failing(problem));
    const { rpc } = await rig.connect();
    const refusal = {
      code: 'KERNEL_FAILED',
      message: 'The kernel has failed: disk gone',
    };
    await expect(rpc.call('check', {})).rejects.toMatchObject(refusal);
    for (const method of ['check', 'cycles', 'inspect', 'sessionOpen']) {
      await expect(rpc.call(method, {})).rejects.toMatchObject(refusal);
    }
    expect(await rpc.call('status', {})).toMatchObject({
      state: problem instanceof CooperageError ? 'storage-failed' : 'failed',
    });
    await rig.kernel.stop();
  });

  it('is not one for which a vat’s file can’t be used, nor a launch for which there is no room', async () => {
    for (const code of ['STORE_DAMAGED', 'STORAGE_FAILED'] as const) {
      const rig = makeRig(
        undefined,
        failing(new CooperageError(code, 'disk gone')),
      );
      const { rpc } = await rig.connect();
      const method = code === 'STORAGE_FAILED' ? 'launch' : 'check';
      await expect(rpc.call(method, { config })).rejects.toMatchObject({
        code,
        message: 'disk gone',
      });
      expect(rig.kernel.status()).toMatchObject({
        state: 'running',
        clusters: [],
      });
      await rig.kernel.stop();
    }
  });
});
