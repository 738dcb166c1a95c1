import { describe, expect, it } from 'vitest';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeRig, type Rig } from './testing/rig.ts';
import {
  answerStart,
  end,
  makeStage,
  send,
  settle,
  type Stage,
} from './testing/stage.ts';

const FIFTY = Array.from({ length: 50 }, (_, nth) => `vat${nth}`);

const busyIn = ({ vats }: Rig) =>
  vats.all.filter(({ isBusy, isKilled }) => isBusy && !isKilled);

describe('vats that start for a launch', () => {
  it('are at most as many at once as deliveries, so fifty that take half a second each pass no deadline (invariant 11)', async () => {
    const { clock, advance } = makeManualClock();
    const rig = makeRig(
      delivery => (delivery[0] === 'startVat' ? undefined : {}),
      { clock, parallel: 2, isChecked: false },
    );
    const launched = rig.launch('crowd', FIFTY);
    await settle();
    for (let rounds = 0; rounds < FIFTY.length / 2; rounds += 1) {
      expect(busyIn(rig)).toHaveLength(2);
      advance(500);
      busyIn(rig).forEach(vat => vat.finish());
      await settle();
    }
    await launched;
    await rig.kernel.stop();
  });

  it('keep the kernel from being idle while the last of them is under way', async () => {
    const { clock } = makeManualClock();
    const rig = makeRig(
      delivery => (delivery[0] === 'startVat' ? undefined : {}),
      { clock, parallel: 2 },
    );
    const launched = rig.launch('crowd', ['one', 'two', 'three']);
    await settle();
    let isIdle = false;
    const rested = rig.kernel.idle().then(() => {
      isIdle = true;
    });
    for (let left = 3; left > 0; left -= 1) {
      await settle();
      expect([left, isIdle]).toEqual([left, false]);
      busyIn(rig)[0]?.finish();
    }
    await launched;
    await rested;
    await rig.kernel.stop();
  });

  it('and spin keep others from starting for two seconds each at most, also with a strict order', async () => {
    for (const parallel of [1, 2]) {
      const { clock, advance } = makeManualClock();
      const rig = makeRig(
        delivery => (delivery[0] === 'startVat' ? undefined : {}),
        { clock, parallel },
      );
      const names = ['one', 'two'];
      const spinning = rig.launch('spinners', names).catch(String);
      await settle();
      const launched = rig.launch('quick', ['quick']);
      await settle();
      expect(busyIn(rig).map(({ label }) => label)).toEqual(names);
      advance(2_000);
      await settle();
      expect(rig.vats.get('quick').isBusy).toBe(true);
      rig.vats.get('quick').finish();
      await launched;
      advance(3_000);
      expect(await spinning).toContain('it did not finish its delivery');
      await rig.kernel.stop();
    }
  });

  it('in a crowd keep the one vat of a later cluster waiting for two of their starts, and not for all (invariant 11)', async () => {
    const { clock } = makeManualClock();
    const rig = makeRig(
      delivery => (delivery[0] === 'startVat' ? undefined : {}),
      { clock, parallel: 2, isChecked: false },
    );
    const crowd = rig.launch('crowd', FIFTY).catch(String);
    await settle();
    const launched = rig.launch('quick', ['quick']);
    await settle();
    let isThere = false;
    void launched.then(() => {
      isThere = true;
    });
    let ended = 0;
    while (!isThere) {
      const busy = busyIn(rig);
      const quick = busy.find(({ label }) => label === 'quick');
      ended += quick ? 0 : 1;
      (quick ?? busy[0])?.finish();
      await settle();
    }
    expect(ended).toBeLessThanOrEqual(2);
    await rig.kernel.stop();
    expect(await crowd).toContain('stopped');
  });

  it('and are not wanted any more, give their place to others', async () => {
    const { clock } = makeManualClock();
    const rig = makeRig(
      delivery => (delivery[0] === 'startVat' ? undefined : {}),
      { clock, parallel: 2 },
    );
    const failing = rig.launch('failing', FIFTY.slice(0, 6)).catch(String);
    await settle();
    const launched = rig.launch('quick', ['quick']);
    await settle();
    busyIn(rig)[0]?.finish({ outcome: { ok: false, problem: 'no luck' } });
    expect(await failing).toContain('no luck');
    await settle();
    expect(busyIn(rig).map(({ label }) => label)).toEqual(['quick']);
    rig.vats.get('quick').finish();
    await launched;
    await rig.kernel.stop();
  });
});

