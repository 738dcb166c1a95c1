import harden from '@endo/harden';
import { STORE_WRITERS } from '@cooperage/protocol';
import { makeSchema } from './table-schema.ts';

/** A version of a program that has written into what is stored here. */
export type WriterRow = {
  readonly program: string;
  readonly version: string;
};

export const WRITERS = makeSchema('writers', 2, {
  program: ['text', 'cooperage, or the liveslots of its vats'],
  version: ['text', 'a version of it that has run over this'],
});
harden(WRITERS);

/** This version's own rows. */
export const OWN_WRITERS: readonly WriterRow[] = Object.entries(
  STORE_WRITERS,
).map(([program, version]) => ({ program, version }));
harden(OWN_WRITERS);
