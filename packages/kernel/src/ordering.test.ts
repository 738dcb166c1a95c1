import { describe, expect, it } from 'vitest';
import { makeManualClock } from './testing/manual-clock.ts';
import {
  dataOf,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
} from './testing/stage.ts';
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

describe('notifies that wait one behind the other', () => {
  const watch = (stage: Stage, count: number) =>
    Array.from({ length: count }, (_, nth) => [
      send(stage.root('bob'), 'ask', [], `p+${nth + 1}`),
      subscribe(`p+${nth + 1}`),
    ]).flat();
  const promisesTold = (stage: Stage): string[] =>
    Object(stage.flight('alice'))[1].map(([promise]: [string]) => promise);

  /** Alice has asked bob so often, and is busy while he answers. */
  const setScene = async (
    count: number,
    options: Parameters<typeof makeStage>[1],
  ) => {
    const stage = await makeStage(['alice', 'bob'], options);
    await stage.say(
      send(stage.root('alice'), 'go', [stage.root('bob')]),
      send(stage.root('alice'), 'wait'),
    );
    const [, , { methargs }] = Object(stage.flight('alice'));
    const [bob] = methargs.slots;
    await stage.finish(
      'alice',
      ...watch(stage, count).map(syscall =>
        syscall[0] === 'send' ? (['send', bob, syscall[2]] as const) : syscall,
      ),
    );
    for (let nth = 0; nth < count; nth += 1) {
      const [, , { result }] = Object(stage.flight('bob'));
      await stage.finish('bob', fulfil(result, dataOf(nth)));
      if (nth === 1) {
        await stage.say(send(stage.root('alice'), 'between'));
      }
    }
    return stage;
  };
  const end = async (stage: Stage) => {
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await stage.rig.kernel.stop();
  };

  it('are told together, so many at most, and none before a message that came before it', async () => {
    const stage = await setScene(7, { notifiesTogether: 3 });
    expect(methodAt(stage, 'alice')).toBe('wait');
    await stage.finish('alice');
    expect(promisesTold(stage)).toEqual(['p+1', 'p+2']);
    await stage.finish('alice');
    expect(methodAt(stage, 'alice')).toBe('between');
    await stage.finish('alice');
    expect(promisesTold(stage)).toEqual(['p+3', 'p+4', 'p+5']);
    await stage.finish('alice');
    expect(promisesTold(stage)).toEqual(['p+6', 'p+7']);
    await stage.finish('alice');
    expect(stage.vat('alice').isBusy).toBe(false);
    await end(stage);
  });

  it('are gone one and all with the heap when their delivery is abandoned', async () => {
    const stage = await setScene(2, {});
    await stage.finish('alice');
    await stage.finish('alice');
    await stage.finishWith('alice', { outcome: { ok: false, problem: 'no' } });
    await stage.client.rpc.call('resume', { cluster: 'demo', vat: 'alice' });
    await settle();
    // Nothing of them is left: only the heap that is lost knew those promises.
    expect(methodAt(stage, 'alice')).toBe('between');
    await stage.finish('alice');
    expect(stage.vat('alice').isBusy).toBe(false);
    expect(stage.rig.kernel.state.queue.size).toBe(0);
    await end(stage);
  });

  it('are told one by one where the order is strict', async () => {
    const stage = await makeStage(['alice'], { parallel: 1 });
    await stage.say(send(stage.root('alice'), 'watch', ['p+1', 'p+2']));
    await stage.finish('alice', subscribe('p-50'), subscribe('p-51'));
    await stage.say(fulfil('p+1', dataOf(1)), fulfil('p+2', dataOf(2)));
    expect(promisesTold(stage)).toEqual(['p-50']);
    await stage.finish('alice');
    expect(promisesTold(stage)).toEqual(['p-51']);
    await stage.finish('alice');
    await end(stage);
  });
});

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
  }, 240_000);

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

  it('lets a message pass a thousand notifies that came before, after one round of them at most (invariant 11)', async () => {
    const count = 1_000;
    const promises = (prefix: string, from: number): string[] =>
      Array.from({ length: count }, (_, nth) => `${prefix}${from + nth}`);
    const stage = await makeStage(['alice'], {
      notifiesTogether: 1,
      isChecked: false,
    });
    const other = await makeOther(stage);
    const alice = stage.root('alice');
    await stage.say(send(alice, 'watch', promises('p+', 1)));
    await stage.finish('alice', ...promises('p-', 50).map(subscribe));
    await stage.say(
      send(alice, 'busy'),
      ...promises('p+', 1).map(promise => fulfil(promise, dataOf('told'))),
    );
    other.client.send(send(other.alice, 'single'));
    await settle();
    await stage.finish('alice');
    expect(await countUntil(stage, 'alice', 'single')).toBe(ROUND);
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await stage.rig.kernel.stop();
  }, 240_000);

  it('keeps the order of notifies over many rounds, and lets each sender have its share of every round', async () => {
    const stage = await makeStage(['alice'], {
      roundMessages: 2,
      notifiesTogether: 1,
    });
    const alice = stage.root('alice');
    const numbers = [1, 2, 3, 4, 5];
    await stage.say(
      send(
        alice,
        'watch',
        numbers.map(nth => `p+${nth}`),
      ),
    );
    await stage.finish(
      'alice',
      ...numbers.map(nth => subscribe(`p-${49 + nth}`)),
    );
    await stage.say(
      send(alice, 'busy'),
      ...numbers.map(nth => fulfil(`p+${nth}`, dataOf(nth))),
      ...flood(alice, 3),
    );
    await stage.finish('alice');
    const order: string[] = [];
    for (let index = 0; index < 8; index += 1) {
      const flight = stage.flight('alice');
      order.push(
        flight[0] === 'notify'
          ? flight[1].map(([promise]) => promise).join()
          : methodAt(stage, 'alice'),
      );
      await stage.finish('alice');
    }
    expect(order.join(' ')).toBe('p-50 p-51 m0 p-52 p-53 m1 m2 p-54');
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
    const stage = await makeStage(['alice'], {
      allowance: { inboxMessages: 10 },
    });
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

describe('one delivery at a time', () => {
  it('is made to whichever vat has what arrived first, in no turns', async () => {
    const stage = await makeStage(['alice', 'bob'], {
      parallel: 1,
      turnMilliseconds: 1e9,
    });
    const vats = ['alice', 'bob', 'alice', 'alice', 'bob'];
    await stage.say(
      ...vats.map((name, nth) => send(stage.root(name), `m${nth}`)),
    );
    for (const [nth, name] of vats.entries()) {
      expect(methodAt(stage, name)).toBe(`m${nth}`);
      await stage.finish(name);
    }
    await stage.rig.kernel.stop();
  });
});

describe('vats that are flooded', () => {
  /** Alice and bob are flooded, and carol has one message. */
  const setScene = async (options: Parameters<typeof makeStage>[1]) => {
    const names = ['alice', 'bob', 'carol'];
    const stage = await makeStage(names, { parallel: 2, ...options });
    await stage.say(
      ...flood(stage.root('alice'), 100),
      ...flood(stage.root('bob'), 100),
      send(stage.root('carol'), 'single'),
    );
    return stage;
  };
  const endFlood = async (stage: Stage): Promise<void> => {
    expect(methodAt(stage, 'carol')).toBe('single');
    await stage.finish('carol');
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await stage.rig.kernel.stop();
  };

  it('do not hold up another: it has its turn after theirs (invariant 11)', async () => {
    const stage = await setScene({ turnDeliveries: 3, turnMilliseconds: 1e9 });
    for (const method of ['m0', 'm1', 'm2']) {
      expect(methodAt(stage, 'alice')).toBe(method);
      expect(stage.vat('carol').isBusy).toBe(false);
      await stage.finish('alice');
    }
    expect(stage.vat('alice').isBusy).toBe(false);
    await endFlood(stage);
  });

  it('get no more deliveries in a turn that has lasted long', async () => {
    const time = makeManualClock();
    const stage = await setScene({ clock: time.clock, turnMilliseconds: 2 });
    await stage.finish('alice');
    expect(methodAt(stage, 'alice')).toBe('m1');
    time.advance(2);
    await stage.finish('alice');
    expect(stage.vat('alice').isBusy).toBe(false);
    await endFlood(stage);
  });

  it('lose their turn when nothing waits for them at the end of a delivery', async () => {
    const names = ['alice', 'bob', 'carol'];
    const stage = await makeStage(names, {
      parallel: 2,
      turnMilliseconds: 1e9,
    });
    await stage.say(
      send(stage.root('alice'), 'once'),
      ...flood(stage.root('bob'), 3),
      send(stage.root('carol'), 'first'),
      send(stage.root('carol'), 'single'),
    );
    await stage.finish('alice');
    expect(methodAt(stage, 'carol')).toBe('first');
    await stage.say(send(stage.root('alice'), 'again'));
    await stage.finish('carol');
    expect(stage.vat('alice').isBusy).toBe(false);
    await endFlood(stage);
  });
});
