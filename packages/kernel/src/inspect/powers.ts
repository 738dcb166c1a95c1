import harden from '@endo/harden';
import {
  isKref,
  isServiceId,
  type BundleHash,
  type EndpointMention,
  type Kref,
  type Power,
  type PowerAbout,
  type RefMention,
  type VatId,
} from '@cooperage/protocol';
import { namedBundles } from '../kept-bundles.ts';
import { parseBounds } from '../services/fetch-bounds.ts';
import { REVOCATION } from '../services/objects.ts';
import {
  clusterOfQuota,
  codeOfQuota,
  quotasUpFrom,
} from '../services/vat-admin-quotas.ts';
import type { ServiceObjectRow } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import type { Mentions } from './mentions.ts';

/** An administrator of that quota. */
const aboutAdministrator = (state: State, id: number): PowerAbout => {
  const cluster = clusterOfQuota(state, id);
  const names = new Map<BundleHash, string>();
  for (const { name, hash } of namedBundles(state, cluster)) {
    names.set(hash, name);
  }
  return {
    kind: 'administrator',
    cluster: state.clusters.get(cluster)?.name ?? null,
    quotas: quotasUpFrom(state, id).map(row => ({
      vats: { now: row.vatsUsed, most: row.vats },
      bytes: { now: row.bytesUsed, most: row.bytes },
      deadline: row.deadline,
      bundles: codeOfQuota(row)?.map(hash => names.get(hash) ?? hash) ?? null,
    })),
  };
};

/** Objects of services among what an endpoint imports: what it can do that vats can't make of themselves. */
export const makePowers = (state: State, mentions: Mentions) => {
  const mentionOf = (kref: Kref | null): RefMention | null =>
    kref === null || !state.objects.has(kref) ? null : mentions.ref(kref);

  const vatOf = (vat: VatId): EndpointMention | null =>
    state.vats.has(vat) ? mentions.endpoint(vat) : null;

  const aboutObject = ({ kref, kind, data }: ServiceObjectRow): PowerAbout => {
    switch (kind) {
      case 'fetch':
        return { kind: 'fetch', sets: parseBounds(data).sets };
      case 'alarm': {
        const row = state.timerByAlarm.get(kref);
        return { kind: 'alarm', at: row?.time ?? null };
      }
      case 'revoker': {
        const alias = isKref(data) ? state.aliases.get(data) : undefined;
        return alias && alias.target !== null
          ? {
              kind: 'revoker',
              alias: mentionOf(alias.kref),
              target: mentionOf(alias.target),
            }
          : { kind: 'revoker', alias: null, target: null };
      }
      case 'administrator':
        return aboutAdministrator(state, Number(data));
      case 'node':
        return { kind: 'node', vat: vatOf(data as VatId) };
      case 'console':
        return { kind: 'console', label: data };
      default:
        return { kind: 'plain' };
    }
  };

  return {
    isPower: (kref: Kref): boolean =>
      isServiceId(state.objects.get(kref)?.owner),
    show: (kref: Kref): Power => {
      const owner = state.objects.get(kref)?.owner;
      const row = state.serviceObjects.get(kref);
      const alias = state.aliases.get(kref);
      return {
        ...mentions.ref(kref),
        service: isServiceId(owner) ? owner.slice(1) : '',
        about:
          owner === REVOCATION && alias
            ? { kind: 'alias', target: mentionOf(alias.target) }
            : row
              ? aboutObject(row)
              : { kind: 'plain' },
      };
    },
  };
};
harden(makePowers);
