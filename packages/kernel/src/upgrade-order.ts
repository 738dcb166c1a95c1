import type { BundleSource, CapData, Kref, VatId } from '@cooperage/protocol';

/** What a vat is to become. */
export type UpgradeOrder = {
  readonly source: BundleSource;
  /** As before unless given. Whoever orders the upgrade holds what they name until it has ended. */
  readonly parameters?: CapData<Kref> | undefined;
  /** Part of what the promises that the old heap was to decide reject with; `vat upgraded` unless given. */
  readonly upgradeMessage?: string | undefined;
  /** A maker can't upgrade what a person has stopped. */
  readonly by: 'person' | 'maker';
  /** The vat that has ordered it, if one has. */
  readonly asker?: VatId | undefined;
};
