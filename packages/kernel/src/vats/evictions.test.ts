import { describe, expect, it } from 'vitest';
import { makeVatId, type VatId } from '@cooperage/protocol';
import { openMemoryKernelDb } from '../adapters/memory.ts';
import { makePhase } from '../phase.ts';
import type { QueueRow } from '../store/schema.ts';
import { makeState } from '../store/state.ts';
import type { VatRow } from '../store/vat-schema.ts';
import { drop, makeGcStage } from '../testing/gc-stage.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import {
  dataOf,
  end,
  fulfil,
  heardBy,
  makeStage,
  send,
  settle,
  subscribe,
  vatOf,
  vref,
  type Stage,
} from '../testing/stage.ts';
import { makeEvictions } from './evictions.ts';

const HOUR = 3_600_000;

const statesOf = ({ rig }: Stage) =>
  Object.fromEntries(
    rig.kernel
      .status()
      .clusters.flatMap(({ vats }) =>
        vats.map(({ name, state }) => [name, state]),
      ),
  );

const makeScene = async (
  names: readonly string[],
  options: Parameters<typeof makeStage>[1] = {},
) => {
  const time = makeManualClock();
  const stage = await makeStage(names, {
    clock: time.clock,
    evictMilliseconds: HOUR,
    collectMilliseconds: Infinity,
    deliveryMilliseconds: 1e12,
    ...options,
  });
  const pass = async (milliseconds: number): Promise<void> => {
    time.advance(milliseconds);
    await settle();
  };
  return { ...stage, pass };
};

