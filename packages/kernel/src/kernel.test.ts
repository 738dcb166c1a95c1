import { describe, expect, it } from 'vitest';
import type { Delivery } from '@cooperage/protocol';
import type { Deed } from './testing/raw-vats.ts';
import { makeRpc } from '@cooperage/streams';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import { makeRig } from './testing/rig.ts';

const data = (value: unknown, ...slots: string[]) =>
  ({ body: `#${JSON.stringify(value)}`, slots }) as never;

/** Answers every message with its own method name. */
const echo = (delivery: Delivery): Deed => {
  if (delivery[0] !== 'message') {
    return {};
  }
  const { methargs, result } = delivery[2];
  const [method] = JSON.parse(methargs.body.slice(1));
  return result
    ? { syscalls: [['resolve', [[result, false, data(`did ${method}`)]]]] }
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
          { methargs: data(['hello', []]), result: `p+${number}` as never },
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
      [['p+49', false, data('did hello')]],
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
      { methargs: data(['hello', []]), result: 'p+1' as never },
    ]);
    await all;
    expect(traced).toMatchObject([
      { type: 'deliver', vat: 'v1', delivery: 'message' },
      { type: 'done', vat: 'v1', ok: true, syscalls: ['resolve'], changes: 0 },
    ]);
    await rig.kernel.stop();
  });
});
