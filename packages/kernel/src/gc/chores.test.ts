import { describe, expect, it } from 'vitest';
import type { Delivery } from '@cooperage/protocol';
import { makeMemoryImage } from '../adapters/memory.ts';
import { drop, end, makeGcStage, retire, rowsOf } from '../testing/gc-stage.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import { makeRig } from '../testing/rig.ts';
import { dataOf, fulfil, send, settle } from '../testing/stage.ts';
import type { GcStage } from '../testing/gc-stage.ts';

const kindsOf = (stage: GcStage, name: string): string[] =>
  stage
    .vat(name)
    .deliveries.map(([kind]: Delivery) => kind)
    .filter(kind => kind !== 'startVat');
const count = (kinds: readonly string[], kind: string): number =>
  kinds.filter(each => each === kind).length;
const own = (many: number, from = 1): string[] =>
  Array.from({ length: many }, (_, nth) => `o+${nth + from}`);

/** As if nothing were said of these. */
const DEFAULTS: { collectMilliseconds?: number; fewReferences?: number } =
  JSON.parse('{"collectMilliseconds":null,"fewReferences":null}');

/** No time passes: so no reap takes any. */
const stillClock = () => makeManualClock().clock;

describe('a vat at work', () => {
  it('is reaped after so many references, and not before', async () => {
    const stage = await makeGcStage(['alice'], {
      clock: stillClock(),
      reapReferences: 5,
    });
    const take = async (...vrefs: string[]): Promise<void> => {
      await stage.say(send(stage.root('alice'), 'take', vrefs));
      await stage.finish('alice');
    };
    await take(...own(4));
    await take(...own(4)); // the same ones again are no news
    await take();
    expect(count(kindsOf(stage, 'alice'), 'bringOutYourDead')).toBe(0);
    await take('o+5');
    expect(kindsOf(stage, 'alice').at(-1)).toBe('bringOutYourDead');
    await take(...own(4, 6));
    expect(count(kindsOf(stage, 'alice'), 'bringOutYourDead')).toBe(1);
    await take('o+10');
    expect(count(kindsOf(stage, 'alice'), 'bringOutYourDead')).toBe(2);
    await end(stage);
  });

  it('is reaped after so many deliveries, promises and repeated names among them', async () => {
    const stage = await makeGcStage(['alice'], {
      clock: stillClock(),
      reapDeliveries: 3,
      reapReferences: 3,
    });
    const before = kindsOf(stage, 'alice').length;
    await stage.say(
      ...['p+1', 'p+2', 'p+3'].map(promise =>
        send(stage.root('alice'), 'ask', [], promise),
      ),
    );
    await stage.finish('alice');
    await stage.finish('alice');
    await stage.finish('alice');
    expect(kindsOf(stage, 'alice').slice(before)).toEqual([
      'message',
      'message',
      'message',
      'bringOutYourDead',
    ]);
    await end(stage);
  });

  it('gives a message that waits its turn between two chores, and a chore its turn between two messages', async () => {
    const stage = await makeGcStage(['alice', 'bob'], {
      clock: stillClock(),
      turnDeliveries: 1,
      actionsPerDelivery: 2,
      reapDeliveries: 1,
    });
    await stage.give('alice', 'bob', ...own(6));
    stage.hold('alice', 'dropExports', 'retireExports', 'bringOutYourDead');
    const theirs = own(6).map((_, nth) => `o-${nth + 51}`);
    await stage.say(...Array(6).fill(send(stage.root('alice'), 'go')));
    await stage.act('bob', drop(...theirs), retire(...theirs));
    const before = kindsOf(stage, 'alice').length - 1;
    while (stage.vat('alice').isBusy) {
      await stage.finish('alice');
    }
    const kinds = kindsOf(stage, 'alice').slice(before);
    expect(count(kinds, 'message')).toBe(6);
    expect(count(kinds, 'dropExports')).toBe(3);
    expect(count(kinds, 'retireExports')).toBe(3);
    const firstMessages = kinds.slice(0, kinds.lastIndexOf('message') + 1);
    firstMessages.slice(1).forEach((kind, nth) => {
      const neighbors = [kind, firstMessages[nth]];
      expect(neighbors).toContain('message');
      expect(new Set(neighbors).size).toBe(2);
    });
    await end(stage);
  });

  it('ends the turn under way before a chore', async () => {
    const stage = await makeGcStage(['alice', 'bob'], {
      clock: stillClock(),
      turnDeliveries: 3,
      actionsPerDelivery: 2,
    });
    await stage.give('alice', 'bob', ...own(2));
    stage.hold('alice', 'dropExports');
    await stage.say(...Array(5).fill(send(stage.root('alice'), 'go')));
    await stage.act('bob', drop('o-51', 'o-52'));
    const before = kindsOf(stage, 'alice').length - 1;
    while (stage.vat('alice').isBusy) {
      await stage.finish('alice');
    }
    expect(kindsOf(stage, 'alice').slice(before)).toEqual([
      ...Array(3).fill('message'),
      'dropExports',
      ...Array(2).fill('message'),
    ]);
    await end(stage);
  });

  it('is not told of little while it works', async () => {
    const stage = await makeGcStage(['alice', 'bob'], {
      actionsPerDelivery: 3,
    });
    await stage.give('alice', 'bob', ...own(3));
    await stage.act('bob', drop('o-51', 'o-52'));
    await stage.act('alice');
    expect(stage.told('alice')).toEqual([]);
    await stage.act('bob', drop('o-53'));
    expect(stage.told('alice')).toEqual([['dropExports', own(3)]]);
    await end(stage);
  });

  it('has bounds by default: a thousand references, twenty thousand deliveries, half a second, and a hundred references that can wait', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeGcStage(['alice', 'bob'], {
      clock,
      ...DEFAULTS,
      isChecked: false,
    });
    const reaps = (name: string): number =>
      count(kindsOf(stage, name), 'bringOutYourDead');
    await stage.give('alice', 'bob', ...own(998));
    expect(reaps('bob')).toBe(0);
    await stage.give('alice', 'bob', 'o+999');
    expect(reaps('bob')).toBe(1); // alice’s root was a reference too
    const theirs = own(999).map((_, nth) => `o-${nth + 51}`);
    await stage.act('bob', drop(...theirs));
    expect(stage.told('alice')).toEqual([]);
    await stage.give('alice', 'bob', ...own(2, 1_000));
    await stage.act('bob', drop('o-1050'));
    expect(stage.told('alice')).toEqual([
      ['dropExports', [...own(999), 'o+1000']],
    ]);
    await stage.collect();
    const before = reaps('bob');
    const deliveries = stage.vat('bob').deliveries.length;
    for (const some of [5_000, 5_000, 5_000, 4_999]) {
      await stage.say(...Array(some).fill(send(stage.root('bob'), 'quick')));
      while (stage.vat('bob').isBusy) {
        await stage.finish('bob');
      }
    }
    expect(stage.vat('bob').deliveries.length - deliveries).toBe(19_999);
    expect(reaps('bob')).toBe(before);
    await stage.act('bob');
    expect(reaps('bob')).toBe(before + 1);
    await stage.give('alice', 'bob', ...own(99, 5_000));
    advance(500);
    await settle();
    expect(reaps('bob')).toBe(before + 1);
    await stage.give('alice', 'bob', 'o+6000');
    advance(499);
    await settle();
    expect(reaps('bob')).toBe(before + 1);
    advance(1);
    await settle();
    expect(reaps('bob')).toBe(before + 2);
    await end(stage);
  }, 240_000);

  it('spends a twentieth of its time on reaps, no more', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeGcStage(['alice'], { clock, reapDeliveries: 1 });
    await stage.collect();
    stage.hold('alice', 'bringOutYourDead');
    await stage.act('alice');
    advance(100);
    await stage.finish('alice'); // a reap of 100 ms
    const reaps = (): number =>
      count(kindsOf(stage, 'alice'), 'bringOutYourDead');
    const before = reaps();
    advance(1_999);
    await stage.act('alice');
    expect(reaps()).toBe(before);
    advance(1);
    await stage.act('alice');
    expect(reaps()).toBe(before + 1);
    await end(stage);
  });

  it('is reaped in the order of arrival too when one delivery is made at a time', async () => {
    const stage = await makeGcStage(['alice', 'bob'], {
      clock: stillClock(),
      parallel: 1,
      reapDeliveries: 2,
    });
    const before = kindsOf(stage, 'alice').length;
    await stage.say(...Array(4).fill(send(stage.root('alice'), 'go')));
    for (let times = 0; times < 4; times += 1) {
      await stage.finish('alice');
    }
    expect(
      count(kindsOf(stage, 'alice').slice(before), 'bringOutYourDead'),
    ).toBeGreaterThanOrEqual(2);
    await end(stage);
  });
});

