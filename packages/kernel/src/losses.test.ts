import { describe, expect, it } from 'vitest';
import {
  makeVatId,
  type CapData,
  type Kref,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import { makeRandomTables } from './testing/random-tables.ts';

const [ALICE, BOB] = [makeVatId(1), makeVatId(2)];
const LOST: CapData<Kref> = { body: '#"lost"', slots: [] };

/** Three rows a step; alice loses her heap. */
const setScene = () => {
  const { state, parts } = makeRandomTables([]);
  const { losses, promises } = parts;
  const add = (vat: VatId, ...vrefs: string[]): Kref[] =>
    parts.run(() =>
      vrefs.map(vref => {
        const kref = parts.clists.addExport(vat, vref as Vref);
        parts.refcounts.hold(kref);
        return kref;
      }),
    );
  const vrefsOf = (vat: VatId) =>
    state.clistByEndpoint.values(vat).map(({ vref }) => vref);
  return {
    state,
    parts,
    losses,
    promises,
    add,
    vrefsOf,
    lose: (vat: VatId, ...renamed: Kref[]): void =>
      parts.run(() => {
        const row = state.vats.get(vat);
        if (row) {
          const incarnation = row.incarnation + 1;
          state.vats.put({ ...row, incarnation, asleep: 1 });
          losses.begin(vat, { incarnation, data: LOST, renamed });
        }
      }),
    step: () => parts.run(losses.step),
  };
};

describe('a heap that is gone', () => {
  it('leaves what it was to decide rejected, and what it alone knew, in steps', () => {
    const { losses, promises, add, vrefsOf, lose, step } = setScene();
    const made = add(ALICE, 'p+1', 'p+2', 'p+3', 'p+4');
    add(ALICE, 'o+5', 'o+6', 'o+d7/8', 'o+9', 'o+10');
    const rejected = () =>
      made.filter(kref => promises.get(kref).state === 'rejected').length;
    const seen = [];
    lose(ALICE);
    for (;;) {
      seen.push([rejected(), vrefsOf(ALICE).length, losses.isUnderWay(ALICE)]);
      if (losses.isDone()) {
        break;
      }
      step();
    }
    expect(seen).toEqual([
      [3, 10, true],
      [4, 8, true],
      [4, 5, true],
      [4, 2, true],
      [4, 2, false],
    ]);
    expect(vrefsOf(ALICE)).toEqual(['o+0', 'o+d7/8']);
    expect(made.map(kref => promises.get(kref).body)).toEqual(
      made.map(() => LOST.body),
    );
  });

  it('leaves the names of promises that its vat is to hear of', () => {
    const { parts, add, losses, lose, step, vrefsOf } = setScene();
    const [awaited, told, left] = add(BOB, 'p+1', 'p+2', 'p+3') as [
      Kref,
      Kref,
      Kref,
    ];
    parts.run(() => {
      [awaited, told, left].forEach((kref, nth) =>
        parts.clists.add(ALICE, kref, `p-${nth}` as Vref),
      );
      parts.promises.subscribe(ALICE, awaited);
      parts.promises.subscribe(ALICE, told);
      parts.promises.resolve(told, false, LOST);
    });
    lose(ALICE);
    while (!losses.isDone()) {
      step();
    }
    expect(vrefsOf(ALICE)).toEqual(['o+0', 'p-0', 'p-1']);
  });

  it('is looked at in bounded parts, also where nothing has to go', () => {
    const { add, losses, lose, step } = setScene();
    add(ALICE, ...Array.from({ length: 70 }, (_, nth) => `o+d7/${nth + 1}`));
    lose(ALICE);
    let steps = 0;
    while (!losses.isDone()) {
      step();
      steps += 1;
    }
    expect(steps).toBe(2);
  });

  it('takes turns with others', () => {
    const { add, losses, lose, step, vrefsOf } = setScene();
    const names = Array.from({ length: 7 }, (_, nth) => `o+${nth + 1}`);
    [ALICE, BOB].forEach(vat => add(vat, ...names));
    [ALICE, BOB].forEach(vat => lose(vat));
    const left = () => [vrefsOf(ALICE).length, vrefsOf(BOB).length];
    const seen = [left()];
    while (!losses.isDone()) {
      step();
      seen.push(left());
    }
    expect(seen).toEqual([
      [5, 5],
      [2, 5],
      [2, 2],
      [1, 1],
    ]);
  });

  it('is none when the crank that lost it was undone', () => {
    const { state, parts, losses, add, step, vrefsOf } = setScene();
    add(ALICE, 'o+1', 'o+2', 'o+3', 'o+4');
    parts.rehearse(() => {
      const row = state.vats.get(ALICE);
      if (row) {
        state.vats.put({ ...row, incarnation: 2, asleep: 1 });
        losses.begin(ALICE, { incarnation: 2, data: LOST, renamed: [] });
      }
    });
    expect(losses.isDone()).toBe(false);
    step();
    expect([losses.isDone(), vrefsOf(ALICE).length]).toEqual([true, 5]);
  });

  it('leaves what has changed hands or names meanwhile, or has gone', () => {
    const { state, parts, losses, promises, add, vrefsOf, lose, step } =
      setScene();
    const decided = add(ALICE, 'p+1', 'p+2', 'p+3', 'p+4');
    const [last] = add(ALICE, 'p+7') as [Kref];
    const [gone, renamed] = add(BOB, 'p+5', 'p+6') as [Kref, Kref];
    const nameOf = (kref: Kref, vref: string) =>
      parts.clists.add(ALICE, kref, vref as Vref);
    const forget = (kref: Kref): void => {
      const row = state.clists.get(ALICE, kref);
      if (row) {
        parts.clists.remove(row);
      }
    };
    parts.run(() => [gone, renamed].forEach(kref => nameOf(kref, `p-${kref}`)));
    lose(ALICE);
    parts.run(() => {
      promises.setDecider(decided[3] as Kref, BOB);
      [gone, renamed, last].forEach(forget);
      parts.refcounts.release(last);
      nameOf(renamed, 'p-99');
    });
    expect(state.promises.has(last)).toBe(false);
    while (!losses.isDone()) {
      step();
    }
    expect(decided.map(kref => promises.get(kref).state)).toEqual([
      ...['rejected', 'rejected', 'rejected'],
      'unresolved',
    ]);
    expect(vrefsOf(ALICE)).toEqual(['o+0', 'p-99']);
  });

  it('is none any more when its vat has ended', () => {
    const { state, parts, losses, add, lose, step, vrefsOf } = setScene();
    add(ALICE, 'p+1', 'p+2', 'p+3', 'p+4');
    lose(ALICE);
    parts.run(() => state.vats.delete(ALICE));
    step();
    expect([losses.isDone(), vrefsOf(ALICE).length]).toEqual([true, 5]);
  });

  it('leaves no entry of what is renamed, from the first crank on', () => {
    const { add, losses, lose, vrefsOf } = setScene();
    const [, , three] = add(ALICE, 'p+1', 'p+2', 'o+3', 'o+4');
    lose(ALICE, three as Kref, 'ko999' as Kref);
    expect(losses.isDone()).toBe(false);
    expect(vrefsOf(ALICE)).toEqual(['o+0', 'p+2', 'o+4']);
  });

  it.each([
    ['an export', 'o+3'],
    ['a promise of which its vat is to hear itself', 'p+1'],
  ])('is found after a crash by no more than %s', (_what, vref) => {
    const { state, parts, losses, promises, add } = setScene();
    const [kref] = add(ALICE, vref) as [Kref];
    parts.run(() => {
      if (vref === 'p+1') {
        promises.subscribe(ALICE, kref);
      }
      const row = state.vats.get(ALICE);
      if (row) {
        state.vats.put({ ...row, incarnation: 2, asleep: 1 });
      }
    });
    expect(losses.unfinished()).toEqual([ALICE]);
  });

  it('is found after a crash that cut it off', () => {
    const { state, parts, losses, add, step, vrefsOf } = setScene();
    add(ALICE, 'p+1', 'p+2', 'o+3', 'o+4', 'o+5');
    expect(losses.unfinished()).toEqual([]);
    parts.run(() => {
      const row = state.vats.get(ALICE);
      if (row) {
        state.vats.put({ ...row, incarnation: 2, asleep: 1 });
      }
    });
    expect(losses.unfinished()).toEqual([ALICE]);
    parts.run(() => {
      const row = state.vats.get(BOB);
      if (row) {
        state.vats.put({ ...row, asleep: 1 }); // nothing is left of its heap
      }
    });
    expect(losses.unfinished()).toEqual([ALICE]);
    parts.run(() =>
      losses.begin(ALICE, { incarnation: 2, data: LOST, renamed: [] }),
    );
    while (!losses.isDone()) {
      step();
    }
    expect([losses.isDone(), losses.unfinished(), vrefsOf(ALICE)]).toEqual([
      true,
      [],
      ['o+0'],
    ]);
  });
});
