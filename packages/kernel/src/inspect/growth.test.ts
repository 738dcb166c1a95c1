import { expect, it } from 'vitest';
import {
  makeKref,
  makeVatId,
  type GrowthReport,
  type Kref,
  type Syscall,
} from '@cooperage/protocol';
import { openMemoryKernelDb } from '../adapters/memory.ts';
import type { ColumnValue } from '../ports.ts';
import { makeState } from '../store/state.ts';
import type { Table } from '../store/table.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import { makeRandomTables } from '../testing/random-tables.ts';
import {
  dataOf,
  end,
  makeStage,
  send,
  settle,
  vref,
} from '../testing/stage.ts';
import { makeGrowth } from './growth.ts';

/** A message whose arguments allege that they are of that interface. */
const tell = (
  target: string,
  iface: string,
  ...things: readonly string[]
): Syscall => [
  'send',
  vref(target),
  {
    methargs: dataOf(
      ['take', things.map((_, index) => `$${index}.Alleged: ${iface}`)],
      ...things,
    ),
    result: null,
  },
];

const setScene = async () => {
  const { clock, advance } = makeManualClock();
  const stage = await makeStage(['alice', 'bob', 'carol'], {
    clock,
    collectMilliseconds: Infinity,
  });
  await stage.say(
    send(stage.root('alice'), 'meet', [stage.root('bob'), stage.root('carol')]),
  );
  await stage.finish(
    'alice',
    tell('o-50', 'Purse', 'o+7', 'o+8'),
    tell('o-51', 'Purse', 'o+9'),
  );
  await stage.finish('bob');
  await stage.finish('carol');
  const call = stage.client.rpc.call;
  return {
    ...stage,
    advance,
    mark: async (): Promise<string> => Object(await call('mark', {})).mark,
    grownSince: async (mark: string): Promise<GrowthReport> =>
      (await call('grownSince', { mark })) as GrowthReport,
  };
};

it('a leak report tells who and what has grown, most first, and nothing that has not', async () => {
  const stage = await setScene();
  const mark = await stage.mark();
  stage.advance(5_000);
  expect(await stage.mark()).toBe(`m2-${(1_005_000).toString(36)}`);
  const { root } = stage;
  await stage.say(
    send(root('alice'), 'more', [], 'p+1'),
    send(root('alice'), 'more', [], 'p+2'),
  );
  await stage.finish(
    'alice',
    tell('o-50', 'Purse', 'o+10', 'o+11', 'o+12'),
    tell('o-51', 'Coin', 'o+13', 'o+14', 'o+15', 'o+16'),
  );
  await stage.say(send(root('bob'), 'more', [], 'p+3'));
  await stage.finish(
    'bob',
    ['dropImports', [vref('o-50')]],
    ['retireImports', [vref('o-50')]],
  );
  const report = await stage.grownSince(mark);
  expect({
    ...report,
    endpoints: report.endpoints.items.map(
      ({ name, exports, imports, promises, waiting }) => [
        name,
        ...[exports, imports, promises, waiting].map(({ before, now }) => [
          before,
          now,
        ]),
      ],
    ),
    interfaces: report.interfaces.items.map(
      ({ exporter, iface, objects: { before, now }, newest }) => [
        exporter?.name,
        iface,
        [before, now],
        newest.map(({ kref }) => kref),
      ],
    ),
  }).toEqual({
    mark: `m1-${(1_000_000).toString(36)}`,
    at: 1_000_000,
    totals: {
      objects: { before: 7, now: 14 },
      promises: { before: 0, now: 3 },
      references: { before: 18, now: 31 },
      queued: { before: 0, now: 3 },
    },
    endpoints: [
      ['demo.alice', [4, 11], [2, 2], [0, 1], [0, 1]],
      ['demo.bob', [1, 1], [2, 4], [0, 0], [0, 1]],
      ['test', [0, 0], [3, 3], [0, 3], [0, 0]],
      ['demo.carol', [1, 1], [1, 1], [0, 0], [0, 1]],
    ],
    interfaces: [
      ['demo.alice', 'Coin', [0, 4], ['ko14', 'ko13', 'ko12']],
      ['demo.alice', 'Purse', [3, 6], ['ko10', 'ko9', 'ko8']],
    ],
    unseen: { before: 0, now: 0 },
  });
  const ended = end(stage);
  await settle();
  stage.advance(1_000); // what is in flight has its grace
  await ended;
});