describe('an idle kernel', () => {
  const setScene = async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeGcStage(['alice', 'bob'], {
      clock,
      collectMilliseconds: 500,
    });
    const rest = async (milliseconds: number): Promise<void> => {
      advance(milliseconds);
      await settle();
    };
    const reaps = (name: string): number =>
      count(kindsOf(stage, name), 'bringOutYourDead');
    await rest(500);
    return { stage, rest, reaps };
  };

  it('collects once it has been idle for a while, and once for what there was', async () => {
    const { stage, rest, reaps } = await setScene();
    await stage.give('alice', 'bob', 'o+7');
    await stage.act('bob', drop('o-51'), retire('o-51'));
    const before = [reaps('alice'), reaps('bob')];
    await rest(300);
    await stage.act('bob');
    await rest(300);
    expect([reaps('alice'), reaps('bob')]).toEqual(before);
    expect(stage.told('alice')).toEqual([]);
    await rest(200);
    expect(stage.told('alice')).toEqual([
      ['dropExports', ['o+7']],
      ['retireExports', ['o+7']],
    ]);
    // alice once for her messages, and once more for what she was told.
    expect(reaps('bob')).toBe(before[1]! + 1);
    const after = [reaps('alice'), reaps('bob')];
    await rest(10_000);
    await rest(10_000);
    expect([reaps('alice'), reaps('bob')]).toEqual(after);
    await end(stage);
  });

  it('reaps a vat that got no references, and was told of none, once half a minute has passed since its first delivery', async () => {
    const { stage, rest, reaps } = await setScene();
    await rest(60_000);
    const before = reaps('alice');
    await stage.act('alice');
    await rest(500);
    await stage.act('alice');
    for (let past = 500; past < 29_000; past += 500) {
      await rest(500);
    }
    await rest(999);
    expect(reaps('alice')).toBe(before);
    await rest(1);
    expect(reaps('alice')).toBe(before + 1);
    await rest(60_000);
    expect(reaps('alice')).toBe(before + 1);
    await stage.act('alice');
    await rest(5_000);
    await stage.litter('alice');
    await rest(500);
    expect(reaps('alice')).toBe(before + 2);
    await end(stage);
  });

  it('tells what is due although no vat has had a delivery since its last reap', async () => {
    const { stage, rest } = await setScene();
    await stage.say(send(stage.root('alice'), 'go', ['o+1']));
    const mine = stage.flight('alice')[2] as {
      methargs: { slots: readonly string[] };
    };
    await stage.finish('alice', send(mine.methargs.slots[0]!, 'x', ['o+7']));
    const told = stage.client.deliveries.find(([kind]) => kind === 'message');
    const { slots } = Object(told?.[2]).methargs;
    await rest(500);
    await stage.say(['dropImports', slots]);
    expect(stage.told('alice')).toEqual([]);
    await rest(500);
    expect(stage.told('alice')).toEqual([
      ['dropExports', ['o+7']],
      ['retireExports', ['o+7']],
    ]);
    await end(stage);
  });

  it('tries a reap again that its engine was not sure of, up to three times', async () => {
    const { stage, rest, reaps } = await setScene();
    await stage.litter('alice');
    stage.hold('alice', 'bringOutYourDead');
    const before = reaps('alice');
    for (let times = 1; times <= 4; times += 1) {
      await rest(500);
      expect(reaps('alice')).toBe(before + times);
      await stage.finishWith('alice', { isUnsure: true });
    }
    await rest(10_000);
    expect(reaps('alice')).toBe(before + 4);
    await stage.litter('alice');
    await rest(500);
    await stage.finishWith('alice', { isUnsure: true });
    await rest(500);
    await stage.finish('alice');
    await rest(10_000);
    expect(reaps('alice')).toBe(before + 6);
    await end(stage);
  });

  it('reaps a vat as long as it has more to let go of, with a message that waits between two reaps', async () => {
    const { stage, rest, reaps } = await setScene();
    await stage.litter('alice');
    stage.hold('alice', 'bringOutYourDead');
    await rest(500);
    const before = reaps('alice');
    await stage.say(send(stage.root('alice'), 'go'));
    await stage.finishWith('alice', { hasMore: true });
    expect(stage.flight('alice')[0]).toBe('message');
    await stage.finish('alice');
    for (let times = 1; times <= 5; times += 1) {
      expect(reaps('alice')).toBe(before + times);
      await stage.finishWith('alice', { hasMore: times < 5 });
    }
    expect(reaps('alice')).toBe(before + 5);
    expect(stage.vat('alice').isBusy).toBe(false);
    await end(stage);
  });

  it('reaps a vat that has started and has more to let go of of its dead heap', async () => {
    const { stage, reaps } = await setScene();
    stage.hold('alice', 'startVat');
    const restarted = stage.client.rpc.call('restart', {
      cluster: 'demo',
      vat: 'alice',
    });
    await settle();
    const before = reaps('alice');
    await stage.finishWith('alice', { hasMore: true });
    await restarted;
    expect(reaps('alice')).toBe(before + 1);
    await end(stage);
  });

  it('leaves a vat alone that works on something for long', async () => {
    const { stage, rest, reaps } = await setScene();
    await stage.litter('alice');
    await stage.say(send(stage.root('bob'), 'think'));
    const before = reaps('alice');
    await rest(600);
    expect(reaps('alice')).toBe(before);
    await stage.finish('bob');
    await rest(500);
    expect(reaps('alice')).toBe(before + 1);
    await end(stage);
  });

  it('collects in rounds until nothing is left: what a reap frees can be what the next one finds', async () => {
    const { stage, rest } = await setScene();
    const before = rowsOf(stage);
    await stage.give('alice', 'bob', 'o+7');
    await stage.give('bob', 'alice', 'o+8');
    await stage.give('alice', 'bob', 'o+9');
    // bob drops o+9; alice then has no use for o+8, bob then none for o+7.
    const chain: Record<string, () => void> = {
      'o+9': () => {
        reap.alice = [drop('o-51'), retire('o-51')];
      },
      'o+8': () => {
        reap.bob = [drop('o-51'), retire('o-51')];
      },
    };
    const reap: Record<string, ReturnType<typeof drop>[]> = {
      alice: [],
      bob: [drop('o-52'), retire('o-52')],
    };
    ['alice', 'bob'].forEach(name =>
      stage.hold(name, 'bringOutYourDead', 'dropExports', 'retireExports'),
    );
    await rest(500);
    for (let vats = ['x']; vats.length > 0;) {
      vats = ['alice', 'bob'].filter(name => stage.vat(name).isBusy);
      for (const name of vats) {
        const [kind, vrefs] = stage.flight(name);
        const syscalls = kind === 'bringOutYourDead' ? reap[name]! : [];
        if (kind === 'bringOutYourDead') {
          reap[name] = [];
        } else if (kind === 'dropExports') {
          Object(vrefs).forEach((each: string) => chain[each]?.());
        }
        await stage.finish(name, ...syscalls);
      }
    }
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('stops collecting at the next message, and goes on when it is idle again', async () => {
    const { stage, rest } = await setScene();
    await stage.give('alice', 'bob', ...own(3));
    await stage.litter('alice');
    stage.hold('alice', 'bringOutYourDead');
    await rest(500);
    expect(stage.flight('alice')).toEqual(['bringOutYourDead']);
    await stage.act('bob', drop('o-51', 'o-52', 'o-53'));
    await stage.finish('alice');
    expect(stage.told('alice')).toEqual([]);
    stage.hold('alice');
    await rest(500);
    expect(stage.told('alice')).toEqual([['dropExports', own(3)]]);
    await end(stage);
  });

  it('does not collect while it is paused, and refuses to be asked', async () => {
    const { stage, rest, reaps } = await setScene();
    await stage.litter('alice');
    await stage.client.rpc.call('pause', {});
    const before = reaps('alice');
    await rest(500);
    await rest(500);
    await stage.client.rpc.call('step', {});
    expect(reaps('alice')).toBe(before);
    await expect(stage.client.rpc.call('collect', {})).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
    await stage.client.rpc.call('unpause', {});
    await rest(500);
    expect(reaps('alice')).toBe(before + 1);
    await end(stage);
  });

  it('starts no vat for a collection, unless somebody asks for it', async () => {
    const { stage, rest } = await setScene();
    await stage.give('alice', 'bob', 'o+d10/1');
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await settle();
    stage.vat('alice').lose('asleep from now on');
    await settle();
    await stage.act('bob', drop('o-51'));
    await rest(500);
    await rest(500);
    const workers = (): number =>
      stage.rig.vats.all.filter(({ label }) => label === 'alice').length;
    const before = workers();
    expect(() => stage.vat('alice')).toThrow();
    await stage.collect();
    expect(workers()).toBe(before + 1);
    expect(stage.told('alice')).toEqual([['dropExports', ['o+d10/1']]]);
    await end(stage);
  });

  it('leaves what is due to a suspended vat until it goes on', async () => {
    const { stage } = await setScene();
    await stage.give('alice', 'bob', 'o+d10/1');
    await stage.act('alice', send('o-99', 'never'));
    await stage.act('bob', drop('o-51'));
    await stage.client.rpc.call('collect', {});
    expect(() => stage.vat('alice')).toThrow();
    await stage.client.rpc.call('resume', { cluster: 'demo' });
    await settle();
    await stage.finish('alice');
    await stage.collect();
    expect(stage.told('alice')).toEqual([['dropExports', ['o+d10/1']]]);
    await end(stage);
  });

  it('waits for no vat that is lost while it is reaped', async () => {
    const { stage, rest } = await setScene();
    await stage.act('alice');
    stage.hold('alice', 'bringOutYourDead');
    const { ended } = await stage.begin();
    stage.vat('alice').lose('the test says so');
    await ended;
    await rest(10_000);
    expect(() => stage.vat('alice')).toThrow();
    await end(stage);
  });

  it('gives a reap a minute, however little the vat’s deliveries may take', async () => {
    const { stage, rest } = await setScene();
    await stage.litter('alice');
    stage.hold('alice', 'bringOutYourDead');
    await rest(500);
    await rest(59_000);
    expect(stage.flight('alice')).toEqual(['bringOutYourDead']);
    await rest(1_001);
    await rest(100);
    expect(() => stage.vat('alice')).toThrow();
    await stage.client.rpc.call('resume', { cluster: 'demo' });
    await end(stage);
  });

  it('never collects when it is told so', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeGcStage(['alice'], { clock });
    await stage.act('alice');
    advance(1e9);
    await settle();
    expect(kindsOf(stage, 'alice')).not.toContain('bringOutYourDead');
    await end(stage);
  });
});

