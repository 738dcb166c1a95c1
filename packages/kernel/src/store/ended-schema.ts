import harden from '@endo/harden';
import type { EndedVat } from '@cooperage/protocol';
import { makeSchema } from './table-schema.ts';

/** One of the vats that ended last, for people. */
export type EndedRow = EndedVat & {
  /** Counts the ends; the lowest goes first. */
  readonly number: number;
};

export const ENDED = makeSchema('ended', 1, {
  number: ['integer', 'counts the ends of vats'],
  id: ['text', 'vat id'],
  cluster: ['text', 'name of its cluster'],
  name: ['text', 'name within the cluster'],
  incarnation: ['integer', 'how many heaps it had'],
  reason: ['text', 'why it ended'],
  at: ['integer', 'when, in milliseconds since the epoch'],
});
harden(ENDED);
