import {
  ROOT_VREF,
  type CapData,
  type Delivery,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import type { Behavior, Deed, RawVat } from './raw-vats.ts';
import { makeRig, type RawClient, type Rig } from './rig.ts';

declare const setImmediate: (callback: () => void) => void;

export const vref = (text: string): Vref => text as Vref;
export const dataOf = (value: unknown, ...slots: string[]): CapData => ({
  body: `#${JSON.stringify(value)}`,
  slots: slots.map(vref),
});
export const send = (
  target: string,
  method: string,
  slots: readonly string[] = [],
  result: string | null = null,
): Syscall => [
  'send',
  vref(target),
  {
    methargs: dataOf([method, slots.map((_, index) => `$${index}`)], ...slots),
    result: result === null ? null : vref(result),
  },
];
export const subscribe = (promise: string): Syscall => [
  'subscribe',
  vref(promise),
];
export const fulfil = (promise: string, data: CapData): Syscall => [
  'resolve',
  [[vref(promise), false, data]],
];
export const reject = (promise: string, data: CapData): Syscall => [
  'resolve',
  [[vref(promise), true, data]],
];

/** Two turns: time for what is on its way between vats, kernel and clients. */
export const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 4; turns += 1) {
    await new Promise<void>(resolve => setImmediate(() => resolve()));
  }
};

export type Stage = {
  readonly rig: Rig;
  readonly client: RawClient;
  /** The running worker of that vat. */
  vat(name: string): RawVat;
  /** Its delivery in flight; throws when there is none. */
  flight(name: string): Delivery;
  /** The client's vref of that vat's root. */
  root(name: string): string;
  /** Launches a cluster of one vat, and another that gets the bootstrap; gives the client's vref of its root. */
  launch(cluster: string, vat: string): Promise<string>;
  /** Answers the delivery in flight and lets things settle. */
  finish(name: string, ...syscalls: readonly Syscall[]): Promise<void>;
  finishWith(name: string, deed: Deed): Promise<void>;
  /** Sends from the client and lets things settle. */
  say(...syscalls: readonly Syscall[]): Promise<void>;
};

/** Starts, bootstraps and what has to do with garbage are answered at once, all else is held open. */
export const answerStart = (delivery: Delivery): Deed | undefined => {
  if (delivery[0] !== 'message' && delivery[0] !== 'notify') {
    return {};
  }
  if (
    delivery[0] === 'message' &&
    delivery[2].methargs.body.startsWith('#["bootstrap"')
  ) {
    const { result } = delivery[2];
    return result ? { syscalls: [fulfil(result, dataOf(0))] } : {};
  }
  return undefined;
};

/**
 * Raw vats whose every message is held open until the test answers it; their
 * starts and bootstraps are answered at once. One more vat, `boot`, gets the
 * bootstrap and no more. The client has the roots of all the others.
 */
export const makeStage = async (
  names: readonly string[],
  {
    behave = answerStart,
    ...options
  }: NonNullable<Parameters<typeof makeRig>[1]> & {
    /** Another way to answer. */
    behave?: Behavior;
  } = {},
): Promise<Stage> => {
  const rig = makeRig(behave, {
    parallel: 8,
    // By the real clock a held delivery would come to count no more, and who is quick would follow from it.
    ...(options.clock ? {} : { longMilliseconds: 1e9 }),
    quickMilliseconds: 0,
    ...options,
  });
  await rig.launch('demo', ['boot', ...names]);
  await settle();
  const client = await rig.connect();
  const refer = async (cluster: string, vat: string): Promise<string> =>
    Object(await client.rpc.call('reference', { cluster, vat })).vref;
  const roots = new Map<string, string>();
  for (const name of names) {
    roots.set(name, await refer('demo', name));
  }
  const vat = rig.vats.get;
  const finishWith = async (name: string, deed: Deed): Promise<void> => {
    vat(name).finish(deed);
    await settle();
  };
  return {
    rig,
    client,
    vat,
    flight: name => {
      const { deliveries, isBusy } = vat(name);
      const last = deliveries.at(-1);
      if (!isBusy || !last) {
        throw Error(`nothing is in flight to ${name}`);
      }
      return last;
    },
    launch: async (cluster, name) => {
      await rig.launch(cluster, ['host', name]);
      await settle();
      return refer(cluster, name);
    },
    root: name => roots.get(name) ?? ROOT_VREF,
    finish: (name, ...syscalls) => finishWith(name, { syscalls }),
    finishWith,
    say: async (...syscalls) => {
      client.send(...syscalls);
      await settle();
    },
  };
};

/** What people are told of that vat; undefined when there is none. */
export const vatOf = ({ rig }: Pick<Stage, 'rig'>, name = 'alice') =>
  rig.kernel
    .status()
    .clusters.flatMap(({ vats }) => vats)
    .find(vat => vat.name === name);

/** All that the client was told of promises, in order. */
export const heardBy = ({ client }: Pick<Stage, 'client'>) =>
  client.deliveries.flatMap(delivery =>
    delivery[0] === 'notify' ? delivery[1] : [],
  );

/** Stops the kernel, which must have kept running until now. */
export const end = async ({ rig }: Stage): Promise<void> => {
  const { state, reason } = rig.kernel.status();
  if (state !== 'running') {
    throw Error(`the kernel is ${state}: ${reason}`);
  }
  await rig.kernel.stop();
};
