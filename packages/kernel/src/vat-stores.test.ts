import { describe, expect, it } from 'vitest';
import type { StoreChange } from '@cooperage/protocol';
import { makeMemoryImage } from './adapters/memory.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeStage, send, settle, type Stage } from './testing/stage.ts';

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
