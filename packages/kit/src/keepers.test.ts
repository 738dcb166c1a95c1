import 'vite'; // what it imports can't be loaded after lockdown
import '@cooperage/vat-supervisor/testing/lockdown';
import { openMemoryVatStores } from '@cooperage/kernel/memory';
import { tryEach } from '@cooperage/kernel/testing/fuzz';
import { countRows } from '@cooperage/protocol';
import { E } from '@endo/far';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import type { NodeImage } from './node-platform.ts';
import { startRig, type Rig } from './rig.ts';
import { keeperConfig } from './testing/keeper-vat.ts';
import {
  makeKeepersModel,
  type Kind,
  type Place,
  type Stored,
} from './testing/keepers-model.ts';
import { makeLocalVats } from './testing/local-vats.ts';

const KEEPERS = 3;
const HANDS = 4;

/** How often each comes. */
const DEEDS = {
  ...{ make: 10, drop: 10, give: 24, giveLater: 6, ping: 2, write: 8 },
  ...{ file: 3, unfile: 2, fetch: 3, add: 3, discard: 2, save: 2, unsave: 1 },
  ...{ remember: 8, recall: 6, forget: 2, mark: 4, isMarked: 4, unmark: 1 },
  ...{ restart: 4, replace: 1, reboot: 1, check: 1, collect: 3 },
};
type DeedName = keyof typeof DEEDS;

