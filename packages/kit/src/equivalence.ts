import { E } from '@endo/far';
import type { Rig } from './rig.ts';

/** What the console does in one step, with a vat of each cluster and with things of that name. */
export type Deed =
  | {
      readonly kind: 'put' | 'add' | 'addHeld' | 'addVia' | 'relay' | 'tag';
      readonly vat: string;
      readonly name: string;
      readonly number: number;
    }
  | {
      readonly kind: 'grow' | 'hand' | 'tagOf' | 'forget';
      readonly vat: string;
      readonly name: string;
    };

/** New heaps for these vats, once that many cranks have been since the step began. */
export type Renewal = {
  readonly vats: readonly string[];
  readonly how: 'upgrade' | 'restart';
  readonly cranks: number;
};

export type Step = { readonly deed: Deed; readonly renewal: Renewal | null };

type Remote = object;

const call = async (
  target: Remote | undefined,
  method: string,
  ...args: readonly unknown[]
): Promise<unknown> => {
  const methods: Record<string, (...args: readonly unknown[]) => unknown> = E(
    Object(target),
  );
  return methods[method]?.(...args);
};

/**
 * A vat whose state is all durable: values, cells with counts, cells of others
 * under names of its own, tags on them, and counts that watched promises bring.
 */
const SOURCE = `imports => {
  const { E, Far } = imports['@endo/far'];
  const { prepareExo, prepareExoClass, provide, provideDurableMapStore, provideDurableWeakMapStore, watchPromise } = imports['@agoric/vat-data'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    const values = provideDurableMapStore(baggage, 'values');
    const cells = provideDurableMapStore(baggage, 'cells');
    const others = provideDurableMapStore(baggage, 'others');
    const tags = provideDurableWeakMapStore(baggage, 'tags');
    const put = (map, key, value) => (map.has(key) ? map.set(key, value) : map.init(key, value));
    const makeCell = prepareExoClass(baggage, 'Cell', undefined, () => ({ count: 0 }), {
      add(by) { this.state.count += by; return this.state.count; },
    });
    const watcher = prepareExo(baggage, 'Watcher', undefined, {
      onFulfilled: (count, name) => put(values, name, 'relayed ' + count),
      onRejected: (reason, name) => put(values, name, 'lost ' + reason.name),
    });
    const cellOf = name => {
      if (!cells.has(name)) throw Error('no cell ' + name);
      return cells.get(name);
    };
    const otherOf = name => {
      if (!others.has(name)) throw Error('no other ' + name);
      return others.get(name);
    };
    return Far('Root', {
      put: (name, number) => { const before = values.has(name) ? values.get(name) : null; put(values, name, number); return before; },
      grow: name => { put(cells, name, makeCell()); return cells.get(name); },
      add: (name, by) => cellOf(name).add(by),
      cell: cellOf,
      take: (name, cell) => { put(others, name, cell); },
      addVia: (name, by) => E(otherOf(name)).add(by),
      relay: (name, by) => { watchPromise(E(otherOf(name)).add(by), watcher, name); },
      tag: (name, number) => put(tags, otherOf(name), number),
      tagOf: name => (tags.has(otherOf(name)) ? tags.get(otherOf(name)) : null),
      forget: name => { if (others.has(name)) others.delete(name); if (cells.has(name)) cells.delete(name); },
      show: () => harden({ values: [...values.entries()], cells: [...cells.keys()], others: [...others.keys()] }),
    });
  };
  return { buildRootObject };
}`;

const BUNDLE = {
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: SOURCE,
    imports: ['@endo/far', '@agoric/vat-data'],
  }),
};

/** Two such vats, `left` and `right`. */
export const renewedCluster = (name: string): object => ({
  name,
  vats: { left: { bundle: BUNDLE }, right: { bundle: BUNDLE } },
});

type Answer = unknown;

/** What the console holds of one cluster. */
type World = {
  readonly roots: ReadonlyMap<string, Remote>;
  /** Cells as they were first given to the console, by vat and name. */
  readonly held: Map<string, Remote>;
};

const another = (vat: string): string => (vat === 'left' ? 'right' : 'left');

