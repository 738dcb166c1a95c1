import harden from '@endo/harden';
import type {
  CapData,
  EndpointId,
  Kref,
  ServiceGrant,
} from '@cooperage/protocol';
import type { ClusterRow } from '../store/vat-schema.ts';
import type { ServiceObjectRow } from '../store/service-schema.ts';
import type { Value } from './values.ts';

/** Instead of an answer: the service has taken the promise for it and resolves that itself. */
export const LATER = Symbol('later');
harden(LATER);

/** One call of one object of a service, while its crank runs. */
export type Call = {
  readonly self: ServiceObjectRow;
  readonly args: readonly Value[];
  /** All that was sent, as it was sent: the method's name and the arguments. */
  readonly methargs: CapData<Kref>;
  /** Who has sent it; null for the kernel. */
  readonly sender: EndpointId | null;
  /** The promise for the answer. A method that gives LATER holds it, in a row of its own. */
  readonly result: Kref | null;
  /** Does something outside as soon as this crank is committed; not at all if that never is. */
  readonly afterCommit: (effect: () => void) => void;
  /**
   * Does something as soon as this crank is kept, in cranks of its own: no commit
   * comes between, so all of it is durable or none.
   */
  readonly afterCrank: (effect: () => void) => void;
};

/** Runs inside a crank and is over at once. Throws Refusal, and then nothing of it has been. */
export type Method = (call: Call) => Value | typeof LATER;

/** What the kinds of a service's objects can do: methods by name, by kind. */
export type Kinds = Readonly<Record<string, Readonly<Record<string, Method>>>>;

/**
 * A part of the kernel that is reached like any object. It keeps what it knows in
 * tables, and all that a call does is one crank.
 */
export type Service = {
  readonly kinds: Kinds;
  /** What a cluster that is granted the service gets: the object's kind, and what is kept for it. Called inside a crank. */
  readonly grant: (
    cluster: Pick<ClusterRow, 'id' | 'name'>,
    grant: Pick<ServiceGrant, 'caveats' | 'admin'>,
  ) => Pick<ServiceObjectRow, 'kind' | 'data'>;
  /** Goes on with what an earlier run of the kernel left; called once, outside of a crank. */
  readonly restore?: () => void;
  /** Some endpoint is no more: what was to be done for it alone goes. Called inside a crank. */
  readonly tidy?: () => void;
  /** Garbage is collected: what nobody can hear of goes. Called outside of a crank; true when something has gone. */
  readonly sweep?: () => boolean;
};
