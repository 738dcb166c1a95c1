import './lockdown.ts';
import {
  makeKref,
  makeVatId,
  type Capped,
  type Holder,
  type Inspection,
  type RefMention,
  type Vref,
} from '@cooperage/protocol';
import { expect, test } from 'vitest';
import { showCycles, showGrowth, showInspection } from './inspection.ts';

const ref = (
  index: number,
  iface: string | null,
  name: string | null = null,
): RefMention => ({ kref: makeKref('object', index), iface, name });
const vat = (index: number, name: string) => ({
  endpoint: makeVatId(index),
  name,
});
const all = <Item>(...items: Item[]): Capped<Item> => ({ items, leftOut: 0 });

const purse = ref(4, 'Purse');
const promise: RefMention = {
  kref: makeKref('promise', 2),
  iface: null,
  name: null,
};
const bob = vat(3, 'demo.bob');
const importedBy = (endpoint: typeof bob, reachable = true): Holder => ({
  by: 'clist',
  endpoint,
  vref: 'o-50' as Vref,
  isExport: false,
  reachable,
});
const unheard = { items: [], leftOut: 0 };
const nothing = () => undefined;

test('an object reads as a record of words, with the presence that the session has', () => {
  const inspection: Inspection = {
    ...purse,
    kind: 'object',
    exporter: vat(2, 'demo.alice'),
    exportedAs: 'o+7' as Vref,
    holders: {
      items: [
        importedBy(bob),
        importedBy(vat(4, 'demo.carol'), false),
        { by: 'home', name: 'savings' },
        { by: 'inbox', endpoint: bob, as: 'target' },
        { by: 'data', promise },
      ],
      leftOut: 1200,
    },
    counts: { reachable: 1204, recognizable: 1205 },
    life: {
      state: 'held',
      chain: [{ holder: importedBy(bob), held: purse }],
      mayBeFor: {
        items: [ref(3, null, 'demo.bob'), ref(9, 'Till')],
        leftOut: 7,
      },
    },
  };
  const object = {};
  const shown = showInspection(inspection, kref =>
    kref === purse.kref ? object : undefined,
  );
  expect(shown).toEqual({
    object,
    kref: 'ko4',
    interface: 'Alleged: Purse',
    exporter: 'demo.alice (v2)',
    importers: [
      'demo.bob (v3) imports Alleged: Purse (ko4)',
      'demo.carol (v4) has dropped Alleged: Purse (ko4) and can only recognize it',
    ],
    otherHolders: [
      'home.savings keeps Alleged: Purse (ko4)',
      'a message to Alleged: Purse (ko4) waits for demo.bob (v3)',
      'promise kp2 was settled with data that names Alleged: Purse (ko4)',
      '… and 1,200 more',
    ],
    counts: { reachable: 1204, recognizable: 1205 },
    whyAlive: [
      'demo.bob (v3) imports Alleged: Purse (ko4)',
      'demo.bob (v3) may do so for any of its exports that are held: demo.bob (ko3), Alleged: Till (ko9) and 7 more',
    ],
  });
  expect(Object(shown).object).toBe(object);
});

test('a promise tells who is to settle it, and a chain leads over it step by step', () => {
  const inspection: Inspection = {
    ...promise,
    kind: 'promise',
    state: 'unresolved',
    decider: null,
    subscribers: all(bob),
    names: unheard,
    parked: 2,
    holders: all<Holder>({ by: 'inbox', endpoint: bob, as: 'result' }),
    counts: { holders: 1 },
    life: {
      state: 'held',
      chain: [
        {
          holder: { by: 'inbox', endpoint: bob, as: 'result' },
          held: promise,
        },
        { holder: { by: 'parked', promise, as: 'argument' }, held: purse },
      ],
      mayBeFor: null,
    },
  };
  expect(showInspection(inspection, nothing)).toEqual({
    kref: 'kp2',
    state: 'unresolved',
    decider: 'the kernel: the message that it answers is on its way',
    subscribers: ['demo.bob (v3)'],
    waitingMessages: 2,
    knownTo: [],
    otherHolders: [
      'a message that waits for demo.bob (v3) is answered by promise kp2',
    ],
    counts: { holders: 1 },
    whyAlive: [
      'a message that waits for demo.bob (v3) is answered by promise kp2',
      'a message that waits for promise kp2 names Alleged: Purse (ko4)',
    ],
  });
});

test.each([
  [
    { state: 'recognizable' },
    'nobody can reach it; somebody can still tell whether it is the same',
  ],
  [{ state: 'unheld' }, 'nobody but its exporter knows it'],
  [
    { state: 'cycle', among: all(promise) },
    'it is garbage: held only by what holds itself in a cycle, promise kp2',
  ],
  [
    { state: 'unknown', unseen: 12345 },
    'no root was found, but 12,345 rows of queues and promises were too many to look at',
  ],
] as const)('%j is said in a sentence', (life, words) => {
  const inspection: Inspection = {
    ...purse,
    kind: 'object',
    exporter: null,
    exportedAs: null,
    holders: unheard,
    counts: { reachable: 0, recognizable: 0 },
    life,
  };
  expect(showInspection(inspection, nothing)).toMatchObject({
    exporter: 'nobody: it is an orphan',
    whyAlive: [words],
  });
});

test('growth reads as numbers and names, what was left out at the end', () => {
  expect(
    showGrowth({
      mark: 'm1-x',
      at: 0,
      totals: {
        objects: { before: 4, now: 8 },
        promises: { before: 1, now: 0 },
        references: { before: 10, now: 18 },
        queued: { before: 0, now: 0 },
      },
      endpoints: all({
        ...bob,
        exports: { before: 1, now: 1 },
        imports: { before: 1, now: 5 },
        promises: { before: 1, now: 0 },
        waiting: { before: 0, now: 0 },
      }),
      interfaces: {
        items: [
          {
            exporter: bob,
            iface: 'Purse',
            objects: { before: 1, now: 5 },
            newest: [ref(8, 'Purse'), ref(7, 'Purse')],
          },
        ],
        leftOut: 3,
      },
      unseen: { before: 0, now: 0 },
    }),
  ).toEqual({
    mark: 'm1-x',
    since: '1970-01-01T00:00:00.000Z',
    objects: 4,
    promises: -1,
    references: 8,
    queued: 0,
    endpoints: [
      {
        who: 'demo.bob (v3)',
        exports: 0,
        imports: 4,
        promises: -1,
        waiting: 0,
      },
    ],
    interfaces: [
      {
        exporter: 'demo.bob (v3)',
        interface: 'Alleged: Purse',
        grew: 4,
        now: 5,
        newest: 'ko8, ko7',
      },
      '… and 3 more',
    ],
  });
});

test('a cycle reads as a verdict, its vats, and a sentence for each edge', () => {
  expect(
    showCycles({
      cycles: all({
        vats: [vat(2, 'demo.alice'), bob],
        edges: all({
          by: 'clist' as const,
          vat: bob,
          exporter: vat(2, 'demo.alice'),
          held: purse,
        }),
        alsoHeldBy: unheard,
        isGarbage: false,
      }),
      unseen: 0,
    }),
  ).toEqual([
    {
      verdict: 'may be garbage: only the vats know whether they still need it',
      vats: ['demo.alice (v2)', 'demo.bob (v3)'],
      edges: ['demo.bob (v3) imports Alleged: Purse (ko4) of demo.alice (v2)'],
      alsoHeldBy: [],
    },
  ]);
});
