import { MessageChannel } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { makeMessagePortStream } from './message-port.ts';
import { makeRpc, type Rpc } from './rpc.ts';
import { makeUnreadAnswers } from './unread-answers.ts';

/** One end that serves over a real port, and the port of the other. */
const serve = () => {
  const { port1, port2 } = new MessageChannel();
  const rpc: Rpc = makeRpc(makeMessagePortStream(port1, { label: 'server' }), {
    methods: { small: () => 1, large: () => 'x'.repeat(2 ** 23) },
    onAnswer: makeUnreadAnswers(() => rpc.call('heard')),
  });
  return { rpc, port: port2 };
};

/** Calls in batches of a thousand, and reads nothing. */
const callBlindly = (
  port: MessageChannel['port2'],
  method: string,
  count: number,
): void => {
  for (let id = 1; id <= count; id += 1_000) {
    port.postMessage(
      Array.from({ length: Math.min(1_000, count + 1 - id) }, (_, nth) => ({
        id: id + nth,
        method,
      })),
    );
  }
};

it.each([
  ['small', 10_001, '10000 answers, about 400000 bytes'],
  ['large', 9, '8 answers, about 67109184 bytes'],
])(
  'closes a connection whose other side asks for what is %s and reads nothing, and tells it why',
  async (method, count, load) => {
    const { rpc, port } = serve();
    callBlindly(port, method, count);
    const message = `${load}, wait to be read, and no more may: read them before you ask again`;
    expect(await rpc.closed).toMatchObject({ code: 'RPC_UNREAD', message });
    const frames: unknown[] = [];
    port.on('message', (data: unknown) => frames.push(data));
    await new Promise(resolve => port.once('close', resolve));
    expect(frames.at(-1)).toEqual({
      close: { name: 'StreamError', code: 'RPC_UNREAD', message },
    });
  },
);

it('lets one go on that has the bound on its way again and again, and reads', async () => {
  const { rpc, port } = serve();
  const client = makeRpc(makeMessagePortStream(port));
  for (let round = 0; round < 30; round += 1) {
    await Promise.all(
      Array.from({ length: 1_000 }, () => client.call('small')),
    );
  }
  for (let round = 0; round < 10; round += 1) {
    await Promise.all([client.call('large'), client.call('large')]);
  }
  client.close();
  expect(await rpc.closed).toBe(undefined);
});
