import { describe, expect, it } from 'vitest';
import {
  makeVatId,
  USUAL_BOUNDS,
  type CapData,
  type EndpointId,
  type Kref,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { openMemoryKernelDb } from './adapters/memory.ts';
import { makeCrankParts } from './crank.ts';
import { makeState } from './store/state.ts';
import type { Exit } from './syscalls.ts';

const ALICE = makeVatId(1);
const BOB = makeVatId(2);
const vref = (text: string): Vref => text as Vref;
const EMPTY: CapData = { body: '#[]', slots: [] };

const setScene = () => {
  const state = makeState(openMemoryKernelDb());
  const arrivals: EndpointId[] = [];
  const exits: (readonly [EndpointId, Exit])[] = [];
  let cranks = 0;
  const parts = makeCrankParts(state, {
    bounds: {
      usual: { ...USUAL_BOUNDS, inboxMessages: 2, unitsPerMessage: 1e6 },
      mostUnits: Infinity,
      roundMessages: 1,
      notifiesTogether: 1,
    },
    onArrival: endpoint => arrivals.push(endpoint),
    onExit: (endpoint, exit) => exits.push([endpoint, exit]),
    clearedPerCrank: 200,
    afterCrank: () => {
      expect(state.store.open).toBe(false);
      cranks += 1;
    },
  });
  return { state, parts, arrivals, exits, cranks: () => cranks };
};

describe('a crank', () => {
  it('gives what its work gives, is kept, and is told of', () => {
    const { state, parts, cranks } = setScene();
    const kref = parts.run(() => {
      const made = parts.clists.addExport(ALICE, vref('o+1'));
      parts.refcounts.hold(made);
      return made;
    });
    expect(state.objects.get(kref)?.reachable).toBe(1);
    expect(state.store.open).toBe(false);
    expect(cranks()).toBe(1);
  });

  it('that throws leaves the tables as they were, is not told of, and the next one goes on', () => {
    const { state, parts, cranks } = setScene();
    expect(() =>
      parts.run(() => {
        parts.clists.addExport(ALICE, vref('o+1'));
        throw Error('no');
      }),
    ).toThrow('no');
    expect([state.objects.size, state.clists.size, cranks()]).toEqual([
      0, 0, 0,
    ]);
    parts.run(() => {});
    expect(cranks()).toBe(1);
  });

  it('ends with what nobody holds gone', () => {
    const { state, parts } = setScene();
    const kref = parts.run(() => {
      const made = parts.clists.addExport(ALICE, vref('p+1'));
      parts.refcounts.hold(made);
      return made;
    });
    parts.run(() => {
      parts.promises.resolve(kref, false, { body: '#0', slots: [] });
      parts.refcounts.release(kref);
      const row = state.clists.get(ALICE, kref);
      if (row) {
        parts.clists.remove(row);
      }
    });
    expect(state.promises.size).toBe(0);
  });

  it('that settles a promise passes on what was parked on it, or rejects its answer', () => {
    const { state, parts } = setScene();
    const [object, promise, answer] = parts.run(() => {
      const made = ['o+0', 'p+1', 'p+2'].map(name =>
        parts.clists.addExport(BOB, vref(name)),
      ) as [Kref, Kref, Kref];
      parts.refcounts.hold(made[0]);
      parts.promises.setDecider(made[2], null);
      const methargs = { body: '', slots: [] };
      parts.route({ target: made[1], methargs, result: null, sender: ALICE });
      parts.route({ target: made[1], methargs, result: made[2], sender: BOB });
      return made;
    });
    expect(state.queueByName.count(promise)).toBe(2);
    expect(() =>
      parts.run(() => {
        parts.promises.resolve(promise, false, {
          body: '#"$0"',
          slots: [object],
        });
        const targets = state.queueByName.values(BOB).map(row => row.target);
        throw Error(`undone: ${targets.join()}`);
      }),
    ).toThrow(`undone: ${object},${object}`);
    parts.run(() =>
      parts.promises.resolve(promise, false, { body: '#7', slots: [] }),
    );
    expect(state.queueByName.groups()).toEqual([]);
    expect(parts.promises.get(answer).state).toBe('rejected');
  });

  it('says which rule a syscall breaks, and with which reference', () => {
    const { parts } = setScene();
    parts.run(() => {
      const [root, promise] = ['o+0', 'p+1'].map(name =>
        parts.clists.addExport(BOB, vref(name)),
      ) as [Kref, Kref];
      parts.clists.add(ALICE, root, vref('o-1'));
      parts.clists.add(ALICE, promise, vref('p-2'));
      for (const name of ['o+0', 'o+5', 'p+7']) {
        parts.refcounts.hold(parts.clists.addExport(ALICE, vref(name)));
      }
    });
    const send = (target: string, result: string): Syscall => [
      'send',
      vref(target),
      { methargs: EMPTY, result: vref(result) },
    ];
    const resolve = (
      name: string,
      body: string,
      ...slots: string[]
    ): Syscall => [
      'resolve',
      [[vref(name), false, { body, slots: slots.map(vref) }]],
    ];
    const faults: readonly (readonly [Syscall, string])[] = [
      [['subscribe', vref('o-1')], 'o-1 is no promise'],
      [resolve('p-2', '#7'), 'v1 is not the decider of p-2'],
      [resolve('p+7', '#"&0"', 'p+7'), "p+7 can't be resolved to itself"],
      [send('p+7', 'p+7'), 'p+7 would wait for its own answer'],
      [['dropImports', [vref('o-9')]], 'v1 has no object o-9'],
      [
        ['dropImports', [vref('o+5')]],
        "v1 can't drop o+5: it does not hold it",
      ],
      [
        ['retireImports', [vref('o-1')]],
        "v1 can't retire o-1: it must drop it first",
      ],
      [
        ['retireExports', [vref('o+5')]],
        "v1 can't retire o+5: it is still reachable",
      ],
      [
        ['abandonExports', [vref('o+0')]],
        "v1 can't give up o+0: it is its root or no export",
      ],
      [['forgetPromises', [vref('p-9')]], 'v1 has no p-9 in its c-list'],
      [
        ['forgetPromises', [vref('p+7')]],
        "v1 can't forget p+7, which it decides",
      ],
    ];
    for (const [syscall, words] of faults) {
      expect(() => parts.run(() => parts.applySyscall(ALICE, syscall))).toThrow(
        words,
      );
    }
    parts.run(() => parts.applySyscall(ALICE, ['dropImports', [vref('o-1')]]));
    expect(() =>
      parts.run(() => parts.applySyscall(ALICE, send('o-1', 'p+8'))),
    ).toThrow("o-1 was dropped by v1 and can't be used");
  });

  it('takes what an export alleges to be, an answer that is a promise, and promises that are forgotten', () => {
    const { parts, state } = setScene();
    const answer = (vref: Vref, body: string, slot: string): Syscall => [
      'resolve',
      [[vref, false, { body, slots: [slot as Vref] }]],
    ];
    const say = (...syscalls: Syscall[]) =>
      parts.run(() =>
        syscalls.forEach(syscall => parts.applySyscall(ALICE, syscall)),
      );
    const [others, left] = parts.run(() => {
      const made = ['p+1', 'p+2'].map(name =>
        parts.clists.addExport(BOB, vref(name)),
      ) as [Kref, Kref];
      made.forEach((kref, nth) =>
        parts.clists.add(ALICE, kref, vref(`p-${nth + 1}`)),
      );
      const own = ['p+3', 'p+4'].map(name =>
        parts.clists.addExport(ALICE, vref(name)),
      );
      own.forEach(parts.refcounts.hold);
      return made;
    });
    say(
      answer(vref('p+3'), '#"&0"', 'p-1'),
      answer(vref('p+4'), '#"$0.Alleged: Purse"', 'o+5'),
      ['subscribe', vref('p-2')],
    );
    expect([...state.objects.values()].map(({ iface }) => iface)).toEqual([
      'Purse',
    ]);
    expect(parts.promises.get(others).refs).toBe(3);
    expect(parts.promises.get(left).subscribers).toEqual([ALICE]);
    say(['forgetPromises', [vref('p-2')]]);
    expect(parts.promises.get(left).subscribers).toEqual([]);
    expect(state.clists.has(ALICE, left)).toBe(false);
  });

  it('tells where a message arrives and who wants to end, and keeps the bounds of inboxes', () => {
    const { parts, arrivals, exits, state } = setScene();
    const bobs = parts.run(() => {
      const made = parts.clists.addExport(BOB, vref('o+0'));
      parts.clists.add(ALICE, made, vref('o-1'));
      return made;
    });
    for (let nth = 0; nth < 3; nth += 1) {
      parts.run(() =>
        parts.applySyscall(ALICE, [
          'send',
          vref('o-1'),
          { methargs: EMPTY, result: null },
        ]),
      );
    }
    parts.run(() =>
      parts.route({
        target: bobs,
        methargs: { body: '', slots: [] },
        result: null,
        sender: null,
      }),
    );
    expect(state.queueByName.values(BOB).map(row => row.sender)).toEqual([
      ALICE,
      null,
    ]);
    expect(arrivals).toEqual([BOB, BOB]);
    parts.run(() => parts.applySyscall(ALICE, ['exit', true, EMPTY]));
    expect(exits).toEqual([[ALICE, { isRejected: true, data: EMPTY }]]);
  });
});
