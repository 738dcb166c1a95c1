import { describe, expect, it } from 'vitest';
import { makePhase } from './phase.ts';
import { makeRest } from './rest.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { settle } from './testing/stage.ts';
import type { Load } from './vat-stores.ts';

const AT_WORK: Load = { changes: 10, units: 100 };

const setScene = () => {
  const { clock, advance, waits } = makeManualClock();
  const world = {
    isQuiet: true,
    hasMore: false,
    unfolded: 0,
    isDamaged: false,
  };
  const done: string[] = [];
  const phase = makePhase();
  const rest = makeRest({
    platform: { clock },
    options: {},
    phase,
    isQuiet: () => world.isQuiet,
    outputs: {
      commitIfNeeded: () => {
        done.push('commit');
        world.isQuiet = !world.hasMore;
      },
    },
    keeper: {
      mostUnfolded: AT_WORK,
      isMoreThan: ({ changes }) => world.unfolded > changes,
      foldSome: ({ changes }) => {
        done.push(`fold to ${changes}`);
        world.unfolded = Math.max(0, world.unfolded - 8);
        return world.isDamaged;
      },
    },
    pump: () => done.push('pump'),
  });
  return {
    world,
    rest,
    phase,
    advance,
    waits,
    done: () => done.splice(0),
  };
};

describe('the rest of a kernel', () => {
  it('commits, and a second later all is folded, in steps', async () => {
    const { world, rest, advance, done } = setScene();
    world.unfolded = 9;
    rest.pumped();
    rest.pumped();
    expect(done()).toEqual(['commit', 'commit']);
    advance(999);
    expect(done()).toEqual([]);
    advance(1);
    expect(done()).toEqual(['fold to 0']);
    await settle();
    expect(done()).toEqual(['fold to 0']);
    advance(10_000);
    await settle();
    expect(done()).toEqual([]);
  });

  it('does not come while something is on its way; too much is folded all the same', async () => {
    const { world, rest, done, advance, waits } = setScene();
    world.isQuiet = false;
    world.unfolded = 10;
    rest.pumped();
    await settle();
    expect([done(), waits()]).toEqual([[], []]);
    world.unfolded = 25;
    rest.pumped();
    rest.pumped();
    await settle();
    expect(done()).toEqual(['fold to 10', 'fold to 10']);
    expect(world.unfolded).toBe(9);
    world.isQuiet = true;
    rest.pumped();
    world.isQuiet = false;
    done();
    advance(1_000); // by now it is at work again
    expect(done()).toEqual(['fold to 10']);
  });

  it('has the kernel go on when a store was found damaged', () => {
    const { world, rest, advance, done } = setScene();
    world.isDamaged = true;
    rest.pumped();
    advance(1_000);
    expect(done()).toEqual(['commit', 'fold to 0', 'pump']);
  });

  it('is told to those who wait for it, unless what has left gives the kernel something to do', async () => {
    const { world, rest, phase } = setScene();
    const told: string[] = [];
    const wait = (who: string) =>
      rest.next().then(
        () => told.push(who),
        ({ code }) => told.push(`${who}: ${code}`),
      );
    void wait('alice');
    world.isQuiet = false;
    rest.pumped();
    await settle();
    world.isQuiet = true;
    world.hasMore = true;
    rest.pumped();
    await settle();
    expect(told).toEqual([]);
    world.isQuiet = true;
    world.hasMore = false;
    rest.pumped();
    await settle();
    expect(told).toEqual(['alice']);
    rest.pumped();
    void wait('bob');
    phase.end('stopped');
    await settle();
    expect(told).toEqual(['alice', 'bob: KERNEL_STOPPED']);
  });

  it('leaves no timer behind at the end', () => {
    const { rest, phase, waits } = setScene();
    rest.pumped();
    rest.pumped();
    expect(waits()).toEqual([1_000]);
    phase.end('stopped');
    expect(waits()).toEqual([]);
  });
});
