import { describe, expect, it } from 'vitest';
import { CooperageError, type Delivery } from '@cooperage/protocol';
import { makeRawVats, type Deed, type RawVat } from './testing/raw-vats.ts';
import { makeRpc } from '@cooperage/streams';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
} from './adapters/memory.ts';
import { makeKernel } from './kernel.ts';
import type { Platform } from './ports.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeRig } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  end,
  heardBy,
  makeStage,
  send,
  settle,
  subscribe,
} from './testing/stage.ts';

/** Answers every message with its own method name. */
const echo = (delivery: Delivery): Deed => {
  if (delivery[0] !== 'message') {
    return {};
  }
  const { methargs, result } = delivery[2];
  const [method] = JSON.parse(methargs.body.slice(1));
  return result
    ? { syscalls: [['resolve', [[result, false, dataOf(`did ${method}`)]]]] }
    : {};
};

describe('a console message', () => {
  it('is delivered, answered, and leaves no row', async () => {
    const rig = makeRig(echo);
    await rig.launch('demo', ['alice', 'bob']);
    expect(rig.kernel.status().clusters).toMatchObject([
      { name: 'demo', vats: [{ name: 'alice' }, { name: 'bob' }] },
    ]);
    const client = await rig.connect();
    const bob = (await client.rpc.call('reference', {
      cluster: 'demo',
      vat: 'bob',
    })) as { vref: never };
    const ask = async (number: number): Promise<void> => {
      client.send(
        [
          'send',
          bob.vref,
          { methargs: dataOf(['hello', []]), result: `p+${number}` as never },
        ],
        ['subscribe', `p+${number}` as never],
      );
      await rig.kernel.idle();
    };
    await ask(1);
    const rows = () => [
      rig.kernel.state.clists.size,
      rig.kernel.state.promises.size,
      rig.kernel.state.objects.size,
      rig.kernel.state.queue.size,
    ];
    await ask(2);
    const before = rows();
    for (let n = 3; n < 50; n += 1) {
      await ask(n);
    }
    expect(rows()).toEqual(before);
    expect(client.deliveries.at(-1)).toEqual([
      'notify',
      [['p+49', false, dataOf('did hello')]],
    ]);
    await rig.kernel.stop();
  });
});

describe('the trace', () => {
  it('tells whoever wants it what is delivered and what comes of it', async () => {
    const rig = makeRig(echo);
    await rig.launch('demo', ['alice']);
    const client = await rig.connect();
    const traced: unknown[] = [];
    const { left, right } = makeStreamPair();
    rig.kernel.connect(left, { privilege: 'read', label: 'tracer' });
    const all = new Promise<void>(resolve => {
      const rpc = makeRpc(right, {
        onNotify: (name, params) => {
          if (name === 'trace') {
            traced.push(...Object(params).events);
            resolve();
          }
        },
      });
      void rpc.call('subscribe', { trace: true });
    });
    const alice = Object(
      await client.rpc.call('reference', { cluster: 'demo' }),
    );
    client.send([
      'send',
      alice.vref,
      { methargs: dataOf(['hello', []]), result: 'p+1' as never },
    ]);
    await all;
    expect(traced).toMatchObject([
      { type: 'deliver', vat: 'v1', delivery: 'message' },
      { type: 'done', vat: 'v1', ok: true, syscalls: ['resolve'], changes: 0 },
    ]);
    await rig.kernel.stop();
  });
});

