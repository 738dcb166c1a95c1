import harden from '@endo/harden';
import {
  CooperageError,
  type Kref,
  type ReferenceRequest,
} from '@cooperage/protocol';
import type { Clusters } from './clusters.ts';
import type { State } from './store/state.ts';

/** What people's names for objects stand for, and what an object is called. */
export const makeNaming = (
  state: State,
  clusters: Pick<Clusters, 'vatByName'>,
) => {
  /** An object is called what it alleges, or else by the name that people know it by. */
  const named = (
    kref: Kref,
    name: string | undefined,
  ): { kref: Kref; iface: string } => ({
    kref,
    iface: `Alleged: ${state.objects.get(kref)?.iface ?? name ?? 'object'}`,
  });

  const nameOf = (kref: Kref): string | undefined =>
    [...state.vats.values()].find(row => row.root === kref)?.name ??
    [...state.home.values()].find(row => row.kref === kref)?.name;

  return {
    /** Throws CooperageError OBJECT_UNKNOWN, CLUSTER_UNKNOWN or VAT_UNKNOWN. */
    krefOf: (request: ReferenceRequest): { kref: Kref; iface: string } => {
      if ('kref' in request) {
        if (!state.objects.has(request.kref)) {
          throw new CooperageError(
            'OBJECT_UNKNOWN',
            `There is no object ${request.kref}`,
          );
        }
        return named(request.kref, nameOf(request.kref));
      }
      if ('home' in request) {
        const row = state.home.get(request.home);
        if (!row) {
          throw new CooperageError(
            'OBJECT_UNKNOWN',
            `Nothing is kept under the name ${JSON.stringify(request.home)}`,
          );
        }
        return named(row.kref, request.home);
      }
      const { root, name } = clusters.vatByName(request.cluster, request.vat);
      return named(root, name);
    },
  };
};
harden(makeNaming);

export type Naming = ReturnType<typeof makeNaming>;
