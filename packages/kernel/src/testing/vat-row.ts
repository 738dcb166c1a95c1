import {
  makeClusterId,
  makeKref,
  type BundleHash,
  type VatId,
} from '@cooperage/protocol';
import type { VatRow } from '../store/vat-schema.ts';

/** The row of a vat that runs, as far as it matters not. */
export const vatRowOf = (id: VatId, given: Partial<VatRow> = {}): VatRow => ({
  id,
  cluster: makeClusterId(1),
  name: id,
  bundle: '' as BundleHash,
  parametersBody: '#[]',
  parametersSlots: [],
  endowments: [],
  incarnation: 1,
  asleep: 0,
  root: makeKref('object', 1),
  failure: null,
  suspension: null,
  stoppedBy: null,
  deadline: null,
  onFault: 'restart',
  paused: 0,
  critical: 0,
  eviction: 'never',
  storeBytes: null,
  nextImport: 50,
  fold: 0,
  limits: {},
  ...given,
});
