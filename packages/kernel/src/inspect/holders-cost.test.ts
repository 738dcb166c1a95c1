import { describe, expect, it } from 'vitest';
import { makeVatId, type Kref, type Vref } from '@cooperage/protocol';
import type { State } from '../store/state.ts';
import { makeRandomTables } from '../testing/random-tables.ts';
import { reportCycles } from './cycles.ts';
import { makeHolders } from './holders.ts';
import { makeMentions } from './mentions.ts';
import { findLife } from './why-alive.ts';

const PROMISES = 2_000;

/** Promises, each held by the data of the next and the first by the last; vats of which each has so many references, to other things. Counts how often a c-list is asked. */
const setScene = (vats: number, references = 1) => {
  const { state } = makeRandomTables([]);
  state.store.begin(); // for good
  for (let vat = 0; vat < vats; vat += 1) {
    for (let nth = 1; nth <= references; nth += 1) {
      state.clists.put({
        endpoint: makeVatId(1_000 + vat),
        kref: `ko${nth}` as Kref,
        vref: `o-${nth}` as Vref,
        reachable: 1,
      });
    }
  }
  for (let number = 0; number < PROMISES; number += 1) {
    state.promises.put({
      kref: `kp${number}` as Kref,
      state: 'fulfilled',
      decider: null,
      subscribers: [],
      body: '',
      slots: [`kp${(number + 1) % PROMISES}` as Kref],
      refs: 1,
      maker: null,
      settler: null,
      isLeft: 0,
    });
  }
  let asked = 0;
  const counted: State = {
    ...state,
    clists: {
      ...state.clists,
      get: (...key) => {
        asked += 1;
        return state.clists.get(...key);
      },
    },
  };
  return { state: counted, asked: () => asked };
};

/** Rows that there are: what a search may look at, if it looks at each but so often. */
const most = (state: State): number =>
  10 * (state.promises.size + state.clists.size);

describe('with a thousand vats that hold none of it, what is looked at is bounded by what there is', () => {
  it('when a reference is asked for', () => {
    const { state, asked } = setScene(1_000);
    const life = findLife(state, 'kp1' as Kref, {
      holders: makeHolders(state),
      mentions: makeMentions(state),
    });
    expect(life.state).toBe('cycle');
    expect(asked()).toBeLessThan(most(state));
  });

  it('when cycles are asked for', () => {
    const { state, asked } = setScene(1_000);
    expect(reportCycles(state).cycles.items).toHaveLength(1);
    expect(asked()).toBeLessThan(most(state));
  });
});

it('what is known in full is not told as unseen, however many entries there are', () => {
  const { state } = setScene(1, 100);
  const kref = 'ko900' as Kref;
  const counts = { reachable: 0, recognizable: 0 };
  state.objects.put({ kref, owner: null, iface: null, ...counts });
  /** Why the object lives, and a promise of the ring, which leads to all others. */
  const livesOf = (mostEntries: number) =>
    [kref, 'kp1' as Kref].map(each => {
      const holders = makeHolders(state, undefined, mostEntries);
      return findLife(state, each, { holders, mentions: makeMentions(state) })
        .state;
    });
  const { size } = state.clists;
  expect(livesOf(size)).toEqual(['unheld', 'cycle']);
  expect(livesOf(size - 1)).toEqual(['unheld', 'unknown']);
});