describe('a kernel that is never idle', () => {
  /** Carol has a message every 100 ms, as if of a timer. */
  const setScene = async (options: object = {}) => {
    const { clock, advance } = makeManualClock();
    const stage = await makeGcStage(['alice', 'bob', 'carol'], {
      clock,
      collectMilliseconds: 500,
      ...options,
    });
    const work = async (milliseconds: number): Promise<void> => {
      for (let past = 0; past < milliseconds; past += 100) {
        advance(100);
        await stage.act('carol');
      }
    };
    const reaps = (name: string): number =>
      count(kindsOf(stage, name), 'bringOutYourDead');
    advance(500);
    await settle();
    return { stage, advance, work, reaps };
  };

  it('reaps a vat ten seconds after its first delivery since the last reap, and tells what has been due for ten', async () => {
    const { stage, work, reaps } = await setScene();
    await work(100);
    await stage.give('alice', 'bob', ...own(900));
    const theirs = own(900).map((_, nth) => `o-${nth + 52}`);
    const before = reaps('bob');
    await work(9_900);
    expect(reaps('bob')).toBe(before);
    stage.hold('bob', 'bringOutYourDead');
    await work(600);
    expect(stage.flight('bob')).toEqual(['bringOutYourDead']);
    await stage.finish('bob', drop(...theirs), retire(...theirs));
    await work(9_500);
    expect(stage.told('alice')).toEqual([]);
    await work(1_000);
    expect(stage.told('alice')).toEqual([['dropExports', own(900)]]);
    await work(1_000);
    expect(stage.told('alice')).toEqual([
      ['dropExports', own(900)],
      ['retireExports', own(900)],
    ]);
    expect(reaps('bob')).toBe(before + 1);
    await end(stage);
  });

  it('collects a chain over vats in the end, link by link', async () => {
    const { stage, work } = await setScene();
    await work(100);
    const before = rowsOf(stage);
    await stage.give('alice', 'bob', 'o+7');
    await stage.give('bob', 'alice', 'o+8');
    await stage.give('alice', 'bob', 'o+9');
    // As in the rounds of an idle kernel: bob drops o+9, alice then o+8, and bob then o+7.
    const held: Record<string, readonly [string, string, string]> = {
      alice: ['o+9', 'o-52', ''],
      bob: ['o+8', 'o-52', 'o-53'],
    };
    const toDrop: Record<string, string> = { alice: '', bob: 'o-53' };
    const names = ['alice', 'bob'];
    names.forEach(name => stage.hold(name, 'bringOutYourDead', 'dropExports'));
    for (let past = 0; past < 90_000; past += 1_000) {
      await work(1_000);
      for (const name of names.filter(each => stage.vat(each).isBusy)) {
        const [kind, vrefs] = stage.flight(name);
        const [mine = '', theirs = ''] = held[name] ?? [];
        if (kind === 'dropExports' && Object(vrefs).includes(mine)) {
          toDrop[name] = theirs;
        }
        const dead = kind === 'bringOutYourDead' ? toDrop[name] : '';
        if (dead) {
          toDrop[name] = '';
        }
        await stage.finish(name, ...(dead ? [drop(dead), retire(dead)] : []));
      }
    }
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  }, 240_000);

  it('spends a twentieth of a vat’s time on reaps that last long', async () => {
    const { stage, advance, work, reaps } = await setScene();
    stage.hold('bob', 'bringOutYourDead');
    await stage.litter('bob');
    await work(10_600);
    expect(stage.flight('bob')).toEqual(['bringOutYourDead']);
    advance(2_000);
    await stage.finish('bob'); // a reap of more than 2 s
    await stage.litter('bob');
    const before = reaps('bob');
    await work(39_000);
    expect(reaps('bob')).toBe(before);
    await work(14_000);
    expect(reaps('bob')).toBe(before + 1);
    await end(stage);
  });

  it('reaps a vat that was at work when its reap became overdue, as soon as it is done', async () => {
    const { stage, advance, reaps } = await setScene({
      deliveryMilliseconds: 1e9,
    });
    await stage.litter('bob');
    await stage.say(send(stage.root('bob'), 'think'));
    const before = reaps('bob');
    advance(10_000);
    await settle();
    expect(reaps('bob')).toBe(before);
    await stage.finish('bob');
    expect(reaps('bob')).toBe(before + 1);
    await end(stage);
  });

  it('reaps the vats that rest while another works on something for very long', async () => {
    const { stage, advance, reaps } = await setScene({
      deliveryMilliseconds: 1e9,
    });
    await stage.litter('alice');
    await stage.say(send(stage.root('bob'), 'think'));
    const before = reaps('alice');
    advance(9_000);
    await settle();
    expect(reaps('alice')).toBe(before);
    advance(2_000);
    await settle();
    expect(reaps('alice')).toBe(before + 1);
    advance(60_000);
    await settle();
    expect(reaps('alice')).toBe(before + 1);
    await end(stage);
  });
});

