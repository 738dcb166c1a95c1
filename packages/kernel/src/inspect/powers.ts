import harden from '@endo/harden';
import {
  isKref,
  isServiceId,
  type Kref,
  type Power,
  type PowerAbout,
  type RefMention,
} from '@cooperage/protocol';
import { parseBounds } from '../services/fetch-bounds.ts';
import { REVOCATION } from '../services/objects.ts';
import type { ServiceObjectRow } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import type { Mentions } from './mentions.ts';

/** Objects of services among what an endpoint imports: what it can do that vats can't make of themselves. */
export const makePowers = (state: State, mentions: Mentions) => {
  const mentionOf = (kref: Kref | null): RefMention | null =>
    kref === null || !state.objects.has(kref) ? null : mentions.ref(kref);

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
