import { expect, it } from 'vitest';
import { makeMemoryImage } from './adapters/memory.ts';
import { makeRig } from './testing/rig.ts';
import { dataOf, end, makeStage, send, settle } from './testing/stage.ts';

it('tells why a vat has ended, in the log, the status and to who looks for it, over a restart', async () => {
  const image = makeMemoryImage();
  const stage = await makeStage(['alice', 'bob', 'carol'], {
    image,
    collectMilliseconds: Infinity,
    rules: { onFault: 'terminate' },
  });
  const { rig, client, root } = stage;
  await client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
  await client.rpc.call('terminate', { cluster: 'demo', vat: 'alice' });
  await stage.say(send(root('bob'), 'go'));
  await stage.finish('bob', [
    'exit',
    true,
    dataOf({ '#error': 'out of bread', name: 'Error' }),
  ]);
  await stage.say(send(root('carol'), 'go'));
  stage.vat('carol').say({ type: 'nonsense' });
  await settle();
  await rig.kernel.idle();
  const ended = [
    {
      id: 'v4',
      name: 'carol',
      incarnation: 1,
      reason: expect.stringContaining('broke the protocol'),
    },
    {
      id: 'v3',
      name: 'bob',
      incarnation: 1,
      reason: 'the vat ended itself: out of bread',
    },
    {
      id: 'v2',
      name: 'alice',
      incarnation: 2,
      reason: 'vat demo.alice was terminated',
    },
  ].map(vat => ({ ...vat, cluster: 'demo', at: expect.any(Number) }));
  expect(rig.kernel.status().ended).toEqual(ended);
  expect(
    rig.logs
      .filter(({ text }) => text.startsWith('ended: '))
      .map(({ label, level, text }) => [label, level, text.slice(0, 25)]),
  ).toEqual([
    ['alice', 'info', 'ended: vat demo.alice was'],
    ['bob', 'info', 'ended: the vat ended itse'],
    ['carol', 'info', 'ended: vat was ended: it '],
  ]);
  await expect(
    client.rpc.call('inspect', { endpoint: 'v99' }),
  ).rejects.toMatchObject({
    message: 'There is no vat v99, or not any more',
  });
  await expect(
    client.rpc.call('inspect', { endpoint: 'v3' }),
  ).rejects.toMatchObject({
    code: 'VAT_UNKNOWN',
    message:
      'There is no vat v3, or not any more: demo.bob (v3) ended in incarnation 1, for the vat ended itself: out of bread',
  });
  await expect(
    client.rpc.call('restart', { cluster: 'demo', vat: 'alice' }),
  ).rejects.toMatchObject({
    message: expect.stringContaining(
      'demo.alice (v2) ended in incarnation 2, for vat demo.alice was terminated',
    ),
  });
  await end(stage);
  const again = makeRig(() => ({}), { image: makeMemoryImage(image) });
  expect(again.kernel.status().ended).toEqual(ended);
  const { rpc } = await again.connect();
  await rpc.call('erase', {});
  expect(again.kernel.status()).not.toHaveProperty('ended');
  await again.kernel.stop();
});

it('keeps the last 32 ends, with reasons of 500 units', async () => {
  const rig = makeRig(
    delivery =>
      delivery[0] === 'message'
        ? { syscalls: [['exit', true, dataOf('x'.repeat(3_000))]] }
        : {},
    { collectMilliseconds: Infinity },
  );
  for (let nth = 1; nth <= 34; nth += 1) {
    await rig.launch(`demo${nth}`, ['boot']);
    await rig.kernel.idle();
  }
  const { ended = [] } = rig.kernel.status();
  expect(ended.map(({ cluster }) => cluster)).toEqual(
    Array.from({ length: 32 }, (_, index) => `demo${34 - index}`),
  );
  expect(ended.map(({ reason }) => reason.length)).toEqual(
    ended.map(() => 500),
  );
  await rig.kernel.stop();
});
