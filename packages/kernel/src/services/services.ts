import harden from '@endo/harden';
import {
  CooperageError,
  encodeError,
  makeServiceId,
  type ServiceGrant,
  type ServiceId,
} from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import type { Outputs } from '../outputs.ts';
import type { Phase } from '../phase.ts';
import type { Clock } from '../ports.ts';
import type { QueueRow } from '../store/schema.ts';
import type { ClusterRow } from '../store/vat-schema.ts';
import type { State } from '../store/state.ts';
import type { ServiceObjects } from './objects.ts';
import { Refusal, refuseUnless } from './refusal.ts';
import { LATER, type Call, type Method, type Service } from './service.ts';
import { isList, readValue, writeValue, type Reference } from './values.ts';

/** Calls that services answer in one turn of the kernel's thread. */
const CALLS_PER_TURN = 200;

const listOf = (names: readonly string[]): string => names.join(', ') || 'none';

/**
 * The kernel's services: each has an inbox as a vat has, and works off one item
 * of it in one crank, at once. A call that a service refuses changes nothing.
 */
export const makeServices = (
  state: State,
  {
    parts,
    outputs,
    phase,
    clock,
    objects,
    pump,
    services,
  }: {
    parts: CrankParts;
    outputs: Outputs;
    phase: Phase;
    clock: Clock;
    objects: ServiceObjects;
    pump: () => void;
    services: ReadonlyMap<string, Service>;
  },
) => {
  const { inbox, promises, usage } = parts;
  const byId = new Map<ServiceId, Service>();
  for (const [name, service] of services) {
    byId.set(makeServiceId(name), service);
  }
  let left = CALLS_PER_TURN;

  const methodOf = (id: ServiceId, kind: string, name: unknown): Method => {
    const service = byId.get(id);
    refuseUnless(
      service,
      () => `This kernel has no service ${id.slice(1)}`,
      'Error',
    );
    const methods = service.kinds[kind] ?? {};
    const method =
      typeof name === 'string' && Object.hasOwn(methods, name)
        ? methods[name]
        : undefined;
    refuseUnless(
      method,
      () =>
        `${kind} has no method ${typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : 'of that name'}; it has ${Object.keys(methods).join(', ')}`,
    );
    return method;
  };

  const answer = (
    id: ServiceId,
    item: QueueRow,
    effects: Pick<Call, 'afterCommit' | 'afterCrank'>,
  ): void => {
    const self = state.serviceObjects.get(item.target);
    refuseUnless(self, () => `${item.target} is no object of ${id}`, 'Error');
    const methargs = { body: item.body, slots: item.slots };
    const call = readValue(methargs);
    const [name, args] = isList(call) ? call : [];
    const method = methodOf(id, self.kind, name);
    refuseUnless(
      args !== undefined && isList(args),
      () => 'the arguments are no list',
    );
    const { result, sender } = item;
    const before = usage.servedTo(sender);
    const value = method({ self, args, methargs, sender, result, ...effects });
    if (usage.servedTo(sender) > before) {
      const problem = usage.problemOfServed(sender);
      refuseUnless(problem === undefined, () => `${problem}`, 'RangeError');
    }
    if (value !== LATER && result !== null) {
      promises.resolve(result, false, writeValue(value));
    }
  };

  const refuse = (item: QueueRow, { name, message }: Refusal): void => {
    parts.run(() => {
      inbox.remove(item);
      if (item.result !== null) {
        promises.resolve(item.result, true, encodeError(name, message));
      }
    });
  };

  /** Answers the next call of the service's inbox. */
  const deliverHead = (id: ServiceId): void => {
    const item = inbox.head(id);
    if (!item) {
      return;
    }
    left -= 1;
    if (left === 0) {
      clock.soon(() => phase.guard(pump));
    }
    const onCommit: (() => void)[] = [];
    const onKept: (() => void)[] = [];
    try {
      parts.run(() => {
        inbox.remove(item);
        answer(id, item, {
          afterCommit: effect => onCommit.push(effect),
          afterCrank: effect => onKept.push(effect),
        });
      });
    } catch (problem) {
      if (!(problem instanceof Refusal)) {
        throw problem;
      }
      refuse(item, problem);
      return;
    }
    onKept.forEach(effect => effect());
    onCommit.forEach(effect => outputs.leave(effect));
  };

  return harden({
    deliverHead,
    /** False when the services have had their share of this turn. */
    isFree: (): boolean => left > 0,
    /** To be called when the kernel's thread begins a new turn. */
    beginTurn: (): void => {
      left = CALLS_PER_TURN;
    },
    /** Throws CooperageError SERVICE_UNKNOWN when one of them is not here. */
    insistKnown: (grants: readonly ServiceGrant[]): void => {
      for (const { service } of grants) {
        if (!services.has(service)) {
          throw new CooperageError(
            'SERVICE_UNKNOWN',
            `There is no service ${JSON.stringify(service)}: this kernel offers ${listOf([...services.keys()])}`,
          );
        }
      }
    },
    /** Objects for a cluster, by the name that its config gives each. Grants that say the same give one object, with one bound. To be used inside a crank. */
    grant: (
      cluster: Pick<ClusterRow, 'id' | 'name'>,
      grants: readonly ServiceGrant[],
    ): Record<string, Reference> => {
      const made = new Map<string, Reference>();
      const provide = (grant: ServiceGrant): Reference => {
        const { service } = grant;
        const { kind, data } = services.get(service)?.grant(cluster, grant) ?? {
          kind: service,
          data: '',
        };
        const key = JSON.stringify([service, kind, data]);
        const object =
          made.get(key) ??
          objects.make({
            service: makeServiceId(service),
            kind,
            data,
            maker: null,
          });
        made.set(key, object);
        return object;
      };
      return Object.fromEntries(grants.map(each => [each.as, provide(each)]));
    },
    /** Some vat or session is no more. To be called inside a crank. */
    tidy: (): void => {
      for (const { tidy } of services.values()) {
        tidy?.();
      }
    },
    /** To be called, outside of a crank, when garbage is collected; true when something has gone. */
    sweep: (): boolean =>
      [...services.values()].map(({ sweep }) => sweep?.()).includes(true),
    restore: (): void => {
      for (const { restore } of services.values()) {
        restore?.();
      }
    },
  });
};
harden(makeServices);

export type Services = ReturnType<typeof makeServices>;
