import harden from '@endo/harden';
import type { EndedVat, LogLevel, VatId } from '@cooperage/protocol';
import type { EndedRow } from './store/ended-schema.ts';
import type { VatRow } from './store/vat-schema.ts';
import type { State } from './store/state.ts';

/** Ends that are kept. */
const KEPT = 32;
/** UTF-16 units of a reason that are kept: all clients are told them with every state. */
const MOST_UNITS = 500;

/** Whom ends of vats are told. */
export type Mourners = {
  now(): number;
  say(vat: VatId, level: LogLevel, text: string): void;
};

/** Keeps, and writes into the log, why vats have ended. */
export const makeObituaries = (
  state: Pick<State, 'ended' | 'clusters' | 'allot'>,
  { now, say }: Mourners,
) =>
  harden({
    /** To be called for a vat whose rows are still there, inside the crank that ends it. */
    add: ({ id, cluster, name, incarnation }: VatRow, why: string): void => {
      const reason = why.slice(0, MOST_UNITS).toWellFormed();
      const number = state.allot('ended');
      state.ended.put({
        number,
        id,
        cluster: state.clusters.get(cluster)?.name ?? cluster,
        name,
        incarnation,
        reason,
        at: now(),
      });
      state.ended.delete(number - KEPT);
      say(id, 'info', `ended: ${reason}`);
    },
  });
harden(makeObituaries);

/** Those that ended last, the latest first. */
export const endedVats = ({ ended }: Pick<State, 'ended'>): EndedVat[] =>
  [...ended.values()]
    .sort((left, right) => right.number - left.number)
    .map(({ number: _, ...rest }: EndedRow) => rest);
harden(endedVats);

/** Why there is no such vat any more, as the end of a sentence; empty when that is not known. */
export const describeEnd = (
  state: Pick<State, 'ended'>,
  isMeant: (vat: EndedVat) => boolean,
): string => {
  const found = endedVats(state).find(isMeant);
  return found
    ? `: ${found.cluster}.${found.name} (${found.id}) ended in incarnation ${found.incarnation}, for ${found.reason}`
    : '';
};
harden(describeEnd);
