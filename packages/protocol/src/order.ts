import type { ClusterId, VatId } from './refs.ts';

/**
 * A vat of a cluster, or all of them; of one that is upgraded, the bootstrap vat
 * when none is named. With the `id` of the vat, or of the cluster when no vat is
 * named, nobody else who has the name by now is meant: VAT_UNKNOWN or
 * CLUSTER_UNKNOWN.
 */
export type OrderRequest = {
  readonly cluster: string;
  readonly vat?: string;
  readonly id?: VatId | ClusterId;
};

export type PauseRequest =
  | { readonly cluster?: never; readonly vat?: never; readonly id?: never }
  | OrderRequest;