describe('a collection that somebody asks for', () => {
  it('starts the vats that may have to give up what only a dead heap held, and no others', async () => {
    const stage = await makeGcStage(['alice', 'bob', 'carol']);
    const client = stage.client.rpc;
    await stage.launch('other', 'dave');
    const before = rowsOf(stage);
    await stage.give('alice', 'bob', 'o+d10/1');
    await client.call('suspend', { cluster: 'demo', vat: 'carol' });
    await end(stage);
    const rig = makeRig(
      ([kind], { label, incarnation }) => ({
        syscalls:
          kind === 'startVat' && label === 'bob' && incarnation > 1
            ? [drop('o-52'), retire('o-52')]
            : [],
      }),
      {
        image: makeMemoryImage(stage.rig.image),
        collectMilliseconds: Infinity,
      },
    );
    const { rpc } = await rig.connect();
    expect(rig.vats.all).toEqual([]);
    await rpc.call('collect', {});
    expect(rowsOf({ rig }).objects).toBe(before.objects);
    const started = new Set(rig.vats.all.map(({ label }) => label));
    expect([...started].sort()).toEqual(['alice', 'bob', 'boot', 'host']);
    const { deliveries } = rig.vats.get('alice');
    expect(deliveries.slice(1)).toEqual([
      ['dropExports', ['o+d10/1']],
      ['retireExports', ['o+d10/1']],
      ['bringOutYourDead'],
    ]);
    await rpc.call('collect', {});
    expect(rig.vats.all).toHaveLength(4);
    await rig.kernel.stop();
  });

  it('leaves a vat asleep that is paused, also when it goes on later', async () => {
    const stage = await makeGcStage(['alice', 'bob']);
    const { rpc } = stage.client;
    const alice = { cluster: 'demo', vat: 'alice' };
    await stage.give('alice', 'bob', 'o+d10/1');
    await rpc.call('pause', alice);
    stage.vat('alice').lose('asleep from now on');
    await settle();
    const { length } = stage.rig.vats.all;
    await stage.act('bob', drop('o-51'), retire('o-51'));
    await rpc.call('collect', {});
    await rpc.call('unpause', alice);
    await settle();
    expect(stage.rig.vats.all).toHaveLength(length);
    await stage.collect();
    expect(stage.rig.vats.all).toHaveLength(length + 1);
    expect(stage.told('alice')).toEqual([
      ['dropExports', ['o+d10/1']],
      ['retireExports', ['o+d10/1']],
    ]);
    await end(stage);
  });

  it('reaps no vat that is paused, nor when it goes on', async () => {
    const stage = await makeGcStage(['alice', 'bob']);
    const { rpc } = stage.client;
    const alice = { cluster: 'demo', vat: 'alice' };
    await stage.act('alice');
    await rpc.call('pause', alice);
    const { deliveries } = stage.vat('alice');
    const { length } = deliveries;
    await rpc.call('collect', {});
    await rpc.call('unpause', alice);
    await settle();
    expect(deliveries).toHaveLength(length);
    await stage.collect();
    expect(deliveries.slice(length)).toEqual([['bringOutYourDead']]);
    await end(stage);
  });

  it('tells nothing to a vat that has a worker and waits to be started', async () => {
    const stage = await makeGcStage(['alice', 'bob'], {
      parallel: 1,
      begin: (label, nth) =>
        label === 'alice' && nth === 2 ? 'unready' : 'ready',
    });
    const { rpc } = stage.client;
    await stage.give('alice', 'bob', 'o+d10/1');
    await rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await stage.act('bob', drop('o-51'));
    await stage.say(send(stage.root('bob'), 'toil'));
    stage.vat('alice').say({ type: 'ready' });
    const { ended } = await stage.begin();
    expect(stage.vat('alice').deliveries).toEqual([]);
    await stage.finish('bob');
    await ended;
    expect(stage.vat('alice').deliveries).toMatchObject([
      ['startVat', {}],
      ['dropExports', ['o+d10/1']],
      ['bringOutYourDead'],
    ]);
    await end(stage);
  });

  it('tells how many rows are left, when they are committed', async () => {
    const stage = await makeGcStage(['alice', 'bob']);
    await stage.give('alice', 'bob', 'o+7');
    const first = await stage.client.rpc.call('collect', {});
    await stage.act('bob', drop('o-51'), retire('o-51'));
    const { objects, references, promises } = Object(first);
    expect(await stage.client.rpc.call('collect', {})).toEqual({
      objects: objects - 1,
      references: references - 2,
      promises,
    });
    expect(stage.rig.image.tables.get('objects')?.size).toBe(objects - 1);
    await end(stage);
  });

  it('goes on while there are messages, and ends with them', async () => {
    const stage = await makeGcStage(['alice', 'bob']);
    stage.hold('alice', 'bringOutYourDead');
    const { ended } = await stage.begin();
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    await stage.say(send(stage.root('bob'), 'ask', [], 'p+1'));
    await stage.finish('alice');
    expect(isOver).toBe(false);
    await stage.finish('bob', fulfil('p-51', dataOf(1)));
    await stage.say();
    stage.hold('alice');
    await ended;
    await end(stage);
  });

  it('ends although a vat makes work of its own in each reap', async () => {
    const stage = await makeGcStage(['alice']);
    stage.hold('alice', 'bringOutYourDead');
    await stage.act('alice');
    const { ended } = await stage.begin();
    let reaps = 0;
    for (; stage.vat('alice').isBusy; reaps += 1) {
      await stage.finish('alice', send('o+0', 'again'));
      await stage.finish('alice');
    }
    expect(await ended).toMatchObject({ objects: expect.any(Number) });
    expect(reaps).toBeGreaterThan(50);
    expect(reaps).toBeLessThan(200);
    await stage.client.rpc.call('terminate', { cluster: 'demo' });
    await stage.rig.kernel.stop();
  });

  it('is refused when the kernel fails first', async () => {
    let isBroken = false;
    const stage = await makeGcStage(['alice'], {
      afterCrank: () => {
        if (isBroken) {
          throw Error('the test says so');
        }
      },
    });
    stage.hold('alice', 'bringOutYourDead');
    await stage.act('alice');
    const { ended } = await stage.begin();
    const refused = expect(ended).rejects.toMatchObject({
      code: 'KERNEL_FAILED',
    });
    isBroken = true;
    await stage.finish('alice');
    await refused;
    await stage.rig.kernel.stop();
  });
});
