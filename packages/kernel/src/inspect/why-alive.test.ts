import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isExportVref,
  isPromiseKref,
  isSessionId,
  type EndpointId,
  type Holder,
  type HoldLink,
  type Kref,
  type Life,
} from '@cooperage/protocol';
import { slotsHeldBy } from '../gc/refcounts.ts';
import type { State } from '../store/state.ts';
import {
  makeRandomTables,
  type RandomTables,
} from '../testing/random-tables.ts';
import { findInconsistencies } from '../testing/recount.ts';
import { reportCycles } from './cycles.ts';
import { makeHolders } from './holders.ts';
import { makeMentions } from './mentions.ts';
import { findLife } from './why-alive.ts';

/** Long enough that every second program comes to each state that there is. */
const numbers = fc.array(fc.nat(1_000_000), {
  minLength: 400,
  maxLength: 800,
});

const allKrefs = (state: State): Kref[] => [
  ...[...state.objects.values()].map(({ kref }) => kref),
  ...[...state.promises.values()].map(({ kref }) => kref),
];

/** What is held, found the other way round: forward from the roots. */
const markHeld = (state: State): Set<Kref> => {
  const held = new Set<Kref>();
  const parked: (readonly [Kref, Kref])[] = [];
  for (const { kref } of [...state.home.values(), ...state.retiring.values()]) {
    held.add(kref);
  }
  for (const { root, parametersSlots } of state.vats.values()) {
    [root, ...parametersSlots].forEach(kref => held.add(kref));
  }
  for (const { kref, vref, reachable } of state.clists.values()) {
    if (isPromiseKref(kref) || (!isExportVref(vref) && reachable)) {
      held.add(kref);
    }
  }
  for (const row of state.queue.values()) {
    const named = [...row.slots, ...(row.result ? [row.result] : [])];
    if (row.queue === row.target) {
      named.forEach(kref => parked.push([row.target, kref]));
    } else {
      [row.target, ...named].forEach(kref => held.add(kref));
    }
  }
  for (const kref of held) {
    const row = state.promises.get(kref);
    (row ? slotsHeldBy(row) : []).forEach(slot => held.add(slot));
    parked
      .filter(([promise]) => promise === kref)
      .forEach(([, named]) => held.add(named));
  }
  return held;
};

/** Whether the tables have that edge. */
const isInTables = (state: State, { holder, held }: HoldLink): boolean => {
  const { kref } = held;
  const queuedFor = (queue: string) =>
    state.queueByName
      .values(queue)
      .some(
        row =>
          row.slots.includes(kref) ||
          row.result === kref ||
          (row.target === kref && row.queue !== row.target),
      );
  switch (holder.by) {
    case 'home':
      return state.home.get(holder.name)?.kref === kref;
    case 'root':
      return state.vats.get(holder.vat.endpoint as never)?.root === kref;
    case 'parameters':
      return false; // these programs have none
    case 'service':
      return false; // nor any of these
    case 'bootstrap':
      return [...state.clusters.values()].some(
        row => row.bootstrapResult === kref,
      );
    case 'clist': {
      const row = state.clists.get(holder.endpoint.endpoint, kref);
      return row?.vref === holder.vref && row.reachable === 1;
    }
    case 'retiring':
      return [...state.retiring.values()].some(row => row.kref === kref);
    case 'inbox':
      return queuedFor(holder.endpoint.endpoint);
    case 'parked':
      return queuedFor(holder.promise.kref);
    case 'data':
      return (
        state.promises.get(holder.promise.kref)?.slots.includes(kref) === true
      );
  }
};

const lifeOf = (state: State, kref: Kref): Life =>
  findLife(state, kref, {
    holders: makeHolders(state),
    mentions: makeMentions(state),
  });

const promiseOf = (holder: Holder): Kref | undefined =>
  'promise' in holder ? holder.promise.kref : undefined;

/** What is wrong with the answer for one reference. */
const problemOf = (
  state: State,
  kref: Kref,
  held: ReadonlySet<Kref>,
): string | undefined => {
  const life = lifeOf(state, kref);
  const row = state.objects.get(kref);
  const wrong = `${kref} is told to be ${JSON.stringify(life)}`;
  switch (life.state) {
    case 'held': {
      const isLinked = life.chain.every(
        ({ holder }, index) =>
          promiseOf(holder) === life.chain[index - 1]?.held.kref,
      );
      const isTrue = life.chain.every(link => isInTables(state, link));
      const ends = life.chain.at(-1)?.held.kref === kref;
      return held.has(kref) && isLinked && isTrue && ends ? undefined : wrong;
    }
    case 'recognizable':
      return row?.reachable === 0 && row.recognizable > 0 ? undefined : wrong;
    case 'unheld':
      return row?.recognizable === 0 ? undefined : wrong;
    case 'cycle': {
      const inCycles = reportCycles(state).cycles.items.flatMap(({ edges }) =>
        edges.items.map(edge => edge.held.kref),
      );
      const isReported = life.among.items.some(({ kref: each }) =>
        inCycles.includes(each),
      );
      return !held.has(kref) && isReported ? undefined : wrong;
    }
    case 'unknown':
      return wrong;
  }
};

