import './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { makeMemoryImage, type MemoryImage } from '@cooperage/kernel/memory';
import { isFuzzing, tryEach } from '@cooperage/kernel/testing/fuzz';
import { E } from '@endo/far';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import type { NodeImage } from './node-platform.ts';
import type { Rig } from './rig.ts';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

/**
 * A vat whose state is all durable, and whose deeds come to the same in any
 * order: sums, cells that are handed on and added to by their holder, and
 * answers that a durable watcher hears of, some given in the crank of the question
 * and some after a while, by a heap that may be lost meanwhile. A deed has a name, and one that was
 * done is not done again.
 */
const SOURCE = `imports => {
  const { E, Far } = imports['@endo/far'];
  const { prepareExo, prepareExoClass, provideDurableMapStore, watchPromise } = imports['@agoric/vat-data'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    const done = provideDurableMapStore(baggage, 'done');
    const cells = provideDurableMapStore(baggage, 'cells');
    const heard = provideDurableMapStore(baggage, 'heard');
    const makeCell = prepareExoClass(baggage, 'Cell', undefined, () => ({ sum: 0 }), {
      add(number) { this.state.sum += number; },
      read() { return this.state.sum; },
    });
    const watcher = prepareExo(baggage, 'Watcher', undefined, {
      onFulfilled: (number, name) => { heard.init(name, number); },
      onRejected: ({ name: why, incarnationNumber }, name) => {
        heard.init(name, 'lost: ' + why + ' ' + typeof incarnationNumber);
      },
    });
    const once = (name, number) => {
      if (done.has(name)) return false;
      done.init(name, number);
      return true;
    };
    const other = () => baggage.get('other');
    return Far('Root', {
      meet: root => { if (!baggage.has('other')) baggage.init('other', root); },
      count: (name, number, hops) => {
        if (once(name, number) && hops > 0) void E(other()).count(name + '>', number, hops - 1);
        return number;
      },
      watch: (name, number, hops) => {
        if (once(name, number)) watchPromise(E(other()).count(name + '>', number, hops), watcher, name);
      },
      linger: (name, number, hops) => {
        if (once(name, number)) watchPromise(E(other()).muse(name + '>', number, 1 + hops), watcher, name);
      },
      muse: async (name, number, rounds) => {
        once(name, number);
        for (let left = rounds; left > 0; left -= 1) await E(other()).ping();
        return number;
      },
      ping: () => {},
      grow: (name, number) => {
        if (!once(name, number)) return;
        cells.init(name, makeCell());
        void E(other()).take(name + '>', number, cells.get(name));
      },
      take: (name, number, cell) => { if (once(name, number)) void E(cell).add(number); },
      has: name => done.has(name),
      show: () => harden({
        done: [...done.entries()].sort(),
        cells: [...cells.entries()].map(([name, cell]) => [name, cell.read()]).sort(),
        heard: [...heard.entries()].sort(),
      }),
    });
  };
  return { buildRootObject };
}`;

const VATS = ['left', 'right'] as const;
const CLUSTER = {
  name: 'demo',
  vats: Object.fromEntries(
    VATS.map(name => [
      name,
      {
        bundle: {
          text: JSON.stringify({
            moduleFormat: 'cooperageScript',
            source: SOURCE,
            imports: ['@endo/far', '@agoric/vat-data'],
          }),
        },
      },
    ]),
  ),
};

type Deed = {
  readonly kind: 'count' | 'watch' | 'grow' | 'linger';
  readonly vat: (typeof VATS)[number];
  readonly number: number;
  readonly hops: number;
};

type Shown = {
  readonly done: readonly unknown[];
  readonly cells: readonly unknown[];
  readonly heard: readonly (readonly [string, unknown])[];
};

type Remote = Record<string, (...args: readonly unknown[]) => unknown>;

const rootOf = async (rig: Rig, vat: string): Promise<Remote> =>
  Object(await E(rig.console.kernel).root('demo', vat));

const nameOf = (index: number): string => `deed ${index}`;

/** Whether the disk says that the deed was done: the key of liveslots for an entry of `done` ends in its name. */
const isStored = ({ tables, vats }: MemoryImage, name: string): boolean =>
  [
    ...[...(tables.get('vat_changes')?.keys() ?? [])].map(key =>
      String(JSON.parse(key)[1]),
    ),
    ...[...vats.values()].flatMap(({ rows }) => [...rows.keys()]),
  ].some(key => key.endsWith(`.s${name}`));

/** Asks for all at once; `onAnswer` hears of each that was answered. */
const askAll = (
  rig: Rig,
  deeds: readonly Deed[],
  onAnswer: (index: number) => void,
): Promise<unknown> =>
  Promise.all(
    deeds.map(async ({ kind, vat, number, hops }, index) => {
      try {
        const root = E(await rootOf(rig, vat));
        await root[kind]?.(nameOf(index), number, hops);
        onAnswer(index);
      } catch (problem) {
        // Whoever is cut off asks again.
        if (!rig.isOver()) {
          throw problem;
        }
      }
    }),
  );

