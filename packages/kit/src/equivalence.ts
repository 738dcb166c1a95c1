import { E } from '@endo/far';
import type { Rig } from './rig.ts';

/** One call of a client on a vat of each cluster, with things of that name. */
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

/**
 * What a person does to these vats, once that many cranks have been since the
 * step began: new heaps, or a rest of which nobody else is to notice anything.
 */
export type Renewal = {
  readonly vats: readonly string[];
  readonly how: 'upgrade' | 'restart' | 'suspend' | 'pause';
  readonly cranks: number;
};

/**
 * What all clients begin at once, and what befalls the vats meanwhile. The deeds
 * of a step have names of their own, so none hangs on the order of any two.
 */
export type Step = {
  readonly deeds: readonly { readonly client: number; readonly deed: Deed }[];
  readonly renewals: readonly Renewal[];
};

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

const VATS = ['left', 'right', 'middle'];

/** Such vats, each of which hands its cells to the next. */
export const renewedCluster = (
  name: string,
  eviction: 'never' | 'any' = 'never',
): object => ({
  name,
  vats: Object.fromEntries(
    VATS.map(vat => [vat, { bundle: BUNDLE, eviction }]),
  ),
});

type Answer = unknown;

/** What one client holds of one cluster. */
type World = {
  readonly roots: ReadonlyMap<string, Remote>;
  /** Cells as they were first given to the client, by vat and name. */
  readonly held: Map<string, Remote>;
};

const another = (vat: string): string =>
  VATS[(VATS.indexOf(vat) + 1) % VATS.length] ?? vat;

const openWorld = async (
  { kernel }: Rig['console'],
  cluster: string,
): Promise<World> => {
  const roots = await Promise.all(
    VATS.map(async vat => [vat, await E(kernel).root(cluster, vat)] as const),
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

/** Refused because of another of them, which is done. */
const REFUSALS = ['UPGRADE_FAILED', 'BAD_REQUEST'];

const unlessRefused = async (order: Promise<unknown>): Promise<void> => {
  try {
    await order;
  } catch (problem) {
    if (!REFUSALS.includes(String(Object(problem).code))) {
      throw problem;
    }
  }
};

/** Calls back, once each, when so many cranks have been, and with what is left at the end. */
const makeCue = (
  renewals: readonly Renewal[],
  begin: (renewal: Renewal) => Promise<void>,
) => {
  const left = new Set(renewals);
  const under: Promise<void>[] = [];
  let cranks = 0;
  const start = (renewal: Renewal): void => {
    left.delete(renewal);
    under.push(begin(renewal));
  };
  return {
    crank: (): void => {
      cranks += 1;
      [...left].filter(each => cranks > each.cranks).forEach(start);
    },
    end: async (): Promise<void> => {
      [...left].forEach(start);
      await Promise.all(under);
    },
  };
};

/** Orders the renewals of one cluster as a person does. */
const makeRenewer = (rig: Rig, cluster: string) => {
  const { kernel } = rig.console;
  /** The code that it runs. */
  const hashOf = (vat: string): string =>
    rig.kernel
      .status()
      .clusters.flatMap(({ vats }) => vats)
      .find(({ name }) => name === vat)?.bundleHash ?? '';
  return async ({ vats, how }: Renewal): Promise<void> => {
    await Promise.all(
      vats.map(async vat => {
        switch (how) {
          case 'restart':
            return E(kernel).restart(cluster, vat);
          case 'upgrade':
            return unlessRefused(
              E(kernel).upgrade(cluster, vat, { hash: hashOf(vat) }),
            );
          case 'suspend':
            await unlessRefused(E(kernel).suspend(cluster, vat));
            return unlessRefused(E(kernel).resume(cluster, vat));
          case 'pause':
            await unlessRefused(E(kernel).pause(cluster, vat));
            return unlessRefused(E(kernel).unpause(cluster, vat));
        }
      }),
    );
  };
};

/**
 * Does the steps with both clusters, all deeds of a step at once and by several
 * clients; the vats of the second one get new heaps on the way. Gives what was
 * answered, and at the end what both have stored; of a promise that a lost heap
 * was to decide there is no answer.
 */
export const runProgram = async (
  rig: Rig,
  [calmName, stormyName]: readonly [string, string],
  {
    steps,
    clients,
    listen,
  }: {
    readonly steps: readonly Step[];
    readonly clients: number;
    /** Has the listener called after each crank. */
    readonly listen: (onCrank: () => void) => void;
  },
) => {
  const consoles = Array.from({ length: clients }, () => rig.connect());
  const open = (cluster: string): Promise<World[]> =>
    Promise.all(consoles.map(each => openWorld(each, cluster)));
  const [calm, stormy] = [await open(calmName), await open(stormyName)];
  const renew = makeRenewer(rig, stormyName);
  let renewed = 0;
  let rejected = 0;

  const doAll = (worlds: readonly World[], { deeds }: Step) =>
    Promise.all(
      deeds.map(({ client, deed }) =>
        outcomeOf(doDeed(worlds[client] as World, deed)),
      ),
    );

  const answers: { deed: unknown; calm: Answer; stormy: Answer }[] = [];
  for (const step of steps) {
    const expected = await doAll(calm, step);
    await rig.kernel.idle();
    const cue = makeCue(step.renewals, renewal => {
      renewed += renewal.vats.length;
      return renew(renewal);
    });
    listen(cue.crank);
    const asked = doAll(stormy, step);
    const found = await asked.finally(() => listen(() => {}));
    await cue.end();
    await rig.kernel.idle();
    for (const [index, { deed }] of step.deeds.entries()) {
      if (mayBeLost(deed) && isDisconnection(found[index])) {
        rejected += 1;
      } else {
        answers.push({
          deed,
          calm: comparable(expected[index]),
          stormy: comparable(found[index]),
        });
      }
    }
  }
  for (const vat of VATS) {
    const show = ([world]: readonly World[]) =>
      call(world?.roots.get(vat), 'show');
    answers.push({
      deed: `stored by ${vat}`,
      calm: await show(calm),
      stormy: await show(stormy),
    });
  }
  consoles.forEach(each => each.close());
  return { answers, rejected, renewed };
};
