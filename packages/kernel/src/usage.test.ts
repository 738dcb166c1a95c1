import { describe, expect, it } from 'vitest';
import {
  makeClusterId,
  makeServiceId,
  makeSessionId,
  makeVatId,
  USUAL_BOUNDS,
  type CapData,
  type ClusterId,
  type EndpointId,
  type Kref,
  type VatBounds,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import { openMemoryKernelDb } from './adapters/memory.ts';
import { makeCrankParts } from './crank.ts';
import { makeState } from './store/state.ts';
import { makeRandomTables } from './testing/random-tables.ts';

const [ALICE, BOB, CAROL] = [makeVatId(1), makeVatId(2), makeVatId(3)];
const TIMER = makeServiceId('timer');
/** What a message counts beyond its text. */
const ROW = 200;

const dataOf = (units: number): CapData<Kref> => ({
  body: 'x'.repeat(units),
  slots: [],
});

const setScene = (
  bounds: Partial<VatBounds> = {},
  { mostUnits = Infinity }: { mostUnits?: number } = {},
) => {
  const state = makeState(openMemoryKernelDb());
  const parts = makeCrankParts(state, {
    bounds: {
      usual: { ...USUAL_BOUNDS, ...bounds },
      mostUnits,
      roundMessages: Infinity,
      notifiesTogether: 50,
    },
    onArrival: () => {},
    onExit: () => {},
    clearedPerCrank: 200,
    afterCrank: () => {},
  });
  const root = parts.run(() => {
    const kref = parts.clists.addExport(BOB, 'o+0' as Vref);
    parts.refcounts.hold(kref);
    return kref;
  });
  let made = 0;
  const addPromise = (maker: EndpointId = ALICE): Kref =>
    parts.run(() => {
      made += 1;
      const kref = parts.clists.addExport(maker, `p+${made}` as Vref);
      parts.refcounts.hold(kref);
      return kref;
    });
  const messageOf = (sender: EndpointId | null, units: number) => ({
    target: root,
    methargs: dataOf(units),
    result: null,
    sender,
  });
  return {
    state,
    parts,
    usage: parts.usage,
    root,
    addPromise,
    /** Bounds of that vat's own. */
    limit: (vat: VatId, limits: Partial<VatBounds>, storeBytes?: number) =>
      parts.run(() => {
        const row = makeRandomTables([]).state.vats.get(vat);
        if (row) {
          state.vats.put({ ...row, limits, storeBytes: storeBytes ?? null });
        }
      }),
    queue: (sender: EndpointId | null, units: number, times = 1): void =>
      parts.run(() => {
        for (let nth = 0; nth < times; nth += 1) {
          parts.inbox.deliverTo(BOB, messageOf(sender, units));
        }
      }),
    /** Why bob's inbox does not take that, if it does not. */
    problem: (sender: EndpointId | null, units = 0): string | undefined =>
      parts.usage.problemOfMessage(BOB, messageOf(sender, units)),
    /** The endpoint has been told of its promise, which others hold. */
    leave: (endpoint: EndpointId, kref: Kref): void =>
      parts.run(() => {
        const entry = parts.clists.entry(endpoint, kref);
        if (entry) {
          parts.clists.remove(entry);
        }
      }),
    serve: (
      endpoint: EndpointId | null,
      units: number,
      cluster: ClusterId | null = null,
    ): void =>
      parts.run(() => {
        made += 1;
        const kref = `ko${900 + made}` as Kref;
        const row = { kref, kind: 'x', data: '', maker: endpoint, units };
        state.serviceObjects.put({ ...row, cluster });
      }),
    /** An alias of bob's root, which somebody has asked for. */
    addAlias: (maker: EndpointId, cluster: ClusterId | null = null): void =>
      parts.run(() => {
        made += 1;
        const kref = `ko${900 + made}` as Kref;
        state.aliases.put({ kref, target: root, depth: 1, maker, cluster });
      }),
  };
};

describe('an inbox', () => {
  it('takes so many messages, of one sender half of them', () => {
    const { queue, problem, usage } = setScene({ inboxMessages: 4 });
    queue(ALICE, 0);
    expect(problem(ALICE)).toBe(undefined);
    queue(ALICE, 0);
    expect(problem(ALICE)).toBe(
      '2 messages of v1 wait for v2, and no more may',
    );
    expect([problem(CAROL), problem(null)]).toEqual([undefined, undefined]);
    queue(CAROL, 0);
    queue(null, 0);
    for (const sender of [CAROL, null]) {
      expect(problem(sender)).toBe('4 messages wait for v2, and no more may');
    }
    expect(usage.problemOfMore(BOB, ALICE)).toBe(problem(ALICE));
  });

  it('takes messages of a bounded length', () => {
    const { problem, limit } = setScene({ unitsPerMessage: 10 });
    expect(problem(ALICE, 10)).toBe(undefined);
    expect(problem(ALICE, 11)).toBe('the message has 11 units, more than 10');
    limit(ALICE, { unitsPerMessage: 9 });
    expect(problem(ALICE, 10)).toBe('the message has 10 units, more than 9');
    limit(ALICE, { unitsPerMessage: 11 });
    expect(problem(ALICE, 11)).toBe('the message has 11 units, more than 10');
  });

  it('takes messages that count so much together, of one sender half of it', () => {
    const inboxUnits = 10 * ROW;
    const { queue, problem, limit } = setScene({ inboxUnits });
    queue(ALICE, 0, 5);
    expect(problem(ALICE)).toBe(
      'the messages of v1 would count 1200 units, more than half of the 2000 that may wait for v2',
    );
    expect(problem(CAROL, 4 * ROW)).toBe(undefined);
    expect(problem(CAROL, 4 * ROW + 1)).toBe(
      'the messages that wait for v2 would count 2001 units, more than 2000',
    );
    expect(problem(TIMER, 4 * ROW + 1)).toBe(undefined);
    expect(problem(null, 4 * ROW + 1)).toBe(undefined);
    limit(BOB, { inboxUnits: 20 * ROW });
    expect(problem(ALICE)).toBe(undefined);
  });

  it('takes of one sender who has much elsewhere what leaves half of it free', () => {
    const { parts, addPromise, limit, queue, problem } = setScene();
    const target = addPromise();
    const message = { methargs: dataOf(0), result: null, sender: ALICE };
    parts.run(() => {
      for (let nth = 0; nth < 6; nth += 1) {
        parts.inbox.park({ target, ...message });
      }
    });
    limit(BOB, { inboxUnits: 10 * ROW });
    queue(CAROL, 0, 4);
    expect(problem(ALICE)).toBe(undefined);
    expect(problem(ALICE, 1)).toContain('more than half of the 2000');
  });

  it('takes of one sender what it may have wherever it waits', () => {
    const { queue, problem } = setScene({ sentUnits: 2 * ROW });
    queue(ALICE, 0);
    expect(problem(ALICE)).toBe(undefined);
    expect(problem(ALICE, 1)).toBe(
      'the messages of v1 that wait would count 401 units, more than 400',
    );
  });
});

describe('when all is full', () => {
  it('who has a small part of it may go on, and others not', () => {
    const { queue, problem } = setScene({}, { mostUnits: 256 * ROW });
    queue(CAROL, 0);
    queue(ALICE, 0, 255);
    expect(problem(ALICE)).toBe(undefined);
    queue(ALICE, 0);
    expect([problem(CAROL), problem(ALICE)]).toEqual([
      undefined,
      'all that waits in the kernel counts more than 51200 units, of which v1 has 51200',
    ]);
  });

  it('all is messages, answers, also those that others hold, and objects of services', () => {
    const mostUnits = 1_000;
    const fill = (
      work: (scene: ReturnType<typeof setScene>) => void,
    ): string | undefined => {
      const scene = setScene({}, { mostUnits });
      const kref = scene.addPromise();
      work(scene);
      return scene.usage.problemOfAnswer(
        scene.parts.promises.get(kref),
        dataOf(0),
      );
    };
    const answer =
      (units: number, isLeft: boolean) =>
      ({ parts, addPromise, leave }: ReturnType<typeof setScene>): void => {
        const kref = addPromise();
        parts.run(() => parts.promises.resolve(kref, false, dataOf(units)));
        if (isLeft) {
          leave(ALICE, kref);
        }
      };
    const words =
      'all that waits in the kernel counts more than 1000 units, of which v1 has 1001';
    expect(fill(answer(1_000, false))).toBe(undefined);
    expect(fill(answer(1_001, false))).toBe(words);
    expect(fill(answer(1_001, true))).toBe(words);
    expect(fill(({ queue }) => queue(ALICE, 801))).toBe(words);
    expect(
      fill(scene => {
        answer(500, false)(scene);
        scene.serve(CAROL, 501);
      }),
    ).toBe(words.replace('has 1001', 'has 500'));
    expect(
      fill(scene => {
        answer(801, false)(scene);
        scene.addAlias(CAROL);
      }),
    ).toBe(words.replace('has 1001', 'has 801'));
  });
});

describe('an answer', () => {
  it('counts for the one who made the promise until that one was told, and then for both', () => {
    const { parts, usage, addPromise, leave } = setScene({ promiseUnits: 100 });
    const [first, second, third] = [addPromise(), addPromise(), addPromise()];
    const problem = (kref: Kref, units: number) =>
      usage.problemOfAnswer(parts.promises.get(kref), dataOf(units));
    parts.run(() => parts.promises.resolve(first, false, dataOf(60)));
    expect(problem(second, 40)).toBe(undefined);
    expect(problem(second, 41)).toBe(
      'the answers to promises of v1 would count 101 units, more than 100',
    );
    leave(ALICE, first);
    expect(problem(second, 41)).toBe(
      'the answers of v1 to promises of v1 that others hold would count 101 units, more than 100',
    );
    leave(ALICE, third);
    parts.run(() => parts.promises.setDecider(third, null));
    expect(problem(third, 100)).toBe(undefined);
    expect(problem(third, 101)).toBe(
      'the answers of the kernel to promises of v1 that others hold would count 101 units, more than 100',
    );
    parts.run(() => parts.promises.setDecider(third, BOB));
    expect(problem(third, 101)).toContain('the answers of v2 to promises');
  });

  it('of a promise that nobody made counts for nobody, but is not too long', () => {
    const { parts, usage, addPromise, state } = setScene({
      promiseUnits: 5,
      unitsPerMessage: 10,
    });
    const kref = addPromise();
    parts.run(() => {
      state.promises.put({ ...parts.promises.get(kref), maker: null });
    });
    const problem = (units: number) =>
      usage.problemOfAnswer(parts.promises.get(kref), dataOf(units));
    expect(problem(10)).toBe(undefined);
    expect(problem(11)).toBe('the answer has 11 units, more than 10');
  });
});

describe('an endpoint', () => {
  it('exports so many references, and makes so many promises', () => {
    const { usage, addPromise, parts } = setScene({ references: 2 });
    addPromise();
    usage.insistReference(ALICE);
    addPromise();
    expect(() => usage.insistReference(ALICE)).toThrow(
      'v1 exports 2 references, and no more may be',
    );
    usage.insistReference(BOB);
    const other = setScene({ promises: 1 });
    other.usage.insistPromise(ALICE);
    other.addPromise();
    expect(() => other.usage.insistPromise(ALICE)).toThrow(
      'v1 has made 1 promises that it has not been told of, and may have no more',
    );
    expect(() =>
      parts.run(() => parts.clists.addExport(ALICE, 'o+9' as Vref)),
    ).toThrow('v1 exports 2 references');
  });

  it('has objects of services made that count so much; the kernel has no bound', () => {
    const { usage, limit, serve } = setScene({ serviceUnits: 500 });
    limit(ALICE, {});
    serve(ALICE, 500);
    serve(null, 10_000);
    expect([usage.servedTo(ALICE), usage.servedTo(null)]).toEqual([500, 0]);
    expect([usage.problemOfServed(ALICE), usage.problemOfServed(null)]).toEqual(
      [undefined, undefined],
    );
    serve(ALICE, 1);
    expect(usage.problemOfServed(ALICE)).toBe(
      'the objects that services have made for v1 would count 501 units, more than 500: let go of some',
    );
  });

  it('has aliases among its objects of services', () => {
    const { usage, limit, serve, addAlias } = setScene({ serviceUnits: 500 });
    limit(ALICE, {});
    addAlias(ALICE);
    serve(ALICE, 300);
    expect([usage.servedTo(ALICE), usage.servedTo(BOB)]).toEqual([500, 0]);
    expect(usage.problemOfServed(ALICE)).toBe(undefined);
    addAlias(ALICE);
    expect(usage.problemOfServed(ALICE)).toContain('would count 700 units');
  });

  it('has objects of services made while the vats of its cluster have few, those that have ended too', () => {
    const { usage, limit, serve, addAlias } = setScene({ serviceUnits: 500 });
    const demo = makeClusterId(1);
    limit(BOB, {});
    serve(ALICE, 7_600, demo);
    serve(ALICE, 10_000, makeClusterId(2));
    addAlias(ALICE, demo);
    addAlias(CAROL, demo);
    expect(usage.problemOfServed(BOB)).toBe(undefined);
    serve(CAROL, 1, demo);
    expect(usage.problemOfServed(BOB)).toBe(
      'the objects that services have made for the vats of c1, those that have ended too, would count 8001 units, more than 8000: let go of some',
    );
  });

  it('has as many made as its config lets it have, also where that is more than a cluster has usually', () => {
    const { usage, limit, serve } = setScene({ serviceUnits: 500 });
    const demo = makeClusterId(1);
    limit(ALICE, { serviceUnits: 20_000 });
    limit(BOB, {});
    serve(ALICE, 20_000, demo);
    expect(usage.problemOfServed(ALICE)).toBe(undefined);
    expect(usage.problemOfServed(BOB)).toContain('more than 8000');
    serve(CAROL, 1, demo);
    expect(usage.problemOfServed(ALICE)).toContain('more than 20000');
  });

  it('has none made when it has ended, if it was a vat', () => {
    const { usage } = setScene();
    expect([ALICE, makeSessionId(1)].map(usage.problemOfServed)).toEqual([
      'v1 has ended, and nothing more is made for it',
      undefined,
    ]);
  });

  it('has objects of services made while the kernel has room', () => {
    const { usage, limit, serve } = setScene({}, { mostUnits: 400 });
    limit(ALICE, {});
    serve(ALICE, 401);
    expect(usage.problemOfServed(ALICE)).toBe(
      'all that waits in the kernel counts more than 400 units, of which v1 has 401',
    );
  });

  it('is told what it may have and what it has', () => {
    const { usage, limit, queue, addPromise, serve, parts } = setScene({
      references: 77,
    });
    expect(usage.allowed(ALICE)).toEqual({ ...USUAL_BOUNDS, references: 77 });
    limit(ALICE, { promises: 5 }, 123_456);
    expect(usage.allowed(ALICE)).toEqual({
      ...USUAL_BOUNDS,
      references: 77,
      promises: 5,
      storeBytes: 123_456,
    });
    expect([
      usage.mostOf(ALICE, 'promises'),
      usage.mostOf(BOB, 'promises'),
      usage.mostOf(null, 'references'),
    ]).toEqual([5, USUAL_BOUNDS.promises, 77]);
    queue(ALICE, 7);
    const kref = addPromise();
    parts.run(() => parts.promises.resolve(kref, false, dataOf(9)));
    serve(ALICE, 300);
    const nothing = {
      inboxMessages: 0,
      inboxUnits: 0,
      sentUnits: 0,
      promises: 0,
      promiseUnits: 0,
      references: 0,
      serviceUnits: 0,
      storeBytes: 8,
    };
    expect(usage.used(ALICE, 8)).toEqual({
      ...nothing,
      sentUnits: ROW + 7,
      promises: 1,
      promiseUnits: 9,
      references: 1,
      serviceUnits: 300,
    });
    expect(usage.used(BOB, 8)).toEqual({
      ...nothing,
      inboxMessages: 1,
      inboxUnits: ROW + 7,
      references: 1,
    });
    expect(usage.mostTogether).toEqual({
      units: USUAL_BOUNDS.unitsPerMessage,
      names: USUAL_BOUNDS.slotsPerMessage,
    });
  });
});
