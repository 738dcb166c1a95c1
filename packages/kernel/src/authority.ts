import { AUTHORITIES, type StoppedBy } from '@cooperage/protocol';
import harden from '@endo/harden';
import type { VatRow } from './store/vat-schema.ts';

type Stopped = Pick<VatRow, 'stoppedBy'>;

/** Nobody's order is below all others'. */
const rankOf = (by: StoppedBy | null): number =>
  by === null ? -1 : AUTHORITIES.indexOf(by);

/** By whose order the vat is stopped once that one has ordered it too: the highest counts. */
export const alsoStoppedBy = (row: Stopped, by: StoppedBy): StoppedBy =>
  row.stoppedBy !== null && rankOf(row.stoppedBy) > rankOf(by)
    ? row.stoppedBy
    : by;
harden(alsoStoppedBy);

/** Whether that one may let the vat go on, or do anything else to it that touches its heap. */
export const mayMove = (row: Stopped, by: StoppedBy): boolean =>
  rankOf(by) >= rankOf(row.stoppedBy);
harden(mayMove);