describe('a kernel', () => {
  it('stops once, closes its storage then, and does nothing any more', async () => {
    const closed: string[] = [];
    const rig = makeRig(echo, {
      wrap: platform => ({
        ...platform,
        db: { ...platform.db, close: () => closed.push('db') },
        stores: { ...platform.stores, close: () => closed.push('stores') },
      }),
    });
    await rig.launch('demo', ['alice']);
    const stopped = rig.kernel.stop();
    expect(rig.kernel.stop()).toBe(stopped);
    await stopped;
    expect(closed).toEqual(['db', 'stores']);
    expect(await rig.kernel.ended).toEqual(rig.kernel.status());
    expect(rig.kernel.status().state).toBe('stopped');
    await expect(rig.kernel.idle()).rejects.toMatchObject({
      code: 'KERNEL_STOPPED',
    });
  });

  it('that has failed closes its storage when it is to stop, and has still failed', async () => {
    const closed: string[] = [];
    const rig = makeRig(echo, {
      wrap: platform => ({
        ...platform,
        db: {
          ...platform.db,
          check: () => {
            throw Error('a defect');
          },
          close: () => closed.push('db'),
        },
        stores: { ...platform.stores, close: () => closed.push('stores') },
      }),
    });
    const { rpc } = await rig.connect();
    await expect(rpc.call('check', {})).rejects.toThrow('a defect');
    expect(await rig.kernel.ended).toMatchObject({
      state: 'failed',
      reason: 'a defect',
    });
    expect(closed).toEqual([]);
    await rig.kernel.stop();
    expect(closed).toEqual(['db', 'stores']);
    expect(rig.kernel.status().state).toBe('failed');
  });

  it('runs without any options, and without all that a place may lack', async () => {
    const image = makeMemoryImage();
    const kernel = makeKernel({
      db: openMemoryKernelDb(image),
      stores: openMemoryVatStores(image),
      vats: makeRawVats().launcher,
      clock: makeManualClock().clock,
      log: () => {},
      hash: () => Promise.reject(Error('nothing is hashed')),
      fetchText: () => Promise.reject(Error('nothing is fetched')),
    });
    const { left, right } = makeStreamPair();
    kernel.connect(left, { privilege: 'operate', label: 'test' });
    await makeRpc(right).call('sessionOpen', {});
    expect(kernel.status()).toMatchObject({ state: 'running', sessions: 1 });
    await kernel.stop();
  });

  it('does not start over a storage that fails meanwhile', () => {
    const failed = new CooperageError('STORAGE_FAILED', 'gone');
    const wrap = (platform: Platform): Platform => ({
      ...platform,
      stores: {
        ...platform.stores,
        list: () => {
          throw failed;
        },
      },
    });
    expect(() => makeRig(echo, { wrap })).toThrow(failed);
  });

  it('counts its cranks', async () => {
    let cranks = 0;
    const rig = makeRig(echo, { afterCrank: () => (cranks += 1) });
    const before = cranks;
    await rig.launch('demo', ['alice']);
    await rig.kernel.idle();
    expect(cranks).toBeGreaterThan(before);
    expect(rig.kernel.status()).toMatchObject({ cranks, sessions: 0 });
    await rig.kernel.stop();
  });

  it('commits an epoch after 32 milliseconds, and what leaves waits 2 for more, unless it is told otherwise', async () => {
    const { clock, waits } = makeManualClock();
    const stage = await makeStage(['alice', 'bob'], {
      clock,
      isChecked: false,
      behave: (delivery, vat) =>
        answerStart(delivery) ?? (vat.label === 'bob' ? {} : undefined),
      ...Object({ holdMilliseconds: undefined }),
    });
    await stage.rig.kernel.idle();
    const { commits } = stage.rig.kernel.status();
    await stage.say(send(stage.root('alice'), 'work'));
    expect(waits()).toContain(32);
    const closed = stage.client.rpc.call('pause', {
      cluster: 'demo',
      vat: 'bob',
    });
    await settle();
    expect(waits()).toContain(2);
    expect(stage.rig.kernel.status().commits).toBe(commits);
    await stage.finish('alice');
    await closed;
    await end(stage);
  });

  it('commits an epoch after 1,024 cranks, unless it is told otherwise', async () => {
    const { clock } = makeManualClock();
    let cranks = 0;
    const epochs: number[] = [];
    /** Each answer comes in a turn of its own, so that a commit can come between. */
    const answerLater = (_: Delivery, vat: RawVat) =>
      clock.soon(() => vat.finish());
    const rig = makeRig(answerLater, {
      clock,
      isChecked: false,
      afterCrank: () => (cranks += 1),
      wrap: platform => ({
        ...platform,
        db: {
          ...platform.db,
          get counters() {
            return platform.db.counters;
          },
          commit: changes => {
            epochs.push(cranks);
            cranks = 0;
            platform.db.commit(changes);
          },
        },
      }),
    });
    await rig.launch('demo', ['alice']);
    const client = await rig.connect();
    const { vref } = Object(
      await client.rpc.call('reference', { cluster: 'demo' }),
    );
    client.send(...Array.from({ length: 1_300 }, () => send(vref, 'hello')));
    await rig.kernel.idle();
    const longest = Math.max(...epochs);
    expect(longest).toBeGreaterThanOrEqual(1_024);
    expect(longest).toBeLessThan(1_300);
    await rig.kernel.stop();
  });

  it('tells others in 500 characters at most, all of them whole, why a vat has ended itself', async () => {
    const stage = await makeStage(['alice']);
    await stage.say(
      send(stage.root('alice'), 'ask', [], 'p+1'),
      subscribe('p+1'),
    );
    const words = `${'x'.repeat(499)}\u{1f600}`;
    await stage.finish('alice', ['exit', true, dataOf(words)]);
    const [[, isRejected, { body }] = ['', false, dataOf(0)]] = heardBy(stage);
    expect([isRejected, JSON.parse(body.slice(1))]).toMatchObject([
      true,
      { '#error': `the vat ended itself: ${'x'.repeat(499)}\ufffd` },
    ]);
    await end(stage);
  });

  it('writes the lines of a vat under its name, and under its id when it has ended meanwhile', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], { clock, logLinesPerSecond: 1 });
    const { id, say } = stage.vat('alice');
    const at = clock.now();
    say({ type: 'log', level: 'info', text: 'one' });
    say({ type: 'log', level: 'info', text: 'two' });
    await settle();
    await stage.client.rpc.call('terminate', { cluster: 'demo', vat: 'alice' });
    advance(1_000);
    expect(stage.rig.logs.filter(({ vat }) => vat === id)).toEqual([
      { at, vat: id, label: 'alice', level: 'info', text: 'one' },
      {
        at,
        vat: id,
        label: 'alice',
        level: 'info',
        text: 'ended: vat demo.alice was terminated',
      },
      {
        at: at + 1_000,
        vat: id,
        label: id,
        level: 'warn',
        text: '1 lines of log were left out: more than 1 came in a second',
      },
    ]);
    await end(stage);
  });

  it('says at its start which critical vats are suspended, and of no others', async () => {
    const image = makeMemoryImage();
    const stage = await makeStage(['alice', 'bob', 'carol'], {
      image,
      rules: vat => ({ critical: vat !== 'bob' }),
    });
    const { rpc } = stage.client;
    for (const vat of ['alice', 'bob']) {
      await rpc.call('suspend', { cluster: 'demo', vat });
    }
    const reason = stage.rig.kernel
      .status()
      .clusters[0]?.vats.find(({ name }) => name === 'alice')?.reason;
    await end(stage);
    const { clock } = makeManualClock();
    const later = makeRig(answerStart, { image, clock });
    await settle();
    expect(later.logs).toEqual([
      {
        at: clock.now(),
        vat: 'v2',
        label: 'alice',
        level: 'error',
        text: `this critical vat is suspended: ${reason}; resume, restart, upgrade or terminate it`,
      },
    ]);
    await later.kernel.stop();
  });
});
