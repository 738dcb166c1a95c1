import type { Delivery, Json, Kref, Syscall } from '@cooperage/protocol';
import type { Rig } from './rig.ts';
import {
  dataOf,
  makeStage,
  settle,
  subscribe,
  vref,
  type Stage,
} from './stage.ts';

/** A call with data for arguments; `"$0"` in them is the first slot. */
export const call = (
  target: string,
  method: string,
  args: readonly Json[] = [],
  result: string | null = null,
  ...slots: readonly string[]
): Syscall => [
  'send',
  vref(target),
  {
    methargs: dataOf([method, args], ...slots),
    result: result === null ? null : vref(result),
  },
];

/** A vref of the client for the one object of a service that is of that kind. */
export const referTo = async (
  { kernel }: Rig,
  client: Stage['client'],
  kind: string,
): Promise<string> => {
  const row = [...kernel.state.serviceObjects.values()].find(
    each => each.kind === kind,
  );
  if (!row) {
    throw Error(`there is no object of the kind ${kind}`);
  }
  return referToKref(client, row.kref);
};

export const referToKref = async (
  client: Stage['client'],
  kref: Kref,
): Promise<string> => Object(await client.rpc.call('reference', { kref })).vref;

/** What the client was told of a promise: how it was settled and with what. */
export type Told =
  | {
      readonly isRejected: boolean;
      readonly value: unknown;
      readonly slots: readonly string[];
    }
  | undefined;

export const toldOf = (
  deliveries: readonly Delivery[],
  promise: string,
): Told => {
  for (const delivery of deliveries) {
    for (const [each, isRejected, { body, slots }] of delivery[0] === 'notify'
      ? delivery[1]
      : []) {
      if (each === promise) {
        return { isRejected, value: JSON.parse(body.slice(1)), slots };
      }
    }
  }
  return undefined;
};

/** A stage whose cluster was granted services, and a client that calls them. */
export const makeServiceStage = async (
  names: readonly string[],
  services: readonly Json[],
  options: Parameters<typeof makeStage>[1] = {},
) => {
  const stage = await makeStage(names, { ...options, services });
  const { client } = stage;
  let promises = 0;
  return {
    ...stage,
    refer: (kind: string): Promise<string> => referTo(stage.rig, client, kind),
    /** Calls, lets things settle, and gives the promise for the answer. */
    ask: async (
      target: string,
      method: string,
      args: readonly Json[] = [],
      ...slots: readonly string[]
    ): Promise<string> => {
      promises += 1;
      const result = `p+${promises}`;
      await stage.say(
        call(target, method, args, result, ...slots),
        subscribe(result),
      );
      return result;
    },
    told: (promise: string): Told => toldOf(client.deliveries, promise),
    settle,
  };
};
