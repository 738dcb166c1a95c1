import { expect } from 'vitest';
import type { Delivery, Syscall, Vref } from '@cooperage/protocol';
import type { Behavior } from './raw-vats.ts';
import { findDue } from './recount.ts';
import {
  answerStart,
  makeStage,
  send,
  settle,
  vref,
  type Stage,
} from './stage.ts';

export const drop = (...vrefs: string[]): Syscall => [
  'dropImports',
  vrefs.map(vref),
];
export const retire = (...vrefs: string[]): Syscall => [
  'retireImports',
  vrefs.map(vref),
];
export const retireOwn = (...vrefs: string[]): Syscall => [
  'retireExports',
  vrefs.map(vref),
];

const isGc = ([kind]: Delivery): boolean =>
  !['startVat', 'message', 'notify'].includes(kind);

/** Rows of the tables that grow and shrink with what is held. */
export const rowsOf = ({ rig: { kernel } }: Pick<Stage, 'rig'>) => {
  const { objects, promises, clists, queue, retiring } = kernel.state;
  return {
    objects: objects.size,
    promises: promises.size,
    clists: clists.size,
    queue: queue.size,
    retiring: retiring.size,
  };
};

export type GcStage = Stage & {
  /** What the running worker of that vat has been told of garbage, reaps aside. */
  told(name: string): Delivery[];
  /** Has all garbage collected, and lets things settle; nothing is due to anybody then. */
  collect(): Promise<void>;
  /** Has a collection begin that the test's own answers end. */
  begin(): Promise<{ ended: Promise<unknown> }>;
  /** Holds deliveries of that kind to that vat open from now on. */
  hold(name: string, ...kinds: Delivery[0][]): void;
  /** In a message to `from`, that one sends its object to `to`, which ends its delivery. */
  give(from: string, to: string, ...vrefs: string[]): Promise<void>;
  /** Has the vat make these syscalls in a delivery of their own. */
  act(name: string, ...syscalls: readonly Syscall[]): Promise<void>;
  /** Gives the vat an object that it does not know yet: the next idleness has it reaped. */
  litter(name: string): Promise<void>;
};

/**
 * A stage for garbage: nothing is collected unless the test says so. Each vat
 * has the roots of the others as its first imports: `refs('bob', 'alice')`.
 */
export const makeGcStage = async (
  names: readonly string[],
  options: Parameters<typeof makeStage>[1] = {},
): Promise<GcStage & { ref(of: string, to: string): string }> => {
  const held = new Map<string, ReadonlySet<Delivery[0]>>();
  const refs = new Map<string, Map<string, Vref>>();
  const behave: Behavior = (delivery, vat) => {
    if (held.get(vat.label)?.has(delivery[0])) {
      return undefined;
    }
    if (
      delivery[0] === 'message' &&
      delivery[2].methargs.body.startsWith('#["meet"')
    ) {
      const [target] = delivery[2].methargs.slots;
      const name = String(
        JSON.parse(delivery[2].methargs.body.slice(1))[1]?.[0],
      );
      const known = refs.get(vat.label) ?? new Map<string, Vref>();
      refs.set(vat.label, known.set(name, target as Vref));
      return {};
    }
    return answerStart(delivery);
  };
  const stage = await makeStage(names, {
    behave,
    collectMilliseconds: Infinity,
    fewReferences: 1,
    ...options,
  });
  for (const from of names) {
    for (const to of names.filter(name => name !== from)) {
      await stage.say([
        'send',
        vref(stage.root(from)),
        {
          methargs: {
            body: `#${JSON.stringify(['meet', [to, '$0']])}`,
            slots: [vref(stage.root(to))],
          },
          result: null,
        },
      ]);
    }
  }
  const ref = (of: string, to: string): string => {
    const found = refs.get(of)?.get(to);
    if (!found) {
      throw Error(`${of} does not know ${to}`);
    }
    return found;
  };
  const act = async (
    name: string,
    ...syscalls: readonly Syscall[]
  ): Promise<void> => {
    await stage.say([
      'send',
      vref(stage.root(name)),
      { methargs: { body: '#["act",[]]', slots: [] }, result: null },
    ]);
    await stage.finish(name, ...syscalls);
  };
  let litters = 0;
  return {
    ...stage,
    ref,
    act,
    litter: async name => {
      litters += 1;
      await stage.say(send(stage.root(name), 'take', [`o+${9e5 + litters}`]));
      await stage.finish(name);
    },
    told: name =>
      stage.vat(name).deliveries.filter(each => isGc(each) && each.length > 1),
    collect: async () => {
      await stage.client.rpc.call('collect', {});
      await settle();
      expect(findDue(stage.rig.kernel.state)).toEqual([]);
    },
    begin: async () => {
      const ended = stage.client.rpc.call('collect', {});
      await settle();
      return { ended };
    },
    hold: (name, ...kinds) => {
      held.set(name, new Set(kinds));
    },
    give: async (from, to, ...vrefs) => {
      await act(from, [
        'send',
        vref(ref(from, to)),
        {
          methargs: { body: '#["take",[]]', slots: vrefs.map(vref) },
          result: null,
        },
      ]);
      await stage.finish(to);
    },
  };
};

/** Ends the stage; the kernel must have been well. */
export const end = async (stage: Stage): Promise<void> => {
  const { state, reason } = stage.rig.kernel.status();
  expect({ state, reason }).toEqual({ state: 'running', reason: undefined });
  for (const vat of stage.rig.vats.all) {
    while (vat.isBusy && !vat.isKilled) {
      vat.finish();
      await settle();
    }
  }
  await stage.rig.kernel.stop();
};
