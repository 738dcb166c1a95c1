import harden from '@endo/harden';
import type { PromiseRow } from './store/schema.ts';

/** Its answer is known, and nothing waits any more for it to go on its way. */
export const isSettled = <Row extends Pick<PromiseRow, 'state'>>(
  row: Row,
): row is Row & { readonly state: 'fulfilled' | 'rejected' } =>
  row.state === 'fulfilled' || row.state === 'rejected';
harden(isSettled);

/** Its answer is known, and what waited with it goes on its way, before anybody is told. */
export const isSettling = ({ state }: Pick<PromiseRow, 'state'>): boolean =>
  state === 'fulfilling' || state === 'rejecting';
harden(isSettling);