describe('vats that start again', () => {
  /** Four vats that have a message each were restarted, and their starts stay in flight. */
  const setScene = async () => {
    const { clock, advance } = makeManualClock();
    const names = ['alice', 'bob', 'carol', 'dora'];
    const held = new Set<string>();
    const stage = await makeStage(['awake', ...names], {
      clock,
      parallel: 2,
      behave: (delivery, { label }) =>
        held.has(label) ? undefined : answerStart(delivery),
    });
    names.forEach(name => held.add(name));
    for (const vat of names) {
      await stage.client.rpc.call('restart', { cluster: 'demo', vat });
    }
    await settle();
    await stage.say(...names.map(name => send(stage.root(name), 'go')));
    return { stage, advance };
  };
  const busy = ({ rig }: Stage) =>
    busyIn(rig)
      .map(({ label }) => label)
      .sort();

  it('are at most as many at once as deliveries, and keep no place from other deliveries', async () => {
    const { stage, advance } = await setScene();
    advance(1_000);
    await settle();
    expect(busy(stage)).toEqual(['alice', 'bob']);
    await stage.say(send(stage.root('awake'), 'go'));
    expect(busy(stage)).toEqual(['alice', 'awake', 'bob']);
    await stage.finish('awake');
    await stage.finish('alice');
    expect(stage.flight('alice')).toMatchObject(['message', {}, {}]);
    expect(busy(stage)).toEqual(['alice', 'bob', 'carol']);
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await end(stage);
  });

  it('need no more than the place that every delivery needs, when none but them starts', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice', 'bob', 'carol'], {
      clock,
      parallel: 2,
    });
    const { rpc } = stage.client;
    await stage.say(
      send(stage.root('alice'), 'spin'),
      send(stage.root('bob'), 'spin'),
    );
    const restarted = rpc.call('restart', { cluster: 'demo', vat: 'carol' });
    await stage.say(send(stage.root('carol'), 'go'));
    advance(20);
    await settle();
    await restarted;
    expect(busy(stage)).toEqual(['alice', 'bob', 'carol']);
    expect(stage.flight('carol')[0]).toBe('message');
    await rpc.call('terminate', { cluster: 'demo' });
    await end(stage);
  });

  it('and spin keep others from starting for two seconds each at most', async () => {
    const { stage, advance } = await setScene();
    advance(20); // then there is a place for the other workers to start
    await settle();
    expect(busy(stage)).toEqual(['alice', 'bob']);
    advance(2_000);
    await settle();
    expect(busy(stage)).toEqual(['alice', 'bob', 'carol', 'dora']);
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await end(stage);
  });
});

describe('a vat that is quick', () => {
  it('waits for none of those that are at work for long, and others do', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice', 'bob', 'carol', 'dave'], {
      clock,
      parallel: 2,
      quickMilliseconds: 8,
    });
    const work = async (name: string, milliseconds: number) => {
      await stage.say(send(stage.root(name), 'work'));
      advance(milliseconds);
      await stage.finish(name);
    };
    await work('carol', 7);
    for (const name of ['alice', 'bob', 'dave']) {
      await work(name, 9);
    }
    const names = ['alice', 'bob', 'dave', 'carol'];
    await stage.say(...names.map(name => send(stage.root(name), 'work')));
    expect(names.map(name => stage.vat(name).isBusy)).toEqual([
      ...[true, true, false, true],
    ]);
    await stage.finish('carol');
    await stage.finish('alice');
    expect(stage.vat('dave').isBusy).toBe(true);
    await stage.finish('bob');
    await stage.finish('dave');
    await end(stage);
  });
});
