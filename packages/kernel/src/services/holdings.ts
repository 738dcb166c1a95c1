import harden from '@endo/harden';
import { type Kref, type ServiceId } from '@cooperage/protocol';
import { TIMER } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import { REVOCATION } from './objects.ts';
import { VAT_ADMIN } from './vat-admin-ends.ts';

/** One thing that a service holds, and for which of its objects. */
export type Holding = {
  readonly kref: Kref;
  readonly service: ServiceId;
  readonly object: Kref;
};

/** All that the rows of services hold; each counts one. */
export const heldByServices = (state: State): readonly Holding[] => {
  const found: Holding[] = [];
  const note = (kref: Kref | null, service: ServiceId, object: Kref): void => {
    if (kref !== null) {
      found.push({ kref, service, object });
    }
  };
  for (const { kref, target } of state.aliases.values()) {
    note(target, REVOCATION, kref);
  }
  for (const { timer, handler, promise } of state.timers.values()) {
    note(handler, TIMER, timer);
    note(promise, TIMER, timer);
  }
  for (const { promise, slots, service, object } of state.calls.values()) {
    [...slots, promise].forEach(held => note(held, service, object));
  }
  for (const { administrator, slots, promise } of state.births.values()) {
    [...slots, promise].forEach(held => note(held, VAT_ADMIN, administrator));
  }
  for (const { node, done } of state.children.values()) {
    note(done, VAT_ADMIN, node);
  }
  return found;
};
harden(heldByServices);
