import harden from '@endo/harden';
import {
  isServiceId,
  type EndpointId,
  type EndpointMention,
  type Kref,
  type RefMention,
  type SessionId,
  type VatId,
} from '@cooperage/protocol';
import type { State } from '../store/state.ts';

/** How references and endpoints are spoken of; true for as long as the tables don't change. */
export const makeMentions = (state: State) => {
  const names = new Map<Kref, string>();
  for (const { kref, name } of state.home.values()) {
    names.set(kref, name);
  }
  const nameOfVat = (vat: VatId): string | undefined => {
    const row = state.vats.get(vat);
    return row && `${state.clusters.get(row.cluster)?.name}.${row.name}`;
  };
  for (const { id, root } of state.vats.values()) {
    names.set(root, nameOfVat(id) ?? id);
  }
  return {
    ref: (kref: Kref): RefMention => {
      const { iface = null, owner = null } = state.objects.get(kref) ?? {};
      // What the kernel says of its own is no allegation.
      const own = isServiceId(owner) ? `the kernel's ${iface}` : null;
      return { kref, iface, name: names.get(kref) ?? own };
    },
    endpoint: (endpoint: EndpointId): EndpointMention => ({
      endpoint,
      name:
        nameOfVat(endpoint as VatId) ??
        state.sessions.get(endpoint as SessionId)?.label ??
        (isServiceId(endpoint) ? `service ${endpoint.slice(1)}` : 'gone'),
    }),
  };
};
harden(makeMentions);

export type Mentions = ReturnType<typeof makeMentions>;