const checkAll = ({ state }: RandomTables): Set<Life['state']> => {
  const holders = makeHolders(state);
  const held = markHeld(state);
  const states = new Set<Life['state']>();
  const problems = allKrefs(state).flatMap(kref => {
    states.add(lifeOf(state, kref).state);
    return problemOf(state, kref, held) ?? [];
  });
  expect(problems).toEqual([]);
  for (const { kref, reachable, recognizable } of state.objects.values()) {
    const all = holders.of(kref);
    const weak = all.filter(each => each.by === 'clist' && !each.row.reachable);
    expect([kref, all.length - weak.length, all.length]).toEqual([
      kref,
      reachable,
      recognizable,
    ]);
  }
  for (const { kref, refs } of state.promises.values()) {
    expect([kref, holders.of(kref).length]).toEqual([kref, refs]);
  }
  return states;
};

/** Does away with the root at the beginning of a chain, as the one that holds it would. */
const release = (tables: RandomTables, { holder, held }: HoldLink): void => {
  const { parts } = tables;
  const end = ({ endpoint }: { endpoint: EndpointId }) =>
    tables.endEndpoint(endpoint);
  switch (holder.by) {
    case 'home':
      return tables.forget(holder.name);
    case 'root':
    case 'parameters':
      return end(holder.vat);
    case 'clist': {
      const { endpoint } = holder.endpoint;
      return isPromiseKref(held.kref) || isSessionId(endpoint)
        ? end(holder.endpoint)
        : parts.run(() =>
            parts.applySyscall(endpoint, ['dropImports', [holder.vref]]),
          );
    }
    case 'retiring':
    case 'inbox':
      return end(holder.endpoint);
    case 'service':
    case 'parked':
    case 'data':
      throw Error('no root');
  }
};

describe('why something is alive', () => {
  it('is a chain from a root whose every edge is in the tables, or there is none and it is about to go', () => {
    const states = new Set<Life['state']>();
    fc.assert(
      fc.property(numbers, chosen => {
        const tables = makeRandomTables(chosen);
        while (tables.hasMore()) {
          tables.step();
          // While messages go their way to an answer, that holds its promise, and what goes in steps
          // is there still, both for so short that nobody is told.
          const { promises, worklist } = tables.parts;
          if (promises.isDone() && worklist.isDone()) {
            checkAll(tables).forEach(life => states.add(life));
          }
        }
        const { state, parts } = tables;
        expect(findInconsistencies(state, parts.worklist.isDone())).toEqual([]);
        for (const { name } of [...state.home.values()]) {
          tables.forget(name);
        }
        tables.endpoints().forEach(tables.endEndpoint);
        tables.clearAll();
        expect([...checkAll(tables)]).toEqual([]);
      }),
      { numRuns: 40, endOnFailure: true },
    );
    expect([...states]).toEqual(
      expect.arrayContaining(['held', 'recognizable', 'unheld']),
    );
  }, 240_000);

  it('changes when the root of its chain lets go, and at last nothing holds it', () => {
    let longest = 0;
    fc.assert(
      fc.property(numbers, fc.nat(), (chosen, which) => {
        const tables = makeRandomTables(chosen);
        while (tables.hasMore()) {
          tables.step();
        }
        tables.clearAll();
        const { state } = tables;
        const krefs = allKrefs(state);
        const linked = krefs.filter(each => {
          const life = lifeOf(state, each);
          return life.state === 'held' && life.chain.length > 1;
        });
        const some = which % 2 && linked.length > 0 ? linked : krefs;
        const kref = some[which % some.length];
        if (kref === undefined) {
          return;
        }
        const isThere = () =>
          state.objects.has(kref) || state.promises.has(kref);
        for (let rounds = 0; isThere(); rounds += 1) {
          expect(rounds).toBeLessThan(100);
          const life = lifeOf(state, kref);
          if (life.state !== 'held') {
            break;
          }
          longest = Math.max(longest, life.chain.length);
          const [first] = life.chain;
          release(tables, first as HoldLink);
          const after = isThere() ? lifeOf(state, kref) : undefined;
          expect(after).not.toEqual(life);
          checkAll(tables);
        }
      }),
      { numRuns: 100, endOnFailure: true },
    );
    expect(longest).toBeGreaterThan(1);
  }, 240_000);
});
