import { describe, expect, it } from 'vitest';
import { dataOf, makeStage, send, settle, subscribe } from './testing/stage.ts';
import type { Stage } from './testing/stage.ts';

/** The method of the message in flight, or what else is. */
const methodAt = (stage: Stage, name: string): string => {
  const flight = stage.flight(name);
  return flight[0] === 'message'
    ? JSON.parse(flight[2].methargs.body.slice(1))[0]
    : flight[0];
};

/** Ends deliveries until the one wanted is in flight; gives how many that took. */
const countUntil = async (
  stage: Stage,
  name: string,
  wanted: string,
): Promise<number> => {
  for (let count = 0; ; count += 1) {
    if (methodAt(stage, name) === wanted) {
      return count;
    }
    await stage.finish(name);
  }
};

const ROUND = 50;
const flood = (target: string, count: number) =>
  Array.from({ length: count }, (_, index) => send(target, `m${index}`));

/** A second client, and its name for alice. */
const makeOther = async (stage: Stage) => {
  const client = await stage.rig.connect();
  const answer = await client.rpc.call('reference', {
    cluster: 'demo',
    vat: 'alice',
  });
  return { client, alice: String(Object(answer).vref) };
};

describe('an inbox', () => {
  it('lets a single message of another sender pass ten thousand that came before, after one round at most (invariant 11)', async () => {
    const stage = await makeStage(['alice'], { isChecked: false });
    const other = await makeOther(stage);
    await stage.say(...flood(stage.root('alice'), 10_000));
    other.client.send(send(other.alice, 'single'));
    await settle();
    expect(await countUntil(stage, 'alice', 'single')).toBe(ROUND);
    await stage.finish('alice');
    expect(methodAt(stage, 'alice')).toBe(`m${ROUND}`);
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await stage.rig.kernel.stop();
  }, 30_000);

  it('keeps the order of each sender over many rounds, and that of arrival where nobody floods', async () => {
    const stage = await makeStage(['alice'], { roundMessages: 3 });
    const other = await makeOther(stage);
    await stage.say(...flood(stage.root('alice'), 8));
    other.client.send(
      ...['x0', 'x1', 'x2', 'x3'].map(m => send(other.alice, m)),
    );
    await settle();
    const order: string[] = [];
    for (let index = 0; index < 12; index += 1) {
      order.push(methodAt(stage, 'alice'));
      await stage.finish('alice');
    }
    expect(order.join(' ')).toBe('m0 m1 m2 x0 x1 x2 m3 m4 m5 x3 m6 m7');
    await stage.rig.kernel.stop();
  });

  it('counts notifies to nobody: they pass a flood too', async () => {
    const stage = await makeStage(['alice']);
    const alice = stage.root('alice');
    await stage.say(send(alice, 'watch', ['p+1']));
    await stage.finish('alice', subscribe('p-50'));
    await stage.say(...flood(alice, 200), [
      'resolve',
      [['p+1' as never, false, dataOf('told')]],
    ]);
    expect(await countUntil(stage, 'alice', 'notify')).toBe(ROUND);
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await stage.rig.kernel.stop();
  });

  it('is in the order of arrival with one delivery at a time', async () => {
    const stage = await makeStage(['alice'], { parallel: 1 });
    const other = await makeOther(stage);
    await stage.say(...flood(stage.root('alice'), 200));
    other.client.send(send(other.alice, 'single'));
    await settle();
    expect(await countUntil(stage, 'alice', 'single')).toBe(200);
    await stage.finish('alice');
    await stage.rig.kernel.stop();
  });

  it('that is full rejects the answers to more messages, tells why, and hurts no crank; half of it is left to others', async () => {
    const stage = await makeStage(['alice'], { inboxMessages: 10 });
    const other = await makeOther(stage);
    const ask = (target: string, count: number) =>
      Array.from({ length: count }, (_, index) => [
        send(target, `m${index}`, [], `p+${index + 1}`),
        subscribe(`p+${index + 1}`),
      ]).flat();
    await stage.say(...ask(stage.root('alice'), 6));
    expect(stage.client.deliveries).toMatchObject([
      ['notify', [['p+6', true, {}]]],
    ]);
    expect(JSON.stringify(stage.client.deliveries)).toMatch(
      /5 messages of s\d+ wait for v\d+, and no more may/,
    );
    other.client.send(...ask(other.alice, 6));
    await settle();
    expect(JSON.stringify(other.client.deliveries)).toMatch(
      /10 messages wait for v\d+, and no more may/,
    );
    for (let index = 0; index < 10; index += 1) {
      await stage.finish('alice');
    }
    expect(stage.vat('alice').isBusy).toBe(false);
    await stage.rig.kernel.stop();
  });
});

describe('vats that are flooded', () => {
  it('do not hold up another: it has its turn after theirs (invariant 11)', async () => {
    const names = ['alice', 'bob', 'carol'];
    const stage = await makeStage(names, { parallel: 2 });
    await stage.say(
      ...flood(stage.root('alice'), 100),
      ...flood(stage.root('bob'), 100),
      send(stage.root('carol'), 'single'),
    );
    await stage.finish('alice');
    expect(methodAt(stage, 'carol')).toBe('single');
    await stage.finish('carol');
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await stage.rig.kernel.stop();
  });
});