describe('a vat that is idle for long', () => {
  it('loses its worker when its config allows it, and starts over its store with the next message', async () => {
    const stage = await makeScene(['alice'], { rules: { eviction: 'any' } });
    await stage.say(send(stage.root('alice'), 'store'));
    await stage.pass(HOUR / 2);
    await stage.finishWith('alice', { changes: [['key', 'value']] });
    await stage.pass(HOUR - 1);
    expect(statesOf(stage)).toEqual({ boot: 'asleep', alice: 'running' });
    const before = stage.vat('alice');
    await stage.pass(1);
    expect(before.isKilled).toBe(true);
    expect(vatOf(stage, 'alice')).toMatchObject({
      state: 'asleep',
      incarnation: 2,
    });
    await stage.pass(10 * HOUR);
    expect(vatOf(stage, 'alice')?.incarnation).toBe(2);
    await stage.say(send(stage.root('alice'), 'again', [], 'p+1'));
    await stage.say(subscribe('p+1'));
    expect([...stage.vat('alice').store]).toEqual([['key', 'value']]);
    await stage.finish('alice', fulfil('p-50', dataOf('here')));
    expect(heardBy(stage)).toEqual([['p+1', false, dataOf('here')]]);
    await end(stage);
  });

  it('lets go first of what it has got, be it little, when garbage is collected at rest', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeGcStage(['alice'], {
      clock,
      rules: { eviction: 'any' },
      evictMilliseconds: 2_000,
      collectMilliseconds: 500,
      fewReferences: 2,
      deliveryMilliseconds: 1e12,
    });
    const pass = async (milliseconds: number): Promise<void> => {
      advance(milliseconds);
      await settle();
    };
    const deliveries = (): string[] =>
      stage.vat('alice').deliveries.map(([kind]) => kind);
    await pass(500);
    await stage.litter('alice');
    await pass(500);
    expect(deliveries().at(-1)).toBe('bringOutYourDead');
    await stage.litter('alice');
    await pass(1_999);
    expect(deliveries().at(-1)).toBe('message');
    await pass(1);
    expect(deliveries().at(-1)).toBe('bringOutYourDead');
    expect(statesOf(stage)).toMatchObject({ alice: 'running' });
    await pass(2_000);
    expect(statesOf(stage)).toMatchObject({ alice: 'asleep' });
    await end(stage);
  });

  it('keeps it when its config does not allow it', async () => {
    const stage = await makeScene(['alice']);
    await stage.pass(100 * HOUR);
    expect(statesOf(stage)).toEqual({ boot: 'running', alice: 'running' });
    await end(stage);
  });

  it('is told as at a restart who waits for it or holds what is not durable, when its config is “any”', async () => {
    const stage = await makeScene(['alice'], { rules: { eviction: 'any' } });
    const alice = stage.root('alice');
    await stage.say(
      send(alice, 'wait', [], 'p+1'),
      send(alice, 'make', [], 'p+2'),
      subscribe('p+1'),
      subscribe('p+2'),
    );
    await stage.finish('alice');
    await stage.finish('alice', fulfil('p-51', dataOf('$0', 'o+9')));
    const thing = String(heardBy(stage)[0]?.[2].slots[0]);
    await stage.pass(HOUR);
    expect(heardBy(stage)[1]).toMatchObject([
      'p+1',
      true,
      { body: expect.stringContaining('vat was evicted: it was idle') },
    ]);
    await stage.say(send(thing, 'late', [], 'p+3'), subscribe('p+3'));
    expect(heardBy(stage)[2]).toMatchObject(['p+3', true, {}]);
    await end(stage);
  });

  it('keeps it while somebody could tell, when its config is “unseen”: a promise, an object that is not durable', async () => {
    const time = makeManualClock();
    const stage = await makeGcStage(['alice', 'bob'], {
      clock: time.clock,
      evictMilliseconds: HOUR,
      deliveryMilliseconds: 1e12,
      rules: { eviction: 'unseen' },
    });
    const pass = async (): Promise<void> => {
      time.advance(HOUR);
      await settle();
    };
    await stage.say(
      send(stage.root('alice'), 'wait', [], 'p+1'),
      subscribe('p+1'),
    );
    await stage.finish('alice');
    await stage.give('bob', 'alice', 'o+7', 'o+d7/1');
    await pass();
    expect(statesOf(stage)).toEqual({
      boot: 'asleep',
      alice: 'running',
      bob: 'running',
    });
    const { clistByEndpoint, clistByVref } = stage.rig.kernel.state;
    const { id } = stage.vat('alice');
    const answer = clistByEndpoint
      .values(id)
      .find(({ kref }) => kref.startsWith('kp'));
    await stage.act('alice', fulfil(String(answer?.vref), dataOf(1)));
    await pass();
    expect(statesOf(stage)).toMatchObject({ alice: 'asleep', bob: 'running' });
    // Alice's next heap lets go of what is not durable, and bob is told.
    const thing = clistByVref.get(stage.vat('bob').id, 'o+7');
    const theirs = clistByEndpoint
      .values(id)
      .find(({ kref }) => kref === thing?.kref);
    const name = String(theirs?.vref);
    await stage.act('alice', drop(name), ['retireImports', [vref(name)]]);
    await stage.collect();
    await pass();
    expect(statesOf(stage)).toEqual({
      boot: 'asleep',
      alice: 'asleep',
      bob: 'asleep',
    });
    expect(vatOf(stage, 'bob')).toMatchObject({ incarnation: 2 });
    await end(stage);
  });

  it('keeps it while it is reaped', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeGcStage(['alice'], {
      clock,
      evictMilliseconds: HOUR,
      rules: { eviction: 'any' },
    });
    const pass = async (milliseconds: number): Promise<void> => {
      advance(milliseconds);
      await settle();
    };
    await stage.act('alice');
    stage.hold('alice', 'bringOutYourDead');
    await pass(HOUR - 1);
    const { ended } = await stage.begin();
    await pass(1);
    expect(stage.flight('alice')).toEqual(['bringOutYourDead']);
    await stage.finish('alice');
    await ended;
    await pass(HOUR);
    expect(statesOf(stage)).toEqual({ boot: 'asleep', alice: 'asleep' });
    await end(stage);
  });

  it('keeps it while it is paused, and while a delivery is in flight', async () => {
    const stage = await makeScene(['alice', 'bob'], {
      rules: { eviction: 'any' },
    });
    const order = (method: string) =>
      stage.client.rpc.call(method, { cluster: 'demo', vat: 'alice' });
    await order('pause');
    await stage.say(send(stage.root('bob'), 'work'));
    await stage.pass(HOUR);
    await stage.pass(HOUR);
    expect(statesOf(stage)).toEqual({
      boot: 'asleep',
      alice: 'paused',
      bob: 'running',
    });
    await order('unpause');
    await stage.finish('bob');
    await stage.pass(HOUR - 1);
    expect(statesOf(stage)).toMatchObject({ alice: 'running', bob: 'running' });
    await stage.pass(1);
    expect(statesOf(stage)).toMatchObject({ alice: 'asleep', bob: 'asleep' });
    await end(stage);
  });
});