const step = fc.record({
  what: fc.oneof(
    ...Object.entries(DEEDS).map(([what, weight]) => ({
      weight,
      arbitrary: fc.constant(what as DeedName),
    })),
  ),
  nth: fc.nat(KEEPERS - 1),
  hand: fc.nat(HANDS - 1),
  other: fc.nat(KEEPERS - 1),
  otherHand: fc.nat(HANDS - 1),
  place: fc.constantFrom<Place>('heap', 'virtual', 'durable'),
  stored: fc.constantFrom<Stored>('virtual', 'durable'),
  kind: fc.constantFrom<Kind>('local', 'virtual', 'durable', 'durable'),
  name: fc.constantFrom('one', 'two'),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

type Root = Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
type Rows = { readonly objects: number; readonly references: number };

const tried = {
  programs: 0,
  checks: 0,
  most: { objects: 0, references: 0 },
  answers: new Map<string, number>(),
};
afterAll(() =>
  process.stdout.write(
    `keepers: ${JSON.stringify({ ...tried, answers: Object.fromEntries(tried.answers) })}\n`,
  ),
);

const nameOf = (nth: number): string => `keeper${nth}`;

/** Keepers with a kernel, and the model of them. */
const startKeepers = async () => {
  const model = makeKeepersModel(KEEPERS);
  const roots: Root[] = [];
  /** Roots of keepers that have ended: this console holds them. */
  const deadRoots: Root[] = [];
  const collections = new Set<Promise<unknown>>();

  const start = (image?: NodeImage): Promise<Rig> =>
    startRig({
      storage: 'memory',
      vats: makeLocalVats(),
      reapReferences: 3,
      actionsPerDelivery: 2,
      ...(image === undefined ? {} : { image }),
    });
  let rig = await start();

  const findRoot = async (nth: number): Promise<void> => {
    roots[nth] = Object(
      await E(rig.console.kernel).root(nameOf(nth), 'keeper'),
    );
  };
  const launch = async (nth: number): Promise<void> => {
    await E(rig.console.kernel).launch(keeperConfig(nameOf(nth)));
    await findRoot(nth);
  };
  const rootAt = (nth: number): Root => {
    const root = roots[nth];
    if (!root) {
      throw Error(`there is no keeper ${nth}`);
    }
    return root;
  };
  const collect = async (): Promise<Rows> => {
    await Promise.all(collections);
    collections.clear();
    const { objects, references } = Object(
      await E(rig.console.kernel).collect(),
    );
    const dead = deadRoots.length;
    return { objects: objects - dead, references: references - dead };
  };
  for (let nth = 0; nth < KEEPERS; nth += 1) {
    await launch(nth);
  }
  const base = await collect();

  return {
    model,
    rootAt,
    /** Rows for things and entries for them, once nothing can be collected any more. */
    countRows: async (): Promise<Rows> => {
      const { objects, references } = await collect();
      return {
        objects: objects - base.objects,
        references: references - base.references,
      };
    },
    /** Begins a collection, and goes on meanwhile. */
    beginCollection: (): void => {
      collections.add(E(rig.console.kernel).collect());
    },
    restart: (nth: number) => E(rig.console.kernel).restart(nameOf(nth)),
    replace: async (nth: number): Promise<void> => {
      deadRoots.push(rootAt(nth));
      await E(rig.console.kernel).terminate(nameOf(nth));
      await launch(nth);
    },
    /** Loses the kernel and all heaps. */
    reboot: async (): Promise<void> => {
      await collect();
      await rig.kernel.idle();
      deadRoots.length = 0;
      rig = await start(await rig.crash());
      for (let nth = 0; nth < KEEPERS; nth += 1) {
        await findRoot(nth);
      }
    },
    /** Ends it; gives how many rows each keeper's store has. */
    stop: async (): Promise<number[]> => {
      const image = await rig.stop();
      if (image.storage !== 'memory') {
        throw Error('it was in memory');
      }
      const stores = openMemoryVatStores(image.content);
      return stores.list().map(vat => countRows(stores.read(vat).image));
    },
    die: async (): Promise<void> => {
      if (!rig.isOver()) {
        await rig.crash().catch(() => {});
      }
    },
  };
};
type Keepers = Awaited<ReturnType<typeof startKeepers>>;

/** The step with a hand that holds something, if one of the keeper's does. */
const withFullHand = ({ model }: Keepers, chosen: Step): Step => {
  const full = Array.from({ length: HANDS }, (_, hand) => hand).filter(
    hand => model.inHand(chosen.nth, hand) !== undefined,
  );
  const hand = full[chosen.hand % full.length];
  return hand === undefined ? { ...chosen, what: 'make' } : { ...chosen, hand };
};

/** Those that are done with what is in a hand. */
const HANDLINGS = new Set<DeedName>([
  ...(['drop', 'give', 'giveLater', 'ping', 'write', 'file', 'add'] as const),
  ...(['discard', 'save', 'remember', 'recall', 'forget', 'mark'] as const),
  ...(['isMarked', 'unmark'] as const),
]);

/** Whether the thing in one hand may hold that in the other: a lower number, so that there is no cycle over vats. */
const mayHold = ({ model }: Keepers, { nth, hand, otherHand }: Step): boolean =>
  (model.inHand(nth, otherHand) ?? 0) < (model.inHand(nth, hand) ?? Infinity);

const check = async ({ model, countRows: count, rootAt }: Keepers) => {
  const rows = await count();
  expect(rows).toEqual(model.countRows());
  tried.checks += 1;
  tried.most.objects = Math.max(tried.most.objects, rows.objects);
  tried.most.references = Math.max(tried.most.references, rows.references);
  for (let nth = 0; nth < KEEPERS; nth += 1) {
    for (let hand = 0; hand < HANDS; hand += 1) {
      const answer = await E(rootAt(nth)).ping?.(hand);
      expect(answer).toBe(model.deeds.ping(nth, hand));
    }
  }
};

/** What the model says that a deed of a keeper's comes to, and what it does come to; undefined when it is none of a keeper's. */
const doDeed = (
  keepers: Keepers,
  chosen: Step,
): readonly [unknown, unknown] | undefined => {
  const { what, nth, hand, other, otherHand } = chosen;
  const { place, stored, kind, name } = chosen;
  const { deeds } = keepers.model;
  const ask = (...args: readonly unknown[]) =>
    E(keepers.rootAt(nth))[what]?.(...args);
  switch (what) {
    case 'make': {
      const id = deeds.make(nth, hand, kind);
      return ['done', ask(hand, kind, id)];
    }
    case 'drop':
      return [deeds.drop(nth, hand), ask(hand)];
    case 'give':
    case 'giveLater':
      return [
        deeds.give(nth, hand, other, otherHand),
        ask(hand, keepers.rootAt(other), otherHand),
      ];
    case 'ping':
      return [deeds.ping(nth, hand), ask(hand)];
    case 'write':
      return mayHold(keepers, chosen)
        ? [deeds.write(nth, hand, otherHand), ask(hand, otherHand)]
        : undefined;
    case 'remember':
      return mayHold(keepers, chosen)
        ? [
            deeds.remember(nth, place, hand, otherHand),
            ask(place, hand, otherHand),
          ]
        : undefined;
    case 'recall':
      return [
        deeds.recall(nth, place, hand, otherHand),
        ask(place, hand, otherHand),
      ];
    case 'file':
    case 'fetch':
      return [deeds[what](nth, stored, name, hand), ask(stored, name, hand)];
    case 'unfile':
      return [deeds.unfile(nth, stored, name), ask(stored, name)];
    case 'add':
    case 'discard':
      return [deeds[what](nth, stored, hand), ask(stored, hand)];
    case 'save':
      return [deeds.save(nth, name, hand), ask(name, hand)];
    case 'unsave':
      return [deeds.unsave(nth, name), ask(name)];
    case 'forget':
    case 'mark':
    case 'isMarked':
    case 'unmark':
      return [deeds[what](nth, place, hand), ask(place, hand)];
    default:
      return undefined;
  }
};

/** What happens to a keeper, or to all. */
const doOrder = async (
  keepers: Keepers,
  { what, nth }: Step,
): Promise<void> => {
  switch (what) {
    case 'restart':
      await keepers.restart(nth);
      keepers.model.restart(nth);
      break;
    case 'replace':
      await keepers.replace(nth);
      keepers.model.replace(nth);
      break;
    case 'reboot':
      await keepers.reboot();
      for (let each = 0; each < KEEPERS; each += 1) {
        keepers.model.restart(each);
      }
      break;
    case 'collect':
      keepers.beginCollection();
      break;
    case 'check':
      await check(keepers);
      break;
    default:
  }
};

/** Does all of it, and then lets go of all; gives how many rows the keepers' stores are left with. */
const runProgram = async (program: readonly Step[]): Promise<number[]> => {
  const keepers = await startKeepers();
  try {
    for (const [index, drawn] of program.entries()) {
      const chosen = HANDLINGS.has(drawn.what)
        ? withFullHand(keepers, drawn)
        : drawn;
      const [expected, answer] = doDeed(keepers, chosen) ?? [];
      if (expected === undefined) {
        await doOrder(keepers, chosen);
      } else {
        expect(await answer, `${index}: ${chosen.what}`).toBe(expected);
        const word = typeof expected === 'number' ? 'done' : String(expected);
        tried.answers.set(word, (tried.answers.get(word) ?? 0) + 1);
      }
      keepers.model.tidy();
    }
    await check(keepers);
    for (let nth = 0; nth < KEEPERS; nth += 1) {
      expect(await E(keepers.rootAt(nth)).clear?.()).toBe(
        keepers.model.deeds.clear(nth),
      );
    }
    keepers.model.tidy();
    expect(await keepers.countRows()).toEqual({ objects: 0, references: 0 });
    return await keepers.stop();
  } finally {
    await keepers.die();
  }
};

it('what vats with liveslots keep in hands, collections, baggage and state, strongly and weakly, is there as long as it can be come by, and no longer (invariants 5, 6, 12)', async () => {
  const fresh = await runProgram([]);
  await tryEach(
    fc.array(step, { minLength: 60, maxLength: 60, size: 'max' }),
    [1, 2, 3],
    async program => {
      expect(await runProgram(program)).toEqual(fresh);
      tried.programs += 1;
    },
  );
}, 3_600_000);
