import { describe, expect, it } from 'vitest';
import {
  makeSessionId,
  makeVatId,
  type EndpointId,
  type Kref,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import { makePhase } from '../phase.ts';
import { drop, end, makeGcStage } from '../testing/gc-stage.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import { makeRandomTables } from '../testing/random-tables.ts';
import { send, settle } from '../testing/stage.ts';
import { makeChores } from './chores.ts';
import { makeCollection } from './collection.ts';
import { makeDirt } from './dirt.ts';

/** Of the kernel's own collections; no other timer is set for as long. */
const IDLE = 456;
const OVERDUE = 7_890;

const setScene = async (
  names: readonly string[] = ['alice', 'bob'],
  options: Parameters<typeof makeGcStage>[1] = {},
) => {
  const { clock, advance, waits } = makeManualClock();
  const stage = await makeGcStage(names, {
    clock,
    collectMilliseconds: IDLE,
    overdueMilliseconds: OVERDUE,
    ...options,
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

  it('rings for a vat that has got few references since it was reaped, once that is long ago', async () => {
    const { stage, rest, reaps } = await setScene(['alice'], {
      fewReferences: 2,
    });
    await rest(IDLE);
    await stage.litter('alice');
    await rest(IDLE);
    const before = reaps('alice');
    await stage.litter('alice');
    await rest(IDLE);
    await rest(OVERDUE);
    await rest(2 * OVERDUE - IDLE - 1);
    expect(reaps('alice')).toBe(before);
    await rest(1);
    expect(reaps('alice')).toBe(before + 1);
    await stage.litter('alice');
    await stage.litter('alice');
    await rest(IDLE);
    expect(reaps('alice')).toBe(before + 2);
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
  it('reaps the vats that got references since they were last reaped, or had any delivery if somebody asks, and no others', async () => {
    const { stage, rest, reaps } = await setScene();
    const before = { alice: reaps('alice'), bob: reaps('bob') };
    await stage.litter('alice');
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
    await stage.litter('alice');
    await rest(IDLE);
    advance(1_000);
    await stage.finish('alice'); // so it rests for 20 s
    const before = reaps('alice');
    await stage.litter('alice');
    for (let past = 0; past < 19_000; past += IDLE) {
      await rest(IDLE);
    }
    expect(reaps('alice')).toBe(before);
    await rest(2_000);
    await rest(IDLE);
    expect(stage.flight('alice')).toEqual(['bringOutYourDead']);
    advance(1_000);
    await stage.finish('alice');
    await stage.litter('alice');
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

describe('of collections alone', () => {
  const [ALICE, BOB, CAROL] = [makeVatId(1), makeVatId(2), makeVatId(3)];

  /** Collections beside tables of three vats, of which alice and bob are awake. */
  const setParts = () => {
    const { clock, advance, waits } = makeManualClock();
    const { parts } = makeRandomTables([]);
    const asleep = new Set<VatId>([CAROL]);
    const calls = { search: 0, sweep: 0, pump: 0 };
    const woken: VatId[] = [];
    /** What the kernel says when it is asked. */
    const world = {
      isQuiet: true,
      isMore: false,
      isSwept: false,
      heirs: [] as VatId[],
    };
    const isAwake = (vat: VatId): boolean => !asleep.has(vat);
    const dirt = makeDirt(
      { references: 1e9, few: 1, deliveries: 1e9, milliseconds: OVERDUE },
      clock.now,
    );
    const chores = makeChores({
      actions: parts.actions,
      dirt,
      flights: parts.flights,
      inbox: parts.inbox,
      isAwake,
      actionsPerDelivery: 10,
      onWork: isChore => collection.worked(isChore),
    });
    const phase = makePhase();
    const collection = makeCollection({
      chores,
      dirt,
      actions: parts.actions,
      clock,
      phase,
      isAwake,
      wake: vat => woken.push(vat),
      search: () => {
        calls.search += 1;
        return world.isMore;
      },
      sweep: () => {
        calls.sweep += 1;
        return world.isSwept;
      },
      heirs: () => world.heirs,
      isQuiet: () => world.isQuiet,
      pump: () => {
        calls.pump += 1;
      },
      idleMilliseconds: IDLE,
      overdueMilliseconds: OVERDUE,
    });
    let exported = 0;
    const add = (endpoint: EndpointId): Kref => {
      exported += 1;
      return parts.clists.addExport(endpoint, `o+d9/${exported}` as Vref);
    };
    /** An object that nobody holds: its exporter is to be told so. */
    const owe = (endpoint: EndpointId): Kref => parts.run(() => add(endpoint));
    return {
      world,
      woken,
      chores,
      dirt,
      collection,
      owe,
      advance,
      waits,
      asleep,
      phase,
      /** The exporter has given it up itself. */
      giveUp: (endpoint: EndpointId, kref: Kref): void => {
        parts.run(() => {
          const entry = parts.clists.entry(endpoint, kref);
          if (entry) {
            parts.clists.remove(entry);
          }
        });
        parts.actions.next(endpoint, 10);
      },
      hasDue: (endpoint: EndpointId): boolean =>
        chores.due().includes(endpoint),
      /** What has been done since it was asked last. */
      counts: () => {
        const { search, sweep, pump } = calls;
        Object.assign(calls, { search: 0, sweep: 0, pump: 0 });
        return { search, sweep, pump };
      },
    };
  };

  /** Lets time pass in which neither is reaped, and then as much as makes a reap overdue. */
  const passUntilOverdue = ({
    advance,
    hasDue,
  }: Pick<ReturnType<typeof setParts>, 'advance' | 'hasDue'>): void => {
    for (let past = 0; past < OVERDUE - IDLE; past += IDLE) {
      expect([hasDue(ALICE), hasDue(BOB)]).toEqual([false, false]);
      advance(IDLE);
    }
    advance(IDLE);
  };
  const NOTHING = { search: 0, sweep: 0, pump: 0 };

  it('the timer that rings in an idle kernel with nothing to do looks once and is not set again', () => {
    const { collection, advance, counts, waits } = setParts();
    collection.worked(false);
    expect(waits()).toEqual([IDLE]);
    advance(IDLE);
    expect(counts()).toEqual({ ...NOTHING, sweep: 1 });
    expect(waits()).toEqual([]);
  });

  it('the timer is set for a vat that got no references, and set anew to ring sooner', () => {
    const { collection, advance, dirt, waits } = setParts();
    dirt.count(ALICE, 0);
    expect([collection.goOn(), waits()]).toEqual([false, [OVERDUE]]);
    advance(1_000);
    collection.worked(false);
    expect(waits()).toEqual([IDLE]);
  });

  it('the timer that rings when services have something to forget begins a collection', () => {
    const { collection, advance, counts, waits, world } = setParts();
    collection.worked(false);
    world.isSwept = true;
    advance(IDLE);
    expect(counts()).toEqual({ search: 1, sweep: 2, pump: 1 });
    expect(waits()).toEqual([]);
  });

  it.each([
    ['while much is on its way', true],
    ['before the kernel has been idle for long enough', false],
  ])(
    'the timer that rings %s does what is overdue, and is set for what is left',
    (_title, isLate) => {
      const { collection, advance, counts, waits, world } = setParts();
      collection.worked(false);
      if (isLate) {
        world.isQuiet = false;
      } else {
        advance(IDLE / 2);
        collection.worked(false);
        counts();
      }
      advance(isLate ? IDLE : IDLE / 2);
      expect(counts()).toEqual({ search: 1, sweep: 0, pump: 1 });
      expect(waits()).toEqual([isLate ? IDLE : IDLE / 2]);
    },
  );

  it('the timer that rings in a collection does not begin another', () => {
    const { collection, advance, counts, dirt } = setParts();
    dirt.count(ALICE, 1);
    collection.worked(true);
    void collection.collect();
    counts();
    advance(IDLE);
    expect(counts()).toEqual({ search: 1, sweep: 0, pump: 1 });
  });

  it('what is due to an endpoint for long is told at work, and not what has become due since', () => {
    const { collection, advance, world, owe, giveUp, hasDue } = setParts();
    world.isQuiet = false;
    const first = owe(ALICE);
    owe(BOB);
    collection.worked(false);
    advance(IDLE);
    giveUp(ALICE, first);
    advance(IDLE);
    owe(ALICE);
    passUntilOverdue({ advance, hasDue });
    expect([hasDue(ALICE), hasDue(BOB)]).toEqual([false, true]);
  });

  it('a vat that has been without a reap for long is reaped at work, unless it rests from the last one', () => {
    const { collection, advance, world, dirt, hasDue } = setParts();
    world.isQuiet = false;
    dirt.reapBegins(BOB);
    advance(1_000);
    dirt.reapEnds(BOB); // so it rests for 20 s
    dirt.count(ALICE, 1);
    dirt.count(BOB, 1);
    collection.worked(false);
    passUntilOverdue({ advance, hasDue });
    expect([hasDue(ALICE), hasDue(BOB)]).toEqual([true, false]);
  });

  it('a collection that nobody asked for ends with the next message, not with a chore, and one that is asked for with neither', () => {
    const { collection, advance, owe, hasDue } = setParts();
    owe(ALICE);
    /** Little is told in a collection alone. */
    const isTold = (isChore: boolean): boolean => {
      collection.worked(isChore);
      return hasDue(ALICE);
    };
    expect(isTold(false)).toBe(false);
    advance(IDLE);
    expect(isTold(true)).toBe(true);
    expect(isTold(false)).toBe(false);
    void collection.collect();
    expect(isTold(false)).toBe(true);
  });

  it('a collection ends after a hundred rounds, though each has made its vats dirty again', async () => {
    const { collection, chores, dirt } = setParts();
    dirt.count(ALICE, 1);
    const ended = collection.collect();
    let rounds = 0;
    do {
      rounds += 1;
      chores.reapNow(ALICE);
      dirt.reapEnds(ALICE);
      dirt.count(ALICE, 1);
    } while (rounds < 200 && collection.goOn());
    expect(rounds).toBe(100);
    await ended;
  });

  it('a rest sets the timer when something is left for those who are there', () => {
    const armedBy = (
      prepare: (parts: ReturnType<typeof setParts>) => void,
    ): boolean => {
      const parts = setParts();
      prepare(parts);
      expect(parts.collection.goOn()).toBe(false);
      return parts.waits().length > 0;
    };
    expect(armedBy(() => {})).toBe(false);
    expect(armedBy(({ owe }) => owe(CAROL))).toBe(false);
    expect(armedBy(({ owe }) => owe(ALICE))).toBe(true);
    expect(
      armedBy(({ owe }) => {
        owe(CAROL);
        owe(ALICE);
      }),
    ).toBe(true);
    expect(armedBy(({ dirt }) => dirt.count(CAROL, 1))).toBe(false);
    expect(armedBy(({ dirt }) => dirt.count(ALICE, 1))).toBe(true);
  });

  it('a collection goes on in a later turn while there are cycles to be looked for, and ends then', async () => {
    const { collection, counts, world } = setParts();
    let isEnded = false;
    const ended = collection.collect().then(() => {
      isEnded = true;
    });
    world.isMore = true;
    counts();
    expect(collection.goOn()).toBe(false);
    expect(counts()).toEqual({ search: 1, sweep: 1, pump: 0 });
    await settle();
    expect([isEnded, counts().pump]).toEqual([false, 1]);
    world.isMore = false;
    expect(collection.goOn()).toBe(false);
    await ended;
    expect(isEnded).toBe(true);
  });

  it('a collection does not end while something is on its way', async () => {
    const { collection, world } = setParts();
    let isEnded = false;
    const ended = collection.collect().then(() => {
      isEnded = true;
    });
    world.isQuiet = false;
    expect(collection.goOn()).toBe(false);
    await settle();
    expect(isEnded).toBe(false);
    world.isQuiet = true;
    expect(collection.goOn()).toBe(false);
    await ended;
  });

  it('a collection that has made its vats dirty again has another round, and one that is asked for reaps all of them', async () => {
    const { collection, chores, dirt, hasDue } = setParts();
    dirt.count(ALICE, 1);
    dirt.count(CAROL, 1);
    const ended = collection.collect();
    expect(chores.due()).toEqual([ALICE]);
    chores.reapNow(ALICE);
    dirt.reapEnds(ALICE);
    dirt.count(BOB, 1);
    expect(collection.goOn()).toBe(true);
    expect(hasDue(BOB)).toBe(true);
    chores.reapNow(BOB);
    dirt.reapEnds(BOB);
    expect(collection.goOn()).toBe(false);
    await ended;
  });

  it('who asks has those woken that sleep and have something due, or what a dead heap held, and no session', () => {
    const { collection, woken, world, owe } = setParts();
    owe(CAROL);
    owe(makeSessionId(1));
    world.heirs = [BOB];
    void collection.collect();
    expect(woken).toEqual([CAROL, BOB]);
  });

  it('each who asks is answered once, and by the kernel’s end if that comes first', async () => {
    const { collection, phase } = setParts();
    const ended = collection.collect();
    collection.goOn();
    await ended;
    const other = collection.collect();
    collection.goOn();
    await other;
    const last = collection.collect();
    phase.end('stopped');
    await expect(last).rejects.toMatchObject({ code: 'KERNEL_STOPPED' });
  });
});
