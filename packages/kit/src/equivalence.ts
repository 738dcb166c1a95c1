import { E } from '@endo/far';
import type { Rig } from './rig.ts';
import { VATS, type Deed } from './testing/renewed-vats.ts';

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
  /** The kernel is lost once all is answered and so many cranks more have been, or nothing is left to do; null for not at all. */
  readonly reboot: number | null;
};

/** Where a cluster runs. */
export type Side = {
  readonly cluster: string;
  /** The rig that runs it now. */
  readonly rig: () => Rig;
  /** Loses the kernel, and opens what it has stored in another: that is the rig from then on. */
  readonly reboot?: () => Promise<void>;
  /** Has something else be in flight until the returned function is called: so what is answered meanwhile is committed for its own sake, and not because there is nothing to do. */
  readonly occupy?: () => Promise<() => void>;
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

type Answer = unknown;

/** What one client holds of one cluster. */
type World = {
  readonly console: Rig['console'];
  readonly roots: ReadonlyMap<string, Remote>;
  /** Cells as they were first given to the client, by place. */
  readonly held: Map<string, Remote>;
  /** Whether they are kept in home too, for their session will end. */
  readonly isKept: boolean;
};

const another = (vat: string): string =>
  VATS[(VATS.indexOf(vat) + 1) % VATS.length] ?? vat;

/** Where the vat has something of that name; the name in home too. */
const placeOf = ({ vat, name }: Pick<Deed, 'vat' | 'name'>): string =>
  `${vat}.${name}`;

/** The world of one more session; `places` are those whose cells an earlier one has kept. */
const openWorld = async (
  { rig, cluster, reboot }: Side,
  places: readonly string[] = [],
): Promise<World> => {
  const console = rig().connect();
  const { kernel, home } = console;
  const roots = await Promise.all(
    VATS.map(async vat => [vat, await E(kernel).root(cluster, vat)] as const),
  );
  const held = new Map<string, Remote>();
  for (const place of places) {
    held.set(place, Object(await home[place]));
  }
  return { console, roots: new Map(roots), held, isKept: reboot !== undefined };
};

const hold = async (
  { console: { kernel }, held, isKept }: World,
  place: string,
  cell: Remote,
): Promise<void> => {
  if (isKept && held.has(place)) {
    await E(kernel).forget(place);
  }
  held.set(place, cell);
  if (isKept) {
    await E(kernel).keep(place, cell);
  }
};

const doDeed = async (world: World, deed: Deed): Promise<Answer> => {
  const { roots, held } = world;
  const { kind, vat, name } = deed;
  const root = roots.get(vat);
  const place = placeOf(deed);
  switch (kind) {
    case 'grow':
      await hold(world, place, Object(await call(root, 'grow', name)));
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
  let onCrank = (): void => {};
  const start = (renewal: Renewal): void => {
    left.delete(renewal);
    under.push(begin(renewal));
  };
  return {
    crank: (): void => {
      cranks += 1;
      onCrank();
      [...left].filter(each => cranks > each.cranks).forEach(start);
    },
    /** Resolves when so many more have been. */
    wait: (count: number): Promise<void> => {
      const until = cranks + count;
      return new Promise(resolve => {
        onCrank = () => {
          if (cranks >= until) {
            resolve();
          }
        };
        onCrank();
      });
    },
    end: async (): Promise<void> => {
      [...left].forEach(start);
      await Promise.all(under);
    },
  };
};

/** Orders the renewals of one cluster as a person does. */
const makeRenewer = ({ rig: rigNow, cluster }: Side) => {
  const renewOne = async (
    rig: Rig,
    vat: string,
    how: Renewal['how'],
  ): Promise<unknown> => {
    const { kernel } = rig.console;
    switch (how) {
      case 'restart':
        return E(kernel).restart(cluster, vat);
      case 'upgrade': {
        /** The code that it runs. */
        const { bundleHash: hash = '' } =
          rig.kernel
            .status()
            .clusters.flatMap(({ vats }) => vats)
            .find(({ name }) => name === vat) ?? {};
        return unlessRefused(E(kernel).upgrade(cluster, vat, { hash }));
      }
      case 'suspend':
        await unlessRefused(E(kernel).suspend(cluster, vat));
        return unlessRefused(E(kernel).resume(cluster, vat));
      case 'pause':
        await unlessRefused(E(kernel).pause(cluster, vat));
        return unlessRefused(E(kernel).unpause(cluster, vat));
    }
  };
  return {
    renew: async ({ vats, how }: Renewal): Promise<void> => {
      const rig = rigNow();
      try {
        await Promise.all(vats.map(vat => renewOne(rig, vat, how)));
      } catch (problem) {
        if (!rig.isOver()) {
          throw problem;
        }
      }
    },
    /** After a loss of the kernel: the second half of what was cut in two. */
    letGo: async (): Promise<void> => {
      const { kernel } = rigNow().console;
      await unlessRefused(E(kernel).resume(cluster));
      await unlessRefused(E(kernel).unpause(cluster));
    },
  };
};

/**
 * Does the steps with both clusters, all deeds of a step at once and by several
 * clients; the vats of the second one get new heaps on the way, and new kernels
 * between answers. Gives what was answered, and at the end what both have stored;
 * of a promise that a lost heap was to decide there is no answer.
 */
export const runProgram = async (
  [calm, stormy]: readonly [Side, Side],
  {
    steps,
    clients,
    listen,
  }: {
    readonly steps: readonly Step[];
    readonly clients: number;
    /** Has the listener called after each crank of the second one. */
    readonly listen: (onCrank: () => void) => void;
  },
) => {
  const open = (side: Side): Promise<World[]> =>
    Promise.all(Array.from({ length: clients }, () => openWorld(side)));
  const calmWorlds = await open(calm);
  let stormyWorlds = await open(stormy);
  const { renew, letGo } = makeRenewer(stormy);
  const counted = { renewed: 0, rejected: 0, reboots: 0 };

  const doAll = (worlds: readonly World[], { deeds }: Step) =>
    Promise.all(
      deeds.map(({ client, deed }) =>
        outcomeOf(doDeed(worlds[client] as World, deed)),
      ),
    );

  /** What the vats have still to say to each other goes on in the next kernel. */
  const reboot = async (wait: Promise<void>): Promise<void> => {
    await Promise.race([wait, stormy.rig().kernel.idle()]);
    await stormy.reboot?.();
    counted.reboots += 1;
    stormyWorlds = await Promise.all(
      stormyWorlds.map(({ held }) => openWorld(stormy, [...held.keys()])),
    );
    await letGo();
  };

  const answers: { deed: unknown; calm: Answer; stormy: Answer }[] = [];
  for (const step of steps) {
    const expected = await doAll(calmWorlds, step);
    await calm.rig().kernel.idle();
    const cue = makeCue(step.renewals, renewal => {
      counted.renewed += renewal.vats.length;
      return renew(renewal);
    });
    listen(cue.crank);
    const free = await stormy.occupy?.();
    const found = await doAll(stormyWorlds, step);
    if (step.reboot !== 0) {
      free?.();
    }
    if (step.reboot !== null) {
      await reboot(cue.wait(step.reboot));
    }
    listen(() => {});
    await cue.end();
    await stormy.rig().kernel.idle();
    for (const [index, { deed }] of step.deeds.entries()) {
      if (mayBeLost(deed) && isDisconnection(found[index])) {
        counted.rejected += 1;
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
      calm: await show(calmWorlds),
      stormy: await show(stormyWorlds),
    });
  }
  [...calmWorlds, ...stormyWorlds].forEach(world => world.console.close());
  return { answers, ...counted };
};
