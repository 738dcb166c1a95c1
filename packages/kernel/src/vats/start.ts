import harden from '@endo/harden';
import {
  crankBoundsOf,
  DEFAULT_VAT_LIMITS,
  type ToVat,
} from '@cooperage/protocol';
import type { KernelOptions } from '../kernel-options.ts';
import type { VatRow } from '../store/vat-schema.ts';

/** What a worker is told at its start. */
export type Start = Extract<ToVat, { type: 'start' }>;

/** Says what a worker is told at its start, given the stored text of its code and its packed store. */
export type TellStart = (
  row: Pick<VatRow, 'id' | 'name' | 'incarnation' | 'endowments' | 'limits'>,
  stored: { readonly bundle: string; readonly store: ArrayBuffer },
) => Start;

export const makeTellStart =
  ({
    limits = DEFAULT_VAT_LIMITS,
    logLevel = 'debug',
  }: Pick<KernelOptions, 'limits' | 'logLevel'>): TellStart =>
  (row, stored) => ({
    type: 'start',
    vatId: row.id,
    incarnation: row.incarnation,
    label: row.name,
    endowments: row.endowments,
    ...stored,
    limits,
    narrowed: crankBoundsOf(row.limits),
    logLevel,
  });
harden(makeTellStart);