const openWorld = async (rig: Rig, cluster: string): Promise<World> => {
  const { kernel } = rig.console;
  const roots = await Promise.all(
    ['left', 'right'].map(
      async vat => [vat, await E(kernel).root(cluster, vat)] as const,
    ),
  );
  return { roots: new Map(roots), held: new Map() };
};

const doDeed = async ({ roots, held }: World, deed: Deed): Promise<Answer> => {
  const { kind, vat, name } = deed;
  const root = roots.get(vat);
  const place = `${vat} ${name}`;
  switch (kind) {
    case 'grow':
      held.set(place, Object(await call(root, 'grow', name)));
      return 'grown';
    case 'addHeld':
      return held.has(place)
        ? call(held.get(place), 'add', deed.number)
        : 'nothing held';
    case 'hand': {
      const cell = await call(root, 'cell', name);
      return call(roots.get(another(vat)), 'take', name, cell);
    }
    case 'tagOf':
    case 'forget':
      return call(root, kind, name);
    default:
      return call(root, kind, name, deed.number);
  }
};

const outcomeOf = async (answer: Promise<Answer>): Promise<Answer> => {
  try {
    return { value: await answer };
  } catch (problem) {
    return { problem };
  }
};

/** As two worlds may be compared: without the numbers that the kernel gives to things. */
const comparable = (outcome: Answer): Answer => {
  const { problem } = Object(outcome) as { problem?: unknown };
  return problem instanceof Error ? { problem: problem.message } : outcome;
};

const isDisconnection = (outcome: Answer): boolean =>
  Object(Object(outcome).problem).name === 'vatUpgraded';

/** A vat that passes an answer on decides it until it comes. */
const mayBeLost = ({ kind }: Deed): boolean => kind === 'addVia';

/**
 * Does the steps with both clusters; the vats of the second one get new heaps on
 * the way. Gives what was answered, and at the end what both have stored; of a
 * promise that a lost heap was to decide there is no answer.
 */
export const runProgram = async (
  rig: Rig,
  [calmName, stormyName]: readonly [string, string],
  steps: readonly Step[],
  listen: (onCrank: () => void) => void,
) => {
  const { kernel } = rig.console;
  const [calm, stormy] = await Promise.all([
    openWorld(rig, calmName),
    openWorld(rig, stormyName),
  ]);
  /** The code that it runs. */
  const hashOf = (vat: string): string =>
    rig.kernel
      .status()
      .clusters.flatMap(({ vats }) => vats)
      .find(({ name }) => name === vat)?.bundleHash ?? '';
  let renewed = 0;
  let rejected = 0;

  const renew = async ({ vats, how }: Renewal): Promise<void> => {
    await Promise.all(
      vats.map(async vat => {
        renewed += 1;
        await (how === 'restart'
          ? E(kernel).restart(stormyName, vat)
          : E(kernel).upgrade(stormyName, vat, { hash: hashOf(vat) }));
      }),
    );
  };

  /** Begins the renewal when its crank has come, or at the end of the step. */
  const arm = (renewal: Renewal | null): (() => Promise<void>) => {
    let cranks = 0;
    let under: Promise<void> | undefined;
    const begin = (): Promise<void> => {
      listen(() => {});
      under ??= renewal ? renew(renewal) : Promise.resolve();
      return under;
    };
    listen(() => {
      cranks += 1;
      if (renewal && cranks > renewal.cranks) {
        void begin();
      }
    });
    return begin;
  };

  const answers: { deed: unknown; calm: Answer; stormy: Answer }[] = [];
  for (const { deed, renewal } of steps) {
    const expected = await outcomeOf(doDeed(calm, deed));
    await rig.kernel.idle();
    const renewalEnds = arm(renewal);
    const found = await outcomeOf(doDeed(stormy, deed));
    await renewalEnds();
    await rig.kernel.idle();
    if (mayBeLost(deed) && isDisconnection(found)) {
      rejected += 1;
    } else {
      answers.push({
        deed,
        calm: comparable(expected),
        stormy: comparable(found),
      });
    }
  }
  for (const vat of ['left', 'right']) {
    const show = ({ roots }: World) => call(roots.get(vat), 'show');
    answers.push({
      deed: `stored by ${vat}`,
      calm: await show(calm),
      stormy: await show(stormy),
    });
  }
  return { answers, rejected, renewed };
};
