import { describe, expect, it } from 'vitest';
import { makeMerging } from './merging.ts';
import { makePhase } from './phase.ts';

/** A database that needs to be merged when told so, and turns that come when told so. */
const setScene = () => {
  const told: string[] = [];
  const turns: (() => void)[] = [];
  const db = {
    isDue: false,
    isMergeDue: () => db.isDue,
    merge: () => {
      told.push('merged');
      db.isDue = false;
    },
  };
  const phase = makePhase();
  const clock = { soon: (turn: () => void) => void turns.push(turn) };
  const { committed } = makeMerging({ db, clock, phase });
  const runTurns = (): void => turns.splice(0).forEach(turn => turn());
  return { told, turns, db, phase, committed, runTurns };
};

describe('the log of the kernel’s database', () => {
  it('is merged in a turn behind the commit that made it long', () => {
    const { told, db, committed, runTurns } = setScene();
    db.isDue = true;
    committed();
    expect(told).toEqual([]);
    runTurns();
    expect(told).toEqual(['merged']);
  });

  it('is left alone while it is short', () => {
    const { told, turns, committed, runTurns } = setScene();
    committed();
    expect(turns).toEqual([]);
    runTurns();
    expect(told).toEqual([]);
  });

  it('is merged once for all commits that come before that turn, and again when it is long again', () => {
    const { told, db, committed, runTurns } = setScene();
    db.isDue = true;
    committed();
    committed();
    runTurns();
    expect(told).toEqual(['merged']);
    db.isDue = true;
    committed();
    runTurns();
    expect(told).toEqual(['merged', 'merged']);
  });

  it('stays as it is when the kernel ends before, and ends the kernel when it can’t be merged', () => {
    const ended = setScene();
    ended.db.isDue = true;
    ended.committed();
    ended.phase.end('stopped');
    ended.runTurns();
    expect(ended.told).toEqual([]);

    const broken = setScene();
    broken.db.isDue = true;
    broken.db.merge = () => {
      throw Error('the disk is gone');
    };
    broken.committed();
    broken.runTurns();
    expect(broken.phase.reason()).toBe('the disk is gone');
  });
});
