import {
  isExportVref,
  isPromiseKref,
  isPromiseVref,
  isVatId,
  makeClusterId,
  makeExportVref,
  makeSessionId,
  makeVatId,
  ROOT_VREF,
  USUAL_BOUNDS,
  type CapData,
  type EndpointId,
  type SessionId,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import { makeMemoryImage, openMemoryKernelDb } from '../adapters/memory.ts';
import { makeCrankParts } from '../crank.ts';
import { EndpointFault } from '../faults.ts';
import { makeLives } from '../lives.ts';
import type { CListRow } from '../store/schema.ts';
import { makeState } from '../store/state.ts';
import { vatRowOf } from './vat-row.ts';

const INTERFACES = ['', '.Alleged: Purse', '.Alleged: Friend'];

/**
 * Tables without a kernel around them: three vats and a session, whose syscalls
 * and deliveries a list of numbers chooses. Whatever a step would do that is
 * illegal is undone, as a crank is.
 */
export const makeRandomTables = (numbers: readonly number[]) => {
  const state = makeState(openMemoryKernelDb(makeMemoryImage()));
  /** Whose messages were refused that want no answer, and why. */
  const refused: (readonly [EndpointId, string])[] = [];
  const parts = makeCrankParts(state, {
    bounds: {
      usual: { ...USUAL_BOUNDS, inboxMessages: 1_000, unitsPerMessage: 1e6 },
      mostUnits: Infinity,
      roundMessages: Infinity,
      notifiesTogether: 50,
    },
    onArrival: () => {},
    onExit: () => {},
    onRefused: (...refusal) => refused.push(refusal),
    clearedPerCrank: 3,
    afterCrank: () => {},
  });
  const lives = makeLives(state, parts, { now: () => 0, say: () => {} });
  const cluster = makeClusterId(1);
  const session = makeSessionId(1);
  let lastExport = 0;
  let used = 0;

  const choose = (below: number): number => {
    const number = numbers[used] ?? 0;
    used += 1;
    return number % below;
  };
  const pick = <Item>(items: readonly Item[]): Item | undefined =>
    items[choose(Math.max(1, items.length))];

  const addVat = (index: number): void => {
    const id = makeVatId(index);
    const root = parts.clists.addExport(id, ROOT_VREF);
    parts.refcounts.hold(root);
    const name = ['alice', 'bob', 'carol'][index - 1] ?? `vat${index}`;
    state.vats.put(vatRowOf(id, { cluster, name, root }));
  };
  parts.run(() => {
    state.clusters.put({
      id: cluster,
      name: 'demo',
      bootstrap: 'alice',
      services: [],
      bootstrapResult: null,
      bootstrapProblem: null,
    });
    state.sessions.put({ id: session, label: 'console' });
    [1, 2, 3].forEach(addVat);
    for (const { root } of state.vats.values()) {
      parts.clists.add(session, root, `o-${root.slice(2)}` as Vref);
    }
  });

  const endpoints = (): EndpointId[] => [
    ...[...state.vats.values()].map(({ id }) => id),
    ...(state.sessions.has(session) ? [session] : []),
  ];
  const rowsOf = (endpoint: EndpointId): CListRow[] =>
    state.clistByEndpoint.values(endpoint);

  const fresh = (kind: 'object' | 'promise'): Vref => {
    lastExport += 1;
    return makeExportVref(kind, lastExport);
  };
  const known = (endpoint: EndpointId): Vref | undefined =>
    pick(rowsOf(endpoint))?.vref;
  const someData = (endpoint: EndpointId): CapData => {
    const slots = new Set<Vref>();
    for (let count = choose(4); count > 0; count -= 1) {
      const kind = choose(2) ? 'object' : 'promise';
      const slot = choose(3) ? known(endpoint) : fresh(kind);
      if (slot !== undefined) {
        slots.add(slot);
      }
    }
    const mentions = [...slots].map((vref, index) =>
      isPromiseVref(vref)
        ? `&${index}`
        : `$${index}${INTERFACES[choose(INTERFACES.length)]}`,
    );
    return { body: `#${JSON.stringify(mentions)}`, slots: [...slots] };
  };

  const resolveSome = (endpoint: EndpointId): void => {
    const decided = rowsOf(endpoint).filter(
      ({ kref }) => state.promises.get(kref)?.decider === endpoint,
    );
    const row = pick(decided);
    const other = pick(decided);
    if (row && other && row !== other && choose(2)) {
      // To each other: once everybody has been told, they alone hold each other.
      const dataOf = (slot: Vref): CapData => ({
        body: '#["&0"]',
        slots: [slot],
      });
      parts.applySyscall(endpoint, [
        'resolve',
        [
          [row.vref, false, dataOf(other.vref)],
          [other.vref, false, dataOf(row.vref)],
        ],
      ]);
    } else if (row) {
      const data = someData(endpoint);
      parts.applySyscall(endpoint, [
        'resolve',
        [[row.vref, choose(4) === 0, data]],
      ]);
    }
  };
  const forgetSome = (endpoint: EndpointId): void => {
    const row = pick(rowsOf(endpoint));
    if (!row || isPromiseKref(row.kref)) {
      return;
    }
    if (isExportVref(row.vref)) {
      const word = choose(2) ? 'abandonExports' : 'retireExports';
      parts.applySyscall(endpoint, [word, [row.vref]]);
    } else {
      const word = row.reachable ? 'dropImports' : 'retireImports';
      parts.applySyscall(endpoint, [word, [row.vref]]);
    }
  };
  const deliver = (endpoint: EndpointId): void => {
    const item = parts.inbox.head(endpoint);
    const flight = item && parts.flights.prepare(endpoint, item);
    if (flight) {
      if (!isVatId(endpoint)) {
        for (const kref of flight.retired) {
          const vref =
            flight.additions.get(kref) ??
            state.clists.get(endpoint, kref)?.vref;
          if (vref && !state.retiring.has(session, vref)) {
            parts.refcounts.hold(kref);
            state.retiring.put({ session, vref, kref, delivery: used });
          }
        }
      }
      parts.flights.land(flight);
    } else if (item) {
      parts.inbox.remove(item);
    }
  };
  const tellOfGarbage = (endpoint: EndpointId): void => {
    const action = parts.actions.next(endpoint, 10);
    if (action) {
      parts.flights.land(parts.flights.tell(endpoint, action));
    }
  };
  const forget = (name: string | undefined): void => {
    const row = name === undefined ? undefined : state.home.get(name);
    if (row) {
      state.home.delete(row.name);
      parts.refcounts.release(row.kref);
    }
  };
  const keepSome = (): void => {
    // Only what somebody holds can be kept: its exporter has it still.
    const row = pick(
      [...state.objects.values()].filter(each => each.owner && each.reachable),
    );
    const name = `name${choose(3)}`;
    if (row && !state.home.has(name)) {
      state.home.put({ name, kref: row.kref });
      parts.refcounts.hold(row.kref);
    }
  };
  const clearSome = (): void => {
    parts.endings.step();
    parts.losses.step();
    parts.promises.step();
    parts.worklist.step();
  };
  const clearAll = (): void => {
    while (
      state.endings.size > 0 ||
      !parts.losses.isDone() ||
      !parts.promises.isDone() ||
      !parts.worklist.isDone()
    ) {
      parts.run(clearSome);
    }
  };
  const endSome = (endpoint: EndpointId): void => {
    if (isVatId(endpoint)) {
      lives.endVats([endpoint], 'the test says so');
    } else {
      lives.endSessions([endpoint as SessionId], 'the test says so');
    }
  };

  /** Some have another at once, as after an upgrade. */
  const loseHeap = (vat: VatId): void => {
    lives.loseHeap(vat, 'the test says so');
    const row = state.vats.get(vat);
    if (row && choose(2)) {
      state.vats.put({ ...row, asleep: 0 });
    }
  };

  const send = (endpoint: EndpointId): void => {
    const target = known(endpoint);
    if (target !== undefined) {
      const methargs = someData(endpoint);
      const result = choose(2) ? fresh('promise') : null;
      parts.applySyscall(endpoint, ['send', target, { methargs, result }]);
    }
  };
  const subscribe = (endpoint: EndpointId): void => {
    const vref = known(endpoint);
    if (vref !== undefined && isPromiseVref(vref)) {
      parts.applySyscall(endpoint, ['subscribe', vref]);
    }
  };

  const act = (endpoint: EndpointId): void => {
    const number = choose(46);
    const deeds: readonly (readonly [number, (of: EndpointId) => void])[] = [
      [10, send],
      [20, deliver],
      [27, resolveSome],
      [32, forgetSome],
      [34, subscribe],
      [36, keepSome],
      [38, () => forget(pick([...state.home.values()])?.name)],
      [39, of => isVatId(of) && loseHeap(of)],
      [40, endSome],
      [44, tellOfGarbage],
      [46, clearSome],
    ];
    deeds.find(([below]) => number < below)?.[1](endpoint);
  };

  /** What `work` gives in the tables as it makes them, which are then as they were. */
  const rehearse = <Result>(work: () => Result): Result => {
    state.store.begin();
    parts.promises.beginCrank();
    try {
      return work();
    } finally {
      state.store.undo();
    }
  };

  return {
    state,
    parts: { ...parts, rehearse },
    refused,
    endpoints,
    forget: (name: string): void => parts.run(() => forget(name)),
    /** To its last row; also one that has ended already, in part. */
    endEndpoint: (endpoint: EndpointId): void => {
      if (!state.endings.has(endpoint)) {
        parts.run(() => endSome(endpoint));
      }
      clearAll();
    },
    /** What those who have ended have left goes. */
    clearAll,
    hasMore: (): boolean => used < numbers.length,
    /** One crank; false when it was illegal and is undone. */
    step: (): boolean => {
      const endpoint = pick(
        endpoints().filter(
          each => !isVatId(each) || !parts.losses.isUnderWay(each),
        ),
      );
      if (endpoint === undefined) {
        used = numbers.length;
        return false;
      }
      try {
        parts.run(() => act(endpoint));
        return true;
      } catch (problem) {
        if (!(problem instanceof EndpointFault)) {
          throw problem;
        }
        return false;
      }
    },
  };
};

export type RandomTables = ReturnType<typeof makeRandomTables>;