describe('a crowd of vats', () => {
  const NAMES = ['a', 'b', 'c', 'd', 'e'];
  const crowd = { mostWorkers: 2, crowdedMilliseconds: 1_000 };

  it('is brought down to the bound, the longest idle first, and those at work are not among them (invariant 11)', async () => {
    const stage = await makeScene(NAMES, {
      ...crowd,
      rules: { eviction: 'any' },
    });
    await stage.say(send(stage.root('a'), 'work'));
    await stage.pass(999);
    await stage.say(send(stage.root('b'), 'work'));
    await stage.finish('b');
    expect(Object.values(statesOf(stage))).toEqual(Array(6).fill('running'));
    await stage.pass(1);
    expect(statesOf(stage)).toEqual({
      boot: 'asleep',
      a: 'running',
      b: 'running',
      c: 'asleep',
      d: 'asleep',
      e: 'asleep',
    });
    await stage.pass(HOUR / 2);
    expect(statesOf(stage)).toMatchObject({ a: 'running', b: 'running' });
    // All of them answer still, and the crowd is let go again.
    await stage.finish('a');
    for (const name of NAMES) {
      await stage.say(send(stage.root(name), 'work'));
      await stage.finish(name);
    }
    await stage.pass(1_000);
    expect(statesOf(stage)).toEqual({
      boot: 'asleep',
      a: 'asleep',
      b: 'asleep',
      c: 'asleep',
      d: 'running',
      e: 'running',
    });
    await end(stage);
  });

  it('of which none may be evicted runs on', async () => {
    const stage = await makeScene(NAMES, crowd);
    await stage.pass(HOUR);
    expect(Object.values(statesOf(stage))).toEqual(Array(6).fill('running'));
    await end(stage);
  });
});

describe('the timer of evictions', () => {
  const VAT = makeVatId(1);

  /** A vat that is idle, without a kernel. */
  const setBare = (vat: Partial<VatRow>, evictMilliseconds = HOUR) => {
    const toReap = new Set<VatId>();
    const state = makeState(openMemoryKernelDb());
    state.store.begin();
    state.vats.put({ id: VAT, ...vat } as VatRow);
    const { clock, advance, waits } = makeManualClock();
    const phase = makePhase();
    const waiting = new Map<string, QueueRow>();
    const deeds: (VatId | 'pump')[] = [];
    const evictions = makeEvictions(state, {
      options: { evictMilliseconds },
      clock,
      phase,
      inbox: { head: endpoint => waiting.get(endpoint) },
      living: () => 1,
      isIdle: () => true,
      reapFirst: id => toReap.delete(id),
      evict: id => deeds.push(id),
      pump: () => deeds.push('pump'),
    });
    return { ...{ evictions, phase, waiting, deeds, toReap }, advance, waits };
  };

  it('is set once for the vat that is first, and goes when the kernel ends', () => {
    const { evictions, phase, waits, advance } = setBare({ eviction: 'any' });
    evictions.note(VAT);
    advance(1);
    evictions.note(VAT);
    expect(waits()).toEqual([HOUR]);
    phase.end('stopped');
    expect(waits()).toEqual([]);
  });

  it('rings for a vat that is to be reaped first, and again when that is done', () => {
    const { evictions, toReap, deeds, advance } = setBare({ eviction: 'any' });
    toReap.add(VAT);
    evictions.note(VAT);
    advance(HOUR);
    expect(deeds).toEqual(['pump']);
    evictions.note(VAT);
    advance(HOUR);
    expect(deeds).toEqual(['pump', VAT, 'pump']);
  });

  it('is not set for a vat that is never evicted, nor where none is', () => {
    for (const { evictions, waits } of [
      setBare({ eviction: 'never' }),
      setBare({ eviction: 'any' }, Infinity),
    ]) {
      evictions.note(VAT);
      expect(waits()).toEqual([]);
    }
  });

  it('ends a vat for which nothing waits, and then more may be delivered', () => {
    const { evictions, waiting, advance, deeds } = setBare({ eviction: 'any' });
    waiting.set(VAT, {} as QueueRow);
    evictions.note(VAT);
    advance(HOUR);
    expect(deeds).toEqual([]);
    waiting.clear();
    evictions.note(VAT);
    advance(HOUR);
    expect(deeds).toEqual([VAT, 'pump']);
  });

  it('passes over a vat that is to be forgotten', () => {
    const { evictions, advance, deeds } = setBare({ eviction: 'any' });
    evictions.note(VAT);
    evictions.forget(VAT);
    advance(HOUR);
    expect(deeds).toEqual([]);
  });
});