const showAll = async (rig: Rig): Promise<Shown[]> => {
  await rig.kernel.idle();
  const shown: Shown[] = [];
  for (const vat of VATS) {
    shown.push(Object(await E(await rootOf(rig, vat)).show?.()));
  }
  return shown;
};

/** Does the deeds to their end, and loses kernel and heaps right before the one after each of the commits, counted from the last start. */
const runDeeds = async (
  deeds: readonly Deed[],
  commits: readonly number[],
): Promise<Shown[]> => {
  let onCommit = (_left: NodeImage): void => {};
  let disk = makeMemoryImage();
  const start = (image?: NodeImage): Promise<Rig> => {
    disk = image?.storage === 'memory' ? image.content : makeMemoryImage();
    return rigs.start({
      storage: 'memory',
      epochCranks: 1,
      onCommit: left => onCommit(left),
      image: { storage: 'memory', content: disk },
    });
  };
  /** What is answered has been committed (invariant 10). */
  const insistStored = (index: number): void =>
    expect([nameOf(index), isStored(disk, nameOf(index))]).toEqual([
      nameOf(index),
      true,
    ]);
  let rig = await start();
  await E(rig.console.kernel).launch(CLUSTER);
  const [left, right] = [await rootOf(rig, 'left'), await rootOf(rig, 'right')];
  await Promise.all([E(left).meet?.(right), E(right).meet?.(left)]);
  await rig.kernel.idle();
  for (const most of commits) {
    const answered = new Set<number>();
    let known: readonly number[] | undefined;
    let caughtImage: NodeImage | undefined;
    // Until the next commit is made, all that was answered must be in this one.
    const caught = new Promise<void>(resolve => {
      let count = 0;
      onCommit = image => {
        count += 1;
        if (count === most) {
          caughtImage = image;
        } else if (count === most + 1) {
          known = [...answered];
          resolve();
        }
      };
    });
    const asked = askAll(rig, deeds, index => {
      insistStored(index);
      answered.add(index);
    });
    await Promise.race([caught, asked]);
    known ??= [...answered];
    const last = await rig.crash();
    await asked;
    onCommit = () => {};
    rig = await start(caughtImage ?? last);
    for (const index of known) {
      const root = await rootOf(rig, deeds[index]?.vat ?? 'left');
      expect(await E(root).has?.(nameOf(index)), nameOf(index)).toBe(true);
    }
  }
  await askAll(rig, deeds, insistStored);
  const shown = await showAll(rig);
  await rig.stop();
  return shown;
};

const isLost = ([, answer]: readonly [string, unknown]): boolean =>
  answer === 'lost: vatUpgraded number';

/** Answers that only a heap knew of while it was lost. */
const lingering = (deeds: readonly Deed[]): ReadonlySet<string> =>
  new Set(
    deeds.flatMap(({ kind }, index) =>
      kind === 'linger' ? [nameOf(index)] : [],
    ),
  );

const stories = fc.record({
  deeds: fc.array(
    fc.record({
      kind: fc.constantFrom(
        'count' as const,
        'watch' as const,
        'grow' as const,
        'linger' as const,
      ),
      vat: fc.constantFrom(...VATS),
      number: fc.integer({ min: 1, max: 99 }),
      hops: fc.nat(3),
    }),
    { minLength: 6, maxLength: 12 },
  ),
  commits: fc.array(fc.integer({ min: 1, max: 40 }), {
    minLength: 1,
    maxLength: 2,
  }),
});

type Story = typeof stories extends fc.Arbitrary<infer One> ? One : never;

const tried = { stories: 0, crashes: 0, answers: 0, lost: 0 };
afterAll(() => console.log(`confluence: ${JSON.stringify(tried)}`));

it('what vats with liveslots do to durable state in any order comes to the same end whatever the commits at which all is lost, but for answers that a lost heap was to give', async () => {
  const check = async ({ deeds, commits }: Story): Promise<void> => {
    const calm = await runDeeds(deeds, []);
    const stormy = await runDeeds(deeds, commits);
    for (const [index, { done, cells, heard }] of calm.entries()) {
      const found = stormy[index]!;
      expect({ done: found.done, cells: found.cells }).toEqual({ done, cells });
      const lost = found.heard.filter(isLost);
      const names = new Set(lost.map(([name]) => name));
      // What is answered in the crank of the question is committed with it.
      expect([...names].filter(name => !lingering(deeds).has(name))).toEqual(
        [],
      );
      expect(found.heard.filter(entry => !isLost(entry))).toEqual(
        heard.filter(([name]) => !names.has(name)),
      );
      tried.answers += heard.length;
      tried.lost += lost.length;
    }
    tried.stories += 1;
    tried.crashes += commits.length;
  };
  await tryEach(stories, [1, 2, 3], check);
  if (!isFuzzing) {
    // Whether a heap that is lost was to answer hangs on how fast the machine is.
    for (let seed = 4; tried.lost === 0 && seed < 24; seed += 1) {
      await tryEach(stories, [seed], check);
    }
    expect(tried.lost).toBeGreaterThan(0);
  }
}, 3_600_000);