it('an unknown mark is refused in words', async () => {
  const stage = await setScene();
  await expect(stage.grownSince('m1-x')).rejects.toMatchObject({
    code: 'MARK_UNKNOWN',
    message:
      'There is no mark "m1-x": the last 16 are known, until the kernel starts anew; make one first',
  });
  await end(stage);
});

it('what is of more kinds than are told apart is counted together, and what nobody exports too', async () => {
  const stage = await setScene();
  const { state } = stage.rig.kernel;
  const growth = makeGrowth(state, { now: () => 7 });
  const mark = growth.mark();
  state.store.begin();
  const first = state.counters.get('object')?.next ?? 1;
  for (let nth = 0; nth < 5_010; nth += 1) {
    state.objects.put({
      kref: `ko${first + nth}` as Kref,
      owner: null,
      iface: `kind ${nth % 5_005}`,
      reachable: 0,
      recognizable: 0,
    });
  }
  const { items, leftOut } = growth.grownSince(mark).interfaces;
  state.store.undo();
  // Five kinds are told apart before these: the roots of four vats, and the purses.
  expect(
    items.slice(0, 7).map(({ iface, objects }) => [iface, objects.now]),
  ).toEqual([
    ['…', 10],
    ...[0, 1, 2, 3, 4].map(nth => [`kind ${nth}`, 2]),
    ['kind 5', 1],
  ]);
  expect(items.every(({ exporter }) => exporter === null)).toBe(true);
  expect([items.length, leftOut]).toEqual([50, 4_996 - 50]);
  await end(stage);
});

it('examples are of those since the mark alone, the newest first in whatever order they stand', () => {
  const { state, parts } = makeRandomTables([]);
  const owner = makeVatId(1);
  const growth = makeGrowth(state, { now: () => 7 });
  state.store.begin();
  const allot = (): Kref => makeKref('object', state.allot('object'));
  const add = (kref: Kref): void => {
    const counts = { reachable: 0, recognizable: 0 };
    state.objects.put({ kref, owner, iface: 'Purse', ...counts });
    parts.inbox.deliverTo(owner, {
      target: kref,
      methargs: { body: '', slots: [] },
      result: null,
      sender: null,
    });
  };
  add(allot());
  const mark = growth.mark();
  const [first, second] = [allot(), allot()];
  add(second);
  add(first);
  const { endpoints, interfaces } = growth.grownSince(mark);
  expect(
    interfaces.items.map(({ objects, newest }) => [
      objects,
      newest.map(({ kref }) => kref),
    ]),
  ).toEqual([[{ before: 1, now: 3 }, [second, first]]]);
  expect(endpoints.items.map(({ waiting }) => waiting)).toEqual([
    { before: 1, now: 3 },
  ]);
});

it('where there was nothing yet all is new', () => {
  const state = makeState(openMemoryKernelDb());
  const growth = makeGrowth(state, { now: () => 7 });
  const mark = growth.mark();
  state.store.begin();
  const counts = { reachable: 0, recognizable: 0 };
  const kref = makeKref('object', state.allot('object'));
  state.objects.put({ kref, owner: null, iface: null, ...counts });
  expect(growth.grownSince(mark).interfaces.items).toMatchObject([
    { objects: { before: 0, now: 1 }, newest: [{ kref }] },
  ]);
});

it('a million rows of objects, and of c-lists, are counted, and those beyond are told as unseen', () => {
  const { state } = makeRandomTables([]);
  let times = 0;
  /** The table as if its first row came so many times. */
  const swell = <Key extends readonly ColumnValue[], Row extends object>(
    table: Table<Key, Row>,
    more: number,
  ): Table<Key, Row> => ({
    ...table,
    get size() {
      return times + more;
    },
    *values() {
      for (const row of table.values()) {
        for (let nth = 0; nth < times + more; nth += 1) {
          yield row;
        }
        return;
      }
    },
  });
  const { objects, clists } = state;
  const growth = makeGrowth(
    { ...state, objects: swell(objects, 5), clists: swell(clists, 3) },
    { now: () => 7 },
  );
  const mark = growth.mark();
  times = 1_000_000;
  const { endpoints, interfaces, unseen } = growth.grownSince(mark);
  expect(endpoints.items).toMatchObject([
    { exports: { before: 3, now: 1_000_000 } },
  ]);
  expect(interfaces.items).toMatchObject([
    { objects: { before: 5, now: 1_000_000 } },
  ]);
  expect(unseen).toEqual({ before: 0, now: 8 });
});
