import harden from '@endo/harden';
import { isBundleHash, type BundleHash, type Kref } from '@cooperage/protocol';
import { insistRow } from '../faults.ts';
import { findBundle, namedBundles } from '../kept-bundles.ts';
import type { ChildRow } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import type { Births } from './vat-admin-births.ts';
import type { Nodes } from './vat-admin-nodes.ts';
import { VAT_ADMIN } from './vat-admin-ends.ts';
import type { ServiceObjects } from './objects.ts';
import { refuseUnless } from './refusal.ts';
import type { Call, Service } from './service.ts';
import { recordOf, type Reference, type Value } from './values.ts';
import {
  addQuota,
  clusterOfQuota,
  isCodeAllowed,
  MOST_NARROWED,
  quotasUpFrom,
} from './vat-admin-quotas.ts';
import { readCaveats, readCreation } from './vat-admin-requests.ts';

const quotaOf = ({ self }: Call): number => Number(self.data);

/**
 * Makes vats: `createVat(bundle, {name, parameters, powers, policy})` gives
 * `{root, node}`. An administrator is an object like any, and nothing else makes
 * vats: whoever has none can make none. `attenuate` gives one that may do less.
 */
export const makeVatAdminService = (
  state: State,
  {
    objects,
    births,
    nodes,
  }: { objects: ServiceObjects; births: Births; nodes: Nodes },
): Service => {
  /** The code that an administrator means by a name of its cluster's, or a hash. */
  const resolve = (quota: number, bundle: string): BundleHash => {
    const cluster = clusterOfQuota(state, quota);
    refuseUnless(
      state.clusters.has(cluster),
      () => 'the cluster has ended in which its vats would live',
      'Error',
    );
    const hash = findBundle(state, cluster, bundle);
    refuseUnless(
      hash !== undefined && isCodeAllowed(state, quota, hash),
      () =>
        `there is no bundle ${bundle.slice(0, 62)} for this administrator: one is stored by a person, or named in the config of its cluster`,
      'Error',
    );
    return hash;
  };

  const ifaceOf = (kref: Kref): string | null =>
    state.objects.get(kref)?.iface ?? null;

  /** The names that an attenuated administrator is bound to mean what they mean now. */
  const hashesOf = (
    quota: number,
    bundles: readonly string[] | null,
  ): readonly BundleHash[] | null =>
    bundles &&
    bundles.map(each => (isBundleHash(each) ? each : resolve(quota, each)));

  const nodeOf = (child: ChildRow, maker: Call['sender']): Reference => {
    if (state.serviceObjects.has(child.node)) {
      return { type: 'object', kref: child.node, iface: 'node' };
    }
    const made = objects.make({
      service: VAT_ADMIN,
      kind: 'node',
      data: child.vat,
      maker,
    });
    state.children.put({ ...child, node: made.kref });
    return made;
  };

  const showChild = (
    child: ChildRow,
    maker: Call['sender'],
  ): [string, Value] => {
    const { name, root } = insistRow(
      state.vats.get(child.vat),
      `vat ${child.vat}`,
    );
    const iface = ifaceOf(root) ?? name;
    const rootReference = { type: 'object', kref: root, iface } as const;
    return [
      name,
      recordOf({ root: rootReference, node: nodeOf(child, maker) }),
    ];
  };

  return harden({
    kinds: {
      administrator: {
        createVat: call => {
          const quota = quotaOf(call);
          const creation = readCreation(call, ifaceOf);
          const hash = resolve(quota, creation.bundle);
          return births.order(call, { quota, hash }, creation);
        },
        attenuate: call => {
          const parent = quotaOf(call);
          const { bundles, ...bounds } = readCaveats(call.args[0]);
          refuseUnless(
            quotasUpFrom(state, parent).length <= MOST_NARROWED,
            () => `it is attenuated ${MOST_NARROWED} times already`,
            'RangeError',
          );
          const hashes = hashesOf(parent, bundles);
          const id = addQuota(state, {
            parent,
            cluster: clusterOfQuota(state, parent),
            ...bounds,
            bundles: hashes,
          });
          return objects.make({
            service: VAT_ADMIN,
            kind: 'administrator',
            data: `${id}`,
            maker: call.sender,
            unitsBeside: hashes?.join().length ?? 0,
          });
        },
        vats: call =>
          new Map(
            state.childrenByQuota
              .values(quotaOf(call))
              .filter(({ isEnded }) => !isEnded)
              .map(child => showChild(child, call.sender)),
          ),
        bundles: call => {
          const quota = quotaOf(call);
          return new Map(
            namedBundles(state, clusterOfQuota(state, quota))
              .filter(({ hash }) => isCodeAllowed(state, quota, hash))
              .map(({ name, hash }) => [name, hash]),
          );
        },
      },
      node: nodes.methods(resolve),
    },
    grant: ({ id }, { admin }) => {
      const { bundles = null } = admin ?? {};
      const hashes =
        bundles?.map(each => findBundle(state, id, each) ?? each) ?? null;
      const quota = addQuota(state, {
        parent: null,
        cluster: id,
        vats: admin?.vats ?? null,
        bytes: admin?.bytes ?? null,
        deadline: admin?.deadline ?? null,
        bundles: hashes,
      });
      return { kind: 'administrator', data: `${quota}` };
    },
    restore: () => {
      births.restore();
      nodes.restore();
    },
    tidy: () => {
      births.tidy();
      nodes.tidy();
    },
    sweep: nodes.sweep,
  } satisfies Service);
};
harden(makeVatAdminService);
