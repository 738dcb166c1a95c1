import { describe, expect, it } from 'vitest';
import {
  encodeError,
  makeVatId,
  type CapData,
  type Kref,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import { makeRefusals } from './refusals.ts';
import { makeRandomTables } from './testing/random-tables.ts';

const [ALICE, BOB, CAROL] = [makeVatId(1), makeVatId(2), makeVatId(3)];
const LOST: CapData<Kref> = { body: '#"lost"', slots: [] };

/** Three rows a step; alice sends. */
const setScene = () => {
  const { state, parts } = makeRandomTables([]);
  const { refusals, promises, inbox } = parts;
  let made = 0;
  const add = (kind: 'o' | 'p', vat: VatId = ALICE): Kref => {
    made += 1;
    const kref = parts.clists.addExport(vat, `${kind}+${made}` as Vref);
    parts.refcounts.hold(kref);
    return kref;
  };
  /** A promise that the kernel settles. */
  const addAnswer = (): Kref => {
    const kref = add('p');
    promises.setDecider(kref, null);
    return kref;
  };
  const rootOf = (vat: VatId): Kref => state.vats.get(vat)?.root as Kref;
  const methargs = { body: '', slots: [] };
  const sender = ALICE;
  /** A message that waits for the promise; gives its answer. */
  const park = (target: Kref, result: Kref | null = addAnswer()): Kref => {
    inbox.park({ target, methargs, result, sender });
    return result as Kref;
  };
  /** A message that waits for the vat; gives its answer. */
  const send = (
    vat: VatId,
    target: Kref = rootOf(vat),
    result: Kref | null = addAnswer(),
  ): Kref => {
    inbox.deliverTo(vat, { target, methargs, result, sender });
    return result as Kref;
  };
  const answersOf = (krefs: readonly Kref[]) =>
    krefs.map(kref => promises.get(kref).body);
  const change = (vat: VatId, some: { failure: string | null }): void => {
    const row = state.vats.get(vat);
    if (row) {
      state.vats.put({ ...row, ...some });
    }
  };
  return {
    state,
    parts,
    refusals,
    add,
    addAnswer,
    park,
    send,
    answersOf,
    rootOf,
    change,
    run: parts.run,
    stateOf: (kref: Kref) => promises.get(kref).state,
    waiting: (vat: VatId) => inbox.length(vat),
    step: () => parts.run(refusals.step),
    /** Steps until all is done; gives how much waits for the vat after each. */
    stepAll: (vat: VatId): number[] => {
      const seen = [];
      while (!refusals.isDone()) {
        parts.run(refusals.step);
        seen.push(inbox.length(vat));
      }
      return seen;
    },
  };
};

describe('a promise that is rejected', () => {
  it('takes along what is parked on it, and on the answers to that, so many rows at a time', () => {
    const { refusals, add, park, answersOf, stateOf, run } = setScene();
    const kref = run(() => add('p'));
    const [answers, behind] = run(() => {
      const first = [1, 2, 3].map(() => park(kref));
      const second = [1, 2].map(() => park(first[0] as Kref));
      park(kref, null);
      return [first, second] as const;
    });
    expect(run(() => refusals.reject(kref, LOST, 3))).toBe(3);
    expect(answersOf([...answers, ...behind])).toEqual([
      LOST.body,
      ...[null, null, null, null],
    ]);
    expect(stateOf(kref)).toBe('unresolved');
    expect(run(() => refusals.reject(kref, LOST, 5))).toBe(5);
    expect(stateOf(kref)).toBe('unresolved');
    expect(run(() => refusals.reject(kref, LOST, 5))).toBe(1);
    expect(answersOf([kref, ...answers, ...behind])).toEqual(
      [1, 2, 3, 4, 5, 6].map(() => LOST.body),
    );
    expect(new Set([kref, ...answers, ...behind].map(stateOf))).toEqual(
      new Set(['rejected']),
    );
  });

  it('may be the answer to what is parked on it', () => {
    const { refusals, addAnswer, park, answersOf, run } = setScene();
    const [one, two] = run(() => {
      const made = [addAnswer(), addAnswer()] as const;
      park(made[0], made[1]);
      park(made[1], made[0]);
      return made;
    });
    expect(run(() => refusals.reject(one, LOST, 100))).toBe(4);
    expect(answersOf([one, two])).toEqual([LOST.body, LOST.body]);
  });

  it('stays as it is when it is settled already', () => {
    const { parts, refusals, add, answersOf, run } = setScene();
    const kref = run(() => add('p'));
    run(() => parts.promises.resolve(kref, false, { body: '#7', slots: [] }));
    expect(run(() => refusals.reject(kref, LOST, 3))).toBe(1);
    expect(answersOf([kref])).toEqual(['#7']);
  });
});

describe('items that are refused', () => {
  it('leave their inbox, so many at a time, and one whose answer takes longer stays until then', () => {
    const { parts, refusals, add, park, send, answersOf, waiting, run } =
      setScene();
    const [first, second] = run(() => {
      const kref = add('p');
      parts.inbox.addNotify(BOB, kref);
      send(BOB, undefined, null);
      const made = [send(BOB), send(BOB)] as const;
      [1, 2, 3].forEach(() => park(made[0]));
      return made;
    });
    const refuse = (limit: number) =>
      run(() => refusals.refuseItems(parts.inbox.items(BOB), LOST, limit));
    expect([refuse(0), waiting(BOB)]).toEqual([0, 4]);
    expect([refuse(2), waiting(BOB)]).toEqual([2, 2]);
    expect([refuse(2), waiting(BOB)]).toEqual([2, 2]);
    expect(answersOf([first, second])).toEqual([null, null]);
    expect([refuse(3), waiting(BOB)]).toEqual([3, 0]);
    expect(answersOf([first, second])).toEqual([LOST.body, LOST.body]);
  });
});

describe('a vat whose code can’t run', () => {
  const words = encodeError('Error', "vat v2 can't run: it throws").body;

  it('has its messages rejected, some at once, the rest in steps, its notifies kept', () => {
    const scene = setScene();
    const { parts, refusals, add, send, answersOf, change, run } = scene;
    const answers = run(() => {
      const made = [1, 2, 3, 4, 5, 6, 7].map(() => send(BOB));
      parts.inbox.addNotify(BOB, add('p'));
      return made;
    });
    run(() => {
      change(BOB, { failure: 'it throws' });
      refusals.fail(BOB);
    });
    expect([scene.waiting(BOB), refusals.isDone()]).toEqual([5, false]);
    expect(scene.stepAll(BOB)).toEqual([2, 1]);
    expect(answersOf(answers)).toEqual(answers.map(() => words));
  });

  it('leaves nothing to be done when little waits, or its row says that it runs', () => {
    const { refusals, send, change, waiting, run } = setScene();
    run(() => send(BOB));
    run(() => refusals.fail(BOB));
    expect([waiting(BOB), refusals.isDone()]).toEqual([1, true]);
    run(() => {
      change(BOB, { failure: 'it throws' });
      refusals.fail(BOB);
    });
    expect([waiting(BOB), refusals.isDone()]).toEqual([0, true]);
  });

  it('leaves nothing to be done when it is to run again and nothing waits, or when it has ended', () => {
    const { state, refusals, send, change, step, run } = setScene();
    run(() => change(BOB, { failure: 'it throws' }));
    run(() => refusals.unfail(BOB));
    expect(refusals.isDone()).toBe(true);
    run(() => {
      Array.from({ length: 10 }, () => send(BOB));
      refusals.fail(BOB);
    });
    run(() => state.vats.delete(BOB));
    step();
    expect(refusals.isDone()).toBe(true);
  });

  it('takes turns with others', () => {
    const { refusals, send, change, waiting, step, run } = setScene();
    run(() => {
      for (const vat of [BOB, CAROL]) {
        Array.from({ length: 10 }, () => send(vat));
        change(vat, { failure: 'it throws' });
        refusals.fail(vat);
      }
    });
    const seen = [1, 2, 3].map(() => {
      step();
      return [waiting(BOB), waiting(CAROL)];
    });
    expect(seen).toEqual([
      [4, 7],
      [4, 4],
      [1, 4],
    ]);
  });

  it('that runs again gets none that steps have begun to refuse, and all others', () => {
    const scene = setScene();
    const { refusals, send, park, answersOf, change, run } = scene;
    const answers = run(() => {
      const made = [send(BOB), send(BOB), send(BOB)];
      Array.from({ length: 7 }, () => park(made[0] as Kref));
      return made;
    });
    run(() => change(BOB, { failure: 'it throws' }));
    expect(refusals.isRefusing(BOB)).toBe(false);
    run(() => {
      refusals.unfail(BOB);
      change(BOB, { failure: null });
    });
    expect([scene.waiting(BOB), refusals.isRefusing(BOB)]).toEqual([3, true]);
    expect(scene.stepAll(BOB)).toEqual([3, 2]);
    expect(answersOf(answers)).toEqual([words, null, null]);
    run(() => refusals.unfail(BOB));
    expect([scene.waiting(BOB), refusals.isDone()]).toEqual([2, true]);
  });
});

describe('a message whose delivery is abandoned', () => {
  const tryIt = ({ parts, refusals, run }: ReturnType<typeof setScene>) => {
    const head = parts.inbox.head(BOB);
    run(() => head && refusals.countTry(head, 'it spins'));
  };

  it('is given up after three tries', () => {
    const scene = setScene();
    const { refusals, send, answersOf, waiting, run } = scene;
    const answers = run(() => [send(BOB), send(BOB)]);
    tryIt(scene);
    tryIt(scene);
    expect([waiting(BOB), refusals.isDone()]).toEqual([2, true]);
    tryIt(scene);
    expect([waiting(BOB), refusals.isDone()]).toEqual([1, true]);
    const { body } = encodeError('Error', 'given up after 3 tries: it spins');
    expect(answersOf(answers)).toEqual([body, null]);
  });

  it('is refused in steps when much waits for its answer, also in the next run', () => {
    const scene = setScene();
    const { parts, refusals, send, park, stateOf, run } = scene;
    const answer = run(() => {
      const made = send(BOB);
      Array.from({ length: 7 }, () => park(made));
      return made;
    });
    [1, 2, 3].forEach(() => tryIt(scene));
    expect([refusals.isRefusing(BOB), refusals.isRefusing(CAROL)]).toEqual([
      true,
      false,
    ]);
    expect(parts.inbox.length(answer)).toBe(4);
    refusals.restore();
    expect(refusals.isDone()).toBe(false);
    scene.stepAll(BOB);
    expect([stateOf(answer), scene.waiting(BOB)]).toEqual(['rejected', 0]);
    expect(parts.promises.get(answer).body).toBe(
      encodeError('Error', 'given up after 3 tries').body,
    );
  });

  it('is none when the crank that counted it is undone, nor a notify ever', () => {
    const { parts, refusals, add, send, park, run, step, stateOf } = setScene();
    const answer = run(() => {
      const made = send(BOB);
      Array.from({ length: 7 }, () => park(made));
      return made;
    });
    const head = parts.inbox.head(BOB);
    parts.rehearse(
      () => head && refusals.countTry({ ...head, tries: 2 }, 'it spins'),
    );
    step();
    expect([refusals.isDone(), stateOf(answer)]).toEqual([true, 'unresolved']);
    run(() => parts.inbox.addNotify(CAROL, add('p')));
    const notify = parts.inbox.head(CAROL);
    run(() => notify && refusals.countTry({ ...notify, tries: 9 }, 'x'));
    expect(parts.inbox.head(CAROL)?.tries).toBe(10);
    run(() => head && refusals.countTry({ ...head, tries: 2 }, 'it spins'));
    expect([BOB, CAROL, ALICE].map(refusals.isRefusing)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('is refused in the next run also when a notify, or a message, stands before it', () => {
    const scene = setScene();
    const { state, parts, refusals, add, send, park, change, run } = scene;
    const answer = run(() => {
      parts.inbox.addNotify(BOB, add('p'));
      const made = send(BOB);
      Array.from({ length: 7 }, () => park(made));
      change(BOB, { failure: 'it throws' });
      return made;
    });
    run(() => {
      refusals.unfail(BOB);
      change(BOB, { failure: null });
      const [late] = state.messages.firsts(BOB, 1);
      // As one that its sender's round has made late.
      state.queue.put({ ...Object(late), round: 1 });
      parts.inbox.deliverTo(BOB, {
        target: scene.rootOf(BOB),
        methargs: { body: '', slots: [] },
        result: null,
        sender: CAROL,
      });
    });
    expect(parts.inbox.items(BOB).map(({ tries }) => tries)).toEqual([
      0, 0, 1_000,
    ]);
    const next = makeRefusals(state, { ...parts, most: 3 });
    next.restore();
    while (!next.isDone()) {
      run(next.step);
    }
    expect([scene.stateOf(answer), scene.waiting(BOB)]).toEqual([
      'rejected',
      2,
    ]);
  });

  it('is told that its vat could not run when a new run finds it so', () => {
    const { refusals, send, park, change, run, stepAll, parts } = setScene();
    const answer = run(() => {
      const made = send(BOB);
      Array.from({ length: 7 }, () => park(made));
      return made;
    });
    run(() => change(BOB, { failure: 'it throws' }));
    run(() => {
      refusals.unfail(BOB);
      change(BOB, { failure: null });
    });
    refusals.restore();
    stepAll(BOB);
    expect(parts.promises.get(answer).body).toBe(
      encodeError('Error', 'its vat could not run').body,
    );
  });
});

describe('a vat that has lost objects', () => {
  it('gets no message for them, and those for others, which are found in steps', () => {
    const scene = setScene();
    const { state, refusals, add, send, answersOf, rootOf, run } = scene;
    const lost = run(() => add('o', BOB));
    const [toLost, kept, moved] = run(() => {
      const object = add('o', BOB);
      const gone = Array.from({ length: 5 }, () => send(BOB, lost));
      const stays = [send(BOB), send(BOB, object)];
      const goes = send(BOB, object);
      return [gone, stays.slice(0, 1), [stays[1], goes] as Kref[]] as const;
    });
    run(() => {
      for (const row of [...state.objects.values()]) {
        if (row.kref === lost) {
          state.objects.put({ ...row, owner: null });
        } else if (row.owner === BOB && row.kref !== rootOf(BOB)) {
          state.objects.put({ ...row, owner: CAROL });
        }
      }
      refusals.sift(BOB);
    });
    expect([scene.waiting(BOB), refusals.isSifting(BOB)]).toEqual([5, true]);
    expect(scene.stepAll(BOB)).toEqual([2, 1]);
    expect(scene.parts.inbox.items(CAROL).map(({ result }) => result)).toEqual(
      moved,
    );
    expect(refusals.isSifting(BOB)).toBe(false);
    const { body } = encodeError(
      'Error',
      `${lost} is gone: its vat has ended or lost it`,
    );
    expect(answersOf([...toLost, ...kept, ...moved])).toEqual([
      ...toLost.map(() => body),
      ...[null, null, null],
    ]);
  });

  it('keeps a message for one until all that waits for its answer has been rejected, in steps', () => {
    const scene = setScene();
    const { state, refusals, add, send, park, answersOf, run } = scene;
    const lost = run(() => add('o', BOB));
    const answers = run(() => {
      scene.parts.inbox.addNotify(BOB, add('p'));
      const answer = send(BOB, lost);
      return [answer, ...Array.from({ length: 7 }, () => park(answer))];
    });
    run(() => {
      const row = state.objects.get(lost);
      if (row) {
        state.objects.put({ ...row, owner: null });
      }
      refusals.sift(BOB);
    });
    const rejected = () => answersOf(answers).filter(body => body !== null);
    expect([scene.waiting(BOB), rejected().length]).toEqual([2, 3]);
    expect(scene.stepAll(BOB)).toEqual([2, 1]); // the notify stays
    expect(rejected()).toHaveLength(8);
  });

  it('has nothing sifted any more when all of it was looked at at once', () => {
    const { refusals, send, run, waiting } = setScene();
    run(() => Array.from({ length: 29 }, () => send(BOB)));
    run(() => refusals.sift(BOB));
    expect([refusals.isSifting(BOB), waiting(BOB)]).toEqual([false, 29]);
    run(() => [1, 2].forEach(() => send(BOB)));
    run(() => refusals.sift(BOB));
    expect(refusals.isSifting(BOB)).toBe(true);
  });

  it('is looked at on when what waited has gone meanwhile', () => {
    const { parts, refusals, send, run, step, stepAll } = setScene();
    run(() => Array.from({ length: 70 }, () => send(BOB)));
    run(() => refusals.sift(BOB));
    step();
    expect(refusals.isSifting(BOB)).toBe(true);
    run(() => parts.inbox.items(BOB).forEach(parts.inbox.remove));
    stepAll(BOB);
    expect(refusals.isSifting(BOB)).toBe(false);
  });

  it('is looked at anew in the next run, as each one for which messages wait', () => {
    const { refusals, send, change, run, stepAll, waiting } = setScene();
    refusals.restore();
    expect(refusals.isDone()).toBe(true);
    run(() => {
      send(BOB);
      send(CAROL);
      change(CAROL, { failure: 'it throws' });
    });
    refusals.restore();
    expect([refusals.isSifting(BOB), refusals.isSifting(ALICE)]).toEqual([
      true,
      false,
    ]);
    expect(stepAll(CAROL)).toEqual([0]);
    expect(waiting(BOB)).toBe(1);
  });
});
