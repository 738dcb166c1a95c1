import harden from '@endo/harden';
import {
  isServiceId,
  isVatId,
  makeKref,
  makeServiceId,
  type ClusterId,
  type Kref,
  type ServiceId,
} from '@cooperage/protocol';
import type { Refcounts } from '../gc/refcounts.ts';
import type { AliasRow, ServiceObjectRow } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import { weighServiceObject } from '../store/weights.ts';
import type { Reference } from './values.ts';
import { letGoOfAdministration } from './vat-admin-children.ts';
import { VAT_ADMIN } from './vat-admin-ends.ts';

/** Whose objects the aliases are. */
export const REVOCATION: ServiceId = makeServiceId('revocation');
harden(REVOCATION);

/** Objects that services own: a row of `objects` without a c-list entry of an exporter, and one of the service. */
export const makeServiceObjects = (state: State, refcounts: Refcounts) => {
  const makeObject = (owner: ServiceId, iface: string): Reference => {
    const kref = makeKref('object', state.allot('object'));
    state.objects.put({ kref, owner, iface, reachable: 0, recognizable: 0 });
    refcounts.suspect(kref);
    return { type: 'object', kref, iface };
  };
  const clusterOf = (maker: AliasRow['maker']): ClusterId | null =>
    isVatId(maker) ? (state.vats.get(maker)?.cluster ?? null) : null;
  return harden({
    /** To be used inside a crank, as all of these. What nobody holds at its end is gone. Whether its maker may have more is for the caller to see: see `services.ts`. */
    make: ({
      service,
      unitsBeside,
      ...fields
    }: {
      service: ServiceId;
      /** Of text that other rows keep for it; none if it is left out. */
      unitsBeside?: number;
    } & Pick<ServiceObjectRow, 'kind' | 'data' | 'maker'>): Reference => {
      const made = makeObject(service, fields.kind);
      const units = weighServiceObject(fields.data, unitsBeside);
      const cluster = clusterOf(fields.maker);
      state.serviceObjects.put({ kref: made.kref, ...fields, units, cluster });
      return made;
    },
    makeAlias: (
      fields: Pick<AliasRow, 'depth' | 'maker'> & { target: Kref },
    ): Reference => {
      const made = makeObject(REVOCATION, 'alias');
      const cluster = clusterOf(fields.maker);
      state.aliases.put({ kref: made.kref, ...fields, cluster });
      refcounts.hold(fields.target);
      return made;
    },
    /** From now on the alias, if it is there, stands for nothing. */
    revoke: (kref: Kref): void => {
      const alias = state.aliases.get(kref);
      if (alias && alias.target !== null) {
        state.aliases.put({ ...alias, target: null });
        refcounts.release(alias.target);
      }
    },
  });
};
harden(makeServiceObjects);

export type ServiceObjects = ReturnType<typeof makeServiceObjects>;

/**
 * Nobody can reach the object, and none but its owner could name it again, who
 * never does that of itself: if its owner is a service it goes at once, and is an orphan to those
 * who recognize it. True when it was a service's.
 */
export const letGo = (
  state: State,
  refcounts: Refcounts,
  kref: Kref,
): boolean => {
  const row = state.objects.get(kref);
  if (!row || !isServiceId(row.owner)) {
    return false;
  }
  state.objects.put({ ...row, owner: null });
  const object = state.serviceObjects.get(kref);
  if (object) {
    state.serviceObjects.delete(kref);
    if (row.owner === VAT_ADMIN) {
      letGoOfAdministration(state, refcounts, object);
    }
  }
  const alias = state.aliases.get(kref);
  if (alias) {
    state.aliases.delete(kref);
    if (alias.target !== null) {
      refcounts.release(alias.target);
    }
  }
  return true;
};
harden(letGo);
