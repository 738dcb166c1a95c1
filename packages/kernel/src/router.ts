import harden from '@endo/harden';
import {
  encodeError,
  isPromiseKref,
  parseSingleReference,
  type CapData,
  type EndpointId,
  type Kref,
  type VatId,
} from '@cooperage/protocol';
import type { KernelMessage, Inbox } from './inbox.ts';
import type { Promises } from './promises.ts';
import { REVOCATION } from './services/objects.ts';
import { isSettled } from './promise-state.ts';
import type { PromiseRow, QueueName } from './store/schema.ts';
import type { State } from './store/state.ts';
import type { Usage } from './usage.ts';

/** Where a message goes. */
export type Route =
  | {
      readonly to: 'inbox';
      readonly endpoint: EndpointId;
      readonly target: Kref;
    }
  | { readonly to: 'park'; readonly target: Kref }
  | { readonly to: 'reject'; readonly data: CapData<Kref> };

/** The object itself, or for an alias what it stands for in the end; undefined when it or one between was revoked. */
export const standsFor = (state: State, object: Kref): Kref | undefined => {
  let found = object;
  while (state.objects.get(found)?.owner === REVOCATION) {
    const alias = state.aliases.get(found);
    if (!alias) {
      return found; // another of that service's objects
    }
    if (alias.target === null) {
      return undefined;
    }
    found = alias.target;
  }
  return found;
};
harden(standsFor);

const findRouteToObject = (state: State, target: Kref): Route => {
  const object = standsFor(state, target);
  if (object === undefined) {
    return {
      to: 'reject',
      data: encodeError('Error', `${target} was revoked`),
    };
  }
  const owner = state.objects.get(object)?.owner;
  const endpoint = owner && !state.endings.has(owner) ? owner : undefined;
  const failure = endpoint && state.vats.get(endpoint as VatId)?.failure;
  if (endpoint && !failure) {
    return { to: 'inbox', endpoint, target: object };
  }
  const problem = failure
    ? `vat ${endpoint} can't run: ${failure}`
    : `${target} is gone: its vat has ended or lost it`;
  return { to: 'reject', data: encodeError('Error', problem) };
};

/** Where a promise whose answer is known passes messages on to. */
const findRouteOnward = (
  state: State,
  { kref, state: settled, body, slots }: PromiseRow,
): Route => {
  const data = { body: body ?? '', slots };
  if (settled === 'rejected' || settled === 'rejecting') {
    return { to: 'reject', data };
  }
  const object = parseSingleReference(data);
  return object && !isPromiseKref(object)
    ? findRouteToObject(state, object)
    : {
        to: 'reject',
        data: encodeError(
          'TypeError',
          `Cannot send a message to ${kref}: it was fulfilled with data, not with an object`,
        ),
      };
};

/**
 * Routes at the moment a message is applied: an object's exporter gets it, an
 * alias passes it on to the object that it stands for, an unresolved promise parks it, a settled promise passes it on to what it became.
 */
export const findRoute = (state: State, target: Kref): Route => {
  if (!isPromiseKref(target)) {
    return findRouteToObject(state, target);
  }
  const promise = state.promises.get(target);
  if (promise && isSettled(promise)) {
    return findRouteOnward(state, promise);
  }
  const end = promise?.decider && state.endings.get(promise.decider);
  return end
    ? { to: 'reject', data: encodeError('Error', end.reason) }
    : { to: 'park', target };
};
harden(findRoute);

export const makeRouter = (
  state: State,
  {
    promises,
    inbox,
    usage,
    onRefused,
  }: {
    promises: Promises;
    inbox: Inbox;
    usage: Usage;
    /** The endpoint's message was refused, and nobody waits for its answer. */
    onRefused: (endpoint: EndpointId, problem: string) => void;
  },
) => {
  /** Rejects the answer to a message for which there is no room; its sender's crank goes on. */
  const isRefused = (message: KernelMessage, queue: QueueName): boolean => {
    const problem = usage.problemOfMessage(queue, message);
    if (problem !== undefined) {
      promises.rejectResult(message.result, 'Error', problem);
      if (message.result === null && message.sender !== null) {
        onRefused(message.sender, problem);
      }
    }
    return problem !== undefined;
  };
  const follow = (message: KernelMessage, route: Route): void => {
    switch (route.to) {
      case 'inbox':
        if (!isRefused(message, route.endpoint)) {
          inbox.deliverTo(route.endpoint, {
            ...message,
            target: route.target,
          });
        }
        break;
      case 'park':
        if (!isRefused(message, route.target)) {
          inbox.park(message);
        }
        break;
      case 'reject':
        if (message.result !== null) {
          promises.resolve(message.result, true, route.data);
        }
        break;
      default:
        route satisfies never;
    }
  };
  return {
    route: (message: KernelMessage): void =>
      follow(message, findRoute(state, message.target)),
    /** Routes what was parked on a promise whose answer is known by now. */
    passOn: (message: KernelMessage, promise: PromiseRow): void =>
      follow(message, findRouteOnward(state, promise)),
  };
};
harden(makeRouter);
