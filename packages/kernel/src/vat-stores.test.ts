import { describe, expect, it } from 'vitest';
import { makeVatId, type StoreChange, type VatId } from '@cooperage/protocol';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
} from './adapters/memory.ts';
import { makeState } from './store/state.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeStage, send, settle, type Stage } from './testing/stage.ts';
import { vatRowOf } from './testing/vat-row.ts';
import { makeStoreKeeper, type Load } from './vat-stores.ts';

const MOST = 100;

/** Fresh keys, and the end of those that were written two messages before. */
const changesOf = (nth: number, keys: number): StoreChange[] =>
  Array.from({ length: keys }, (_, key): readonly StoreChange[] => [
    [`${nth}.${key}`, `value ${nth}`],
    [`${nth - 2}.${key}`, null],
  ]).flat();

const setScene = async () => {
  const image = makeMemoryImage();
  const { clock, advance } = makeManualClock();
  /** Of each fold into a file: whose, and how many changes. */
  const folds: (readonly [string, number])[] = [];
  /** Changes that a crash would have taken back, and are in a file. */
  const early: StoreChange[] = [];
  const stage = await makeStage(['alice', 'bob', 'carol'], {
    image,
    clock,
    epochCranks: 1_000_000,
    foldChanges: MOST,
    collectMilliseconds: Infinity,
    isChecked: false,
    wrap: platform => ({
      ...platform,
      stores: {
        ...platform.stores,
        fold: (vat, fold, changes) => {
          folds.push([vat, changes.length]);
          const rows = image.tables.get('vat_changes');
          early.push(
            ...changes.filter(
              ([key, value]) =>
                rows?.get(JSON.stringify([vat, key]))?.[2] !== value,
            ),
          );
          platform.stores.fold(vat, fold, changes);
        },
      },
    }),
  });
  return { stage, image, advance, folds, early };
};

const write = async (
  { say, root, finishWith }: Stage,
  name: string,
  changes: readonly StoreChange[],
): Promise<void> => {
  await say(send(root(name), 'write'));
  await finishWith(name, { changes });
};

describe('changes that wait to be folded', () => {
  it('are never more than a bound and what one message writes, in a stream that never rests, and none is lost or comes before its commit (invariants 2, 10)', async () => {
    const { stage, image, folds, early } = await setScene();
    await stage.say(send(stage.root('bob'), 'hold on'));
    const { vatChanges } = stage.rig.kernel.state;
    const waiting: number[] = [];
    for (let nth = 0; nth < 60; nth += 1) {
      await write(stage, nth % 2 ? 'alice' : 'carol', changesOf(nth, 15));
      waiting.push(vatChanges.size);
    }
    expect(Math.max(...waiting)).toBeLessThanOrEqual(MOST);
    expect(Math.max(...folds.map(([, count]) => count))).toBeLessThanOrEqual(
      MOST,
    );
    const { id } = stage.vat('alice');
    await stage.finish('bob');
    await stage.rig.kernel.stop();
    const rows = new Map<string, string>();
    for (let nth = 1; nth < 60; nth += 2) {
      for (const [key, value] of changesOf(nth, 15)) {
        if (value === null) {
          rows.delete(key);
        } else {
          rows.set(key, value);
        }
      }
    }
    expect(image.vats.get(id)?.rows).toEqual(rows);
    expect(early).toEqual([]);
  });

  it('are folded half by half when one message writes far too much, each part in a turn of its own', async () => {
    const { stage, folds } = await setScene();
    await stage.say(send(stage.root('bob'), 'hold on'));
    await write(
      stage,
      'alice',
      Array.from({ length: 900 }, (_, key): StoreChange => [`${key}`, 'x']),
    );
    await settle();
    expect(folds.map(([, count]) => count)).toEqual([400, 200, 100, 100]);
    expect(stage.rig.kernel.state.vatChanges.size).toBe(MOST);
    await stage.finish('bob');
    await stage.rig.kernel.stop();
  });

  it('are all folded once the kernel has rested, and not before', async () => {
    const { stage, advance, folds } = await setScene();
    await write(stage, 'alice', changesOf(1, 10));
    await write(stage, 'carol', changesOf(1, 10));
    advance(999);
    expect(folds).toEqual([]);
    advance(1);
    const { alice, carol } = {
      alice: stage.vat('alice').id,
      carol: stage.vat('carol').id,
    };
    expect(folds).toEqual([
      [alice, 20],
      [carol, 20],
    ]);
    expect(stage.rig.kernel.state.vatChanges.size).toBe(0);
    await stage.rig.kernel.stop();
  });
});

const [ONE, TWO, THREE, GONE] = [1, 2, 3, 4].map(makeVatId) as [
  VatId,
  VatId,
  VatId,
  VatId,
];

