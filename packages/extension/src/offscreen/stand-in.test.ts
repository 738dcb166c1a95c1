import {
  KINDS,
  PRIVILEGE_CASES,
  refusalOf,
} from '@cooperage/kernel/testing/privilege-table';
import { PROTOCOL_VERSION, type Privilege } from '@cooperage/protocol';
import {
  makeHandshake,
  makeMessagePortStream,
  makeRpc,
} from '@cooperage/streams';
import { describe, expect, it } from 'vitest';
import { serveInstead } from './stand-in.ts';

/** A client of a kernel that rests, and what the person’s orders came to. */
const connect = async (privilege: Privilege) => {
  const { port1, port2 } = new MessageChannel();
  const orders: unknown[] = [];
  serveInstead(
    { client: 'nonce', port: port1, privilege },
    { state: 'safe-mode', reason: 'it failed three times' },
    {
      startKernel: () => orders.push('start'),
      storage: {
        order: async order => {
          orders.push(order);
          return { name: 'a.backup' };
        },
        whenDone: async () => {},
      },
    },
  );
  const stream = makeMessagePortStream(port2, { label: 'test' });
  await makeHandshake(stream, {
    version: PROTOCOL_VERSION,
    nonce: 'nonce',
    signal: AbortSignal.timeout(60_000),
  });
  return { rpc: makeRpc(stream), orders };
};

/** What is due soon has been done, and what follows at once from it. */
const nextTimer = async (): Promise<void> => {
  for (let turns = 0; turns < 2; turns += 1) {
    await new Promise<void>(resolve => setTimeout(resolve));
  }
};

describe('who answers in the kernel’s place', () => {
  it.each(KINDS)(
    'refuses a client that may %s each method that needs more, as the kernel does, and does nothing',
    async kind => {
      const { rpc, orders } = await connect(kind);
      for (const { method, privilege, refusal } of PRIVILEGE_CASES) {
        if (privilege === kind) {
          const before = orders.length;
          const found = await refusalOf(rpc.call(method, {}));
          await nextTimer();
          expect([method, privilege, found]).toEqual([
            method,
            privilege,
            refusal,
          ]);
          if (refusal) {
            expect(orders).toHaveLength(before);
          }
        }
      }
      rpc.close();
    },
  );

  it('tells how things are, obeys what is about files and the start, and says of all else why not', async () => {
    const { rpc, orders } = await connect('dangerous');
    const status = { state: 'safe-mode', reason: 'it failed three times' };
    expect(await rpc.call('status', {})).toMatchObject(status);
    expect(await rpc.call('subscribe', {})).toMatchObject(status);
    expect(await rpc.call('start', {})).toBe(null);
    await nextTimer();
    expect(await rpc.call('backup', {})).toEqual({ name: 'a.backup' });
    expect(await rpc.call('restore', { name: 'a.backup' })).toBe(null);
    await nextTimer();
    expect(await rpc.call('erase', {})).toBe(null);
    await nextTimer();
    expect(orders).toEqual([
      'start',
      { type: 'copy' },
      { type: 'restore', name: 'a.backup' },
      'start',
      { type: 'erase' },
      'start',
    ]);
    for (const method of ['launch', 'inspect', 'check', 'sessionOpen']) {
      await expect(rpc.call(method, {})).rejects.toMatchObject({
        code: 'KERNEL_FAILED',
        message: 'The kernel does not run (safe-mode): it failed three times',
      });
    }
    rpc.close();
  });
});
