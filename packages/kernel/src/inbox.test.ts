import { describe, expect, it } from 'vitest';
import {
  makeVatId,
  USUAL_BOUNDS,
  type EndpointId,
  type Kref,
  type Vref,
} from '@cooperage/protocol';
import { openMemoryKernelDb } from './adapters/memory.ts';
import { makeCrankParts } from './crank.ts';
import { makeState } from './store/state.ts';

const [ALICE, BOB, CAROL] = [makeVatId(1), makeVatId(2), makeVatId(3)];

/** Inboxes with two messages of a sender, or notifies, in a round; bob has an object. */
const setScene = () => {
  const state = makeState(openMemoryKernelDb());
  const arrivals: EndpointId[] = [];
  const parts = makeCrankParts(state, {
    bounds: {
      usual: USUAL_BOUNDS,
      mostUnits: Infinity,
      roundMessages: 2,
      notifiesTogether: 3,
    },
    onArrival: endpoint => arrivals.push(endpoint),
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
  const addPromise = (): Kref =>
    parts.run(() => {
      made += 1;
      return parts.clists.addExport(CAROL, `p+${made}` as Vref);
    });
  return {
    state,
    parts,
    arrivals,
    root,
    addPromise,
    send: (...senders: (EndpointId | null)[]) =>
      parts.run(() =>
        senders.forEach(sender =>
          parts.inbox.deliverTo(BOB, {
            target: root,
            methargs: { body: '', slots: [] },
            result: null,
            sender,
          }),
        ),
      ),
    notify: (...krefs: Kref[]) =>
      parts.run(() => krefs.forEach(kref => parts.inbox.addNotify(BOB, kref))),
    /** Who sent what waits for bob, in its order, with its round and its place in that. */
    rows: () =>
      parts.inbox
        .items(BOB)
        .map(({ kind, sender, round, nth }) =>
          [kind === 'notify' ? 'notify' : sender, round, nth].join(' '),
        ),
  };
};

describe('an inbox', () => {
  it('is worked off in rounds, in each of which a sender has so many messages, and notifies together have as many', () => {
    const { send, notify, rows, addPromise } = setScene();
    send(ALICE, ALICE, ALICE, ALICE, ALICE);
    send(CAROL);
    notify(addPromise(), addPromise(), addPromise());
    expect(rows()).toEqual([
      'v1 0 1',
      'v1 0 2',
      'v3 0 1',
      'notify 0 1',
      'notify 0 2',
      'v1 1 1',
      'v1 1 2',
      'notify 1 1',
      'v1 2 1',
    ]);
  });

  it('has who comes new join the round that is under way', () => {
    const { parts, send, rows } = setScene();
    send(ALICE, ALICE, ALICE);
    parts.run(() =>
      parts.inbox.items(BOB).slice(0, 2).forEach(parts.inbox.remove),
    );
    send(CAROL, ALICE);
    expect(rows()).toEqual(['v1 1 1', 'v3 1 1', 'v1 1 2']);
    parts.run(() => parts.inbox.items(BOB).forEach(parts.inbox.remove));
    send(CAROL);
    expect(rows()).toEqual(['v3 0 1']);
  });

  it('holds what its items name, and lets go of it with them', () => {
    const { parts, state, root, addPromise } = setScene();
    const [named, result, parkedOn] = [
      addPromise(),
      addPromise(),
      addPromise(),
    ];
    const methargs = { body: '', slots: [named] };
    const counts = () => [
      state.objects.get(root)?.reachable,
      ...[named, result, parkedOn].map(kref => parts.promises.get(kref).refs),
    ];
    expect(counts()).toEqual([1, 1, 1, 1]);
    parts.run(() => {
      parts.inbox.deliverTo(BOB, {
        target: root,
        methargs,
        result,
        sender: null,
      });
      parts.inbox.park({
        target: parkedOn,
        methargs,
        result: null,
        sender: ALICE,
      });
    });
    expect(counts()).toEqual([2, 3, 2, 1]);
    expect(parts.inbox.items(parkedOn)).toMatchObject([{ round: 0, nth: 0 }]);
    parts.run(() => {
      parts.inbox.items(BOB).forEach(parts.inbox.remove);
      parts.inbox.items(parkedOn).forEach(parts.inbox.remove);
    });
    expect(counts()).toEqual([1, 1, 1, 1]);
  });

  it('gives its first item, counts how often that was tried, and finds it by its number', () => {
    const { parts, send } = setScene();
    expect(parts.inbox.head(BOB)).toBe(undefined);
    send(ALICE, CAROL);
    const head = () => parts.inbox.head(BOB);
    expect([head()?.sender, head()?.tries, parts.inbox.length(BOB)]).toEqual([
      ALICE,
      0,
      2,
    ]);
    parts.run(() => {
      const item = head();
      if (item) {
        expect(parts.inbox.countTry(item).tries).toBe(1);
        expect(parts.inbox.get(item.position)?.tries).toBe(1);
        parts.inbox.giveUp(item, 7);
      }
    });
    expect([head()?.sender, head()?.tries]).toEqual([ALICE, 7]);
    expect(parts.inbox.get(99)).toBe(undefined);
  });

  it('tells an endpoint of a promise once, and not one that has ended', () => {
    const { parts, state, notify, addPromise, arrivals, rows } = setScene();
    const [kref, other] = [addPromise(), addPromise()];
    notify(kref, kref, other);
    expect(arrivals).toEqual([BOB, BOB]);
    expect(rows()).toHaveLength(2);
    expect(parts.inbox.hasNotify(BOB, kref)).toBe(true);
    parts.run(() => parts.inbox.removeNotifies(BOB, kref));
    expect([
      parts.inbox.hasNotify(BOB, kref),
      parts.inbox.hasNotify(BOB, other),
    ]).toEqual([false, true]);
    parts.run(() => {
      state.endings.put({ endpoint: BOB, reason: 'the test says so' });
      parts.inbox.addNotify(BOB, kref);
    });
    expect([rows().length, arrivals.length]).toEqual([1, 2]);
  });
});

describe('what is told together from the head of an inbox', () => {
  const setNotifies = (...lengths: number[]) => {
    const scene = setScene();
    const { parts, addPromise, notify } = scene;
    const krefs = lengths.map(length => {
      const kref = addPromise();
      notify(kref);
      if (length > 0) {
        parts.run(() =>
          parts.promises.resolve(kref, false, {
            body: 'x'.repeat(length),
            slots: [],
          }),
        );
      }
      return kref;
    });
    return { ...scene, krefs };
  };

  it('is as many promises as may be, up to the first message', () => {
    const { parts, send, krefs } = setNotifies(1, 1, 1, 1);
    expect(parts.inbox.notifiesAtHead(BOB)).toEqual(krefs.slice(0, 3));
    const other = setScene();
    other.notify(other.addPromise());
    other.send(ALICE);
    other.notify(other.addPromise());
    expect(other.parts.inbox.notifiesAtHead(BOB)).toHaveLength(1);
    send(ALICE);
    parts.run(() =>
      parts.inbox
        .items(BOB)
        .filter(({ kind }) => kind === 'notify')
        .forEach(parts.inbox.remove),
    );
    expect(parts.inbox.notifiesAtHead(BOB)).toEqual([]);
  });

  it('is what counts no more than may be told at once, or one that counts more', () => {
    const headOf = (...lengths: number[]): number =>
      setNotifies(...lengths).parts.inbox.notifiesAtHead(BOB).length;
    expect(headOf(50_000, 50_000)).toBe(2);
    expect(headOf(50_000, 50_001)).toBe(1);
    expect(headOf(100_001, 1)).toBe(1);
    expect(headOf(0, 0)).toBe(2);
  });
});