/** A keeper without a kernel, and what it does: commits, and folds of so many changes. */
const makeKeeper = (mostUnfolded: Partial<Load> = {}) => {
  const state = makeState(openMemoryKernelDb());
  const image = makeMemoryImage();
  const stores = openMemoryVatStores(image);
  const done: unknown[] = [];
  const damaged: (readonly [VatId, string])[] = [];
  const keeper = makeStoreKeeper(state, {
    stores: {
      ...stores,
      fold: (vat, fold, changes) => {
        stores.fold(vat, fold, changes);
        done.push([vat, changes.length]);
      },
    },
    commit: () => done.push('commit'),
    mostUnfolded: { changes: 1_000, units: 1_000_000, ...mostUnfolded },
    onDamaged: (...what) => damaged.push(what),
  });
  state.store.begin();
  [ONE, TWO, THREE].forEach(vat => state.vats.put(vatRowOf(vat)));
  state.store.keep();
  return {
    ...{ state, image, stores, keeper, done, damaged },
    /** So many changes wait, of four units each. */
    write: (vat: VatId, count: number): void => {
      state.store.begin();
      for (let key = 10; key < 10 + count; key += 1) {
        state.vatChanges.put({ vat, key: `${key}`, value: 'up' });
      }
      state.store.keep();
    },
    end: (vat: VatId): void => {
      state.store.begin();
      state.vats.delete(vat);
      state.endings.put({ endpoint: vat, reason: '' });
      state.store.keep();
    },
    damage: (vat: VatId): void => {
      image.vats.set(vat, { fold: 0, rows: new Map(), damage: 'torn' });
    },
    /** How many changes wait that can be folded, and their units. */
    waiting: () =>
      (['changes', 'units'] as const).map(what => {
        let most = -1;
        while (
          keeper.isMoreThan({
            ...{ changes: Infinity, units: Infinity },
            [what]: most,
          })
        ) {
          most += 1;
        }
        return most;
      }),
    /** What one step does. */
    step: () => {
      done.length = 0;
      const isAnyDamaged = keeper.foldSome(keeper.mostUnfolded);
      return [isAnyDamaged, ...done];
    },
  };
};

describe('a keeper of stores', () => {
  it('does nothing while no more waits than may', () => {
    const { step, write } = makeKeeper({ changes: 5, units: 20 });
    write(ONE, 4);
    expect(step()).toEqual([false]);
    write(ONE, 5);
    expect(step()).toEqual([false]);
    write(ONE, 6);
    expect(step()).toEqual([false, 'commit', [ONE, 5], 'commit']);
  });

  it('folds half of what weighs too much, and one change in any case', () => {
    const { step, write, waiting, state } = makeKeeper({ units: 8 });
    write(ONE, 9);
    write(TWO, 1);
    expect(waiting()).toEqual([10, 40]);
    expect(step()).toEqual([false, 'commit', [ONE, 4], 'commit']);
    expect(step()).toEqual([false, 'commit', [ONE, 2], 'commit']);
    expect(step()).toEqual([false, 'commit', [ONE, 2], 'commit']);
    expect(step()).toEqual([false]);
    state.store.begin();
    state.vatChanges.put({ vat: ONE, key: '18', value: 'x'.repeat(1_000) });
    state.vatChanges.put({ vat: ONE, key: '19', value: 'x'.repeat(10_000) });
    state.vatChanges.delete(TWO, '10');
    state.store.keep();
    expect(step()).toEqual([false, 'commit', [ONE, 1], 'commit']);
    expect(step()).toEqual([false, 'commit', [ONE, 1], 'commit']);
    expect(waiting()).toEqual([0, 0]);
  });

  it('goes on to the next vat while something is left of a step', () => {
    const { step, write } = makeKeeper({ units: 14 });
    write(ONE, 10);
    write(TWO, 1);
    write(THREE, 1);
    expect(step()).toEqual([false, 'commit', [ONE, 4], [TWO, 1], 'commit']);
  });

  it('counts each file as fifty changes', () => {
    const some = makeKeeper({ changes: 100 });
    some.write(ONE, 30);
    some.write(TWO, 30);
    some.write(THREE, 60);
    expect(some.step()).toEqual([
      ...[false, 'commit'],
      ...[
        [ONE, 30],
        [TWO, 20],
      ],
      'commit',
    ]);
    const just = makeKeeper({ changes: 100 });
    just.write(ONE, 50);
    just.write(TWO, 60);
    expect(just.step()).toEqual([false, 'commit', [ONE, 50], 'commit']);
  });

  it('leaves alone what has ended, and whose file can’t be used, and says so once', () => {
    const { keeper, write, end, damage, damaged, done, step, waiting } =
      makeKeeper({ changes: 4 });
    write(ONE, 5);
    write(TWO, 2);
    write(THREE, 1);
    expect(waiting()).toEqual([8, 32]);
    end(TWO);
    expect(waiting()).toEqual([6, 24]);
    damage(ONE);
    expect(step()).toEqual([true, 'commit', 'commit']);
    expect(waiting()).toEqual([1, 4]);
    write(THREE, 5);
    expect(step()).toEqual([false, 'commit', [THREE, 4], 'commit']);
    end(ONE);
    expect(waiting()).toEqual([1, 4]);
    done.length = 0;
    keeper.fold();
    expect(done).toEqual(['commit', [THREE, 1], 'commit']);
    expect(damaged).toEqual([
      [ONE, `can't fold into the store of ${ONE}: torn`],
    ]);
  });

  it('folds the changes of one vat, if there are any, and lets its problem be heard', () => {
    const { keeper, write, damage, damaged, done, state, image } = makeKeeper();
    write(ONE, 2);
    write(TWO, 1);
    keeper.foldOne(ONE);
    keeper.foldOne(ONE);
    expect(done).toEqual(['commit', [ONE, 2], 'commit', 'commit', 'commit']);
    expect(state.vats.get(ONE)?.fold).toBe(1);
    expect([...(image.vats.get(ONE)?.rows ?? [])]).toEqual([
      ['10', 'up'],
      ['11', 'up'],
    ]);
    damage(TWO);
    expect(() => keeper.foldOne(TWO)).toThrow('torn');
    expect(damaged).toEqual([]);
  });

  it('lets a problem of the storage itself be heard', () => {
    const { keeper, write, stores, damaged } = makeKeeper();
    write(ONE, 1);
    stores.close();
    expect(keeper.fold).toThrow('the stores are closed');
    expect(damaged).toEqual([]);
  });

  it('deletes the files of vats that are not there, and no other', () => {
    const { keeper, stores } = makeKeeper();
    [TWO, GONE].forEach(vat => stores.fold(vat, 1, []));
    keeper.deleteStrays();
    expect(stores.list()).toEqual([TWO]);
  });
});
