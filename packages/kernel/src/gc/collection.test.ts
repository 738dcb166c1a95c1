import { describe, expect, it } from 'vitest';
import { drop, end, makeGcStage } from '../testing/gc-stage.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import { send, settle } from '../testing/stage.ts';

/** Of the kernel's own collections; no other timer is set for as long. */
const IDLE = 456;
const OVERDUE = 7_890;

const setScene = async (names: readonly string[] = ['alice', 'bob']) => {
  const { clock, advance, waits } = makeManualClock();
  const stage = await makeGcStage(names, {
    clock,
    collectMilliseconds: IDLE,
    overdueMilliseconds: OVERDUE,
  });
  const rest = async (milliseconds: number): Promise<void> => {
    advance(milliseconds);
    await settle();
  };
  /** How often the vat that has a worker has been reaped. */
  const reaps = (name: string): number =>
    stage.vat(name).deliveries.filter(([kind]) => kind === 'bringOutYourDead')
      .length;
  const timers = (): number[] =>
    waits().filter(wait => [IDLE, OVERDUE].includes(wait));
  await rest(IDLE);
  await rest(IDLE);
  return { stage, advance, rest, reaps, timers };
};

describe('the timer of collections', () => {
  it('is not set while all vats are clean and nothing is due', async () => {
    const { stage, timers } = await setScene();
    expect(timers()).toEqual([]);
    await end(stage);
  });

  it('is one, however much is delivered', async () => {
    const { stage, timers } = await setScene();
    for (let times = 0; times < 5; times += 1) {
      await stage.act('alice');
      await stage.act('bob');
    }
    expect(timers()).toEqual([IDLE]);
    await end(stage);
  });

  it('is not set for what is due to a vat that sleeps, and is once it has woken', async () => {
    const { stage, rest, timers } = await setScene();
    await stage.give('alice', 'bob', 'o+d10/1');
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await settle();
    stage.vat('alice').lose('asleep from now on');
    await settle();
    await stage.act('bob', drop('o-51'));
    await rest(IDLE);
    await rest(IDLE);
    await rest(OVERDUE);
    expect(timers()).toEqual([]);
    await stage.act('alice');
    expect(timers()).toEqual([IDLE]);
    await rest(IDLE);
    expect(stage.told('alice')).toEqual([['dropExports', ['o+d10/1']]]);
    await rest(IDLE);
    expect(timers()).toEqual([]);
    await end(stage);
  });

  it('is set for what is due to a session, which is never asleep', async () => {
    const { stage, rest } = await setScene();
    await stage.say(send(stage.root('alice'), 'keep', ['o+7']));
    await stage.finish('alice');
    await rest(IDLE);
    await rest(IDLE);
    await stage.client.rpc.call('terminate', { cluster: 'demo', vat: 'alice' });
    await settle();
    const heard = (): readonly unknown[] =>
      stage.client.deliveries.filter(([kind]) => kind.endsWith('Exports'));
    await rest(IDLE);
    await rest(IDLE);
    expect(heard()).toEqual([
      ['dropExports', ['o+7']],
      ['retireExports', ['o+7']],
    ]);
    await end(stage);
  });

  it('is never set when the kernel never collects of itself', async () => {
    const { clock, waits } = makeManualClock();
    const stage = await makeGcStage(['alice', 'bob'], {
      clock,
      collectMilliseconds: Infinity,
      overdueMilliseconds: OVERDUE,
    });
    await stage.give('alice', 'bob', 'o+7');
    await stage.act('bob', drop('o-51'));
    expect(
      waits().filter(wait => wait === OVERDUE || wait === Infinity),
    ).toEqual([]);
    await end(stage);
  });
});

describe('a collection', () => {
  it('reaps the vats that have had a delivery since they were last reaped, and no others', async () => {
    const { stage, rest, reaps } = await setScene();
    const before = { alice: reaps('alice'), bob: reaps('bob') };
    await stage.act('alice');
    await rest(IDLE);
    await rest(IDLE);
    expect([reaps('alice'), reaps('bob')]).toEqual([
      before.alice + 1,
      before.bob,
    ]);
    await stage.act('bob');
    await stage.collect();
    expect([reaps('alice'), reaps('bob')]).toEqual([
      before.alice + 1,
      before.bob + 1,
    ]);
    await end(stage);
  });

  it('of an idle kernel lets a vat rest from a reap that took long, and one that somebody asks for does not', async () => {
    const { stage, advance, rest, reaps } = await setScene();
    await stage.collect(); // nobody asks any more
    stage.hold('alice', 'bringOutYourDead');
    await stage.act('alice');
    await rest(IDLE);
    advance(1_000);
    await stage.finish('alice'); // so it rests for 20 s
    const before = reaps('alice');
    await stage.act('alice');
    for (let past = 0; past < 19_000; past += IDLE) {
      await rest(IDLE);
    }
    expect(reaps('alice')).toBe(before);
    await rest(2_000);
    await rest(IDLE);
    expect(stage.flight('alice')).toEqual(['bringOutYourDead']);
    advance(1_000);
    await stage.finish('alice');
    await stage.act('alice');
    const { ended } = await stage.begin();
    expect(stage.flight('alice')).toEqual(['bringOutYourDead']);
    await stage.finish('alice');
    await ended;
    expect(reaps('alice')).toBe(before + 2);
    await end(stage);
  });

  it('answers everybody who asks, each once', async () => {
    const { stage } = await setScene();
    stage.hold('alice', 'bringOutYourDead');
    await stage.act('alice');
    const { ended: first } = await stage.begin();
    const { ended: second } = await stage.begin();
    stage.hold('alice');
    await stage.finish('alice');
    const rows = await first;
    expect(await second).toEqual(rows);
    const { ended: third } = await stage.begin();
    expect(await third).toEqual(rows);
    await end(stage);
  });
});
