import harden from '@endo/harden';
import {
  crankBoundsOf,
  USUAL_BOUNDS,
  type KernelLimit,
  type VatBounds,
} from '@cooperage/protocol';
import type { InboxBounds } from './inbox.ts';
import type { KernelOptions } from './kernel-options.ts';
import type { UsageBounds } from './usage.ts';
import type { Load } from './vat-stores.ts';

const usualOf = ({
  allowance,
  limits,
  logLinesPerSecond,
}: KernelOptions): VatBounds => ({
  ...USUAL_BOUNDS,
  ...allowance,
  ...(limits && crankBoundsOf(limits)),
  ...(logLinesPerSecond !== undefined && { logLinesPerSecond }),
});

/** What may be in the kernel, and in what order it is worked off, where the options don't say otherwise. */
export const boundsOf = (options: KernelOptions): InboxBounds & UsageBounds => {
  const { parallel, mostUnits } = options;
  const { roundMessages = 50, notifiesTogether = 50 } = options;
  return {
    usual: usualOf(options),
    mostUnits: mostUnits ?? 256_000_000,
    roundMessages: parallel === 1 ? Infinity : roundMessages,
    notifiesTogether: parallel === 1 ? 1 : notifiesTogether,
  };
};
harden(boundsOf);

/** How many there may be at once of what people make. */
export type Mosts = Readonly<Record<KernelLimit, number>>;

export const mostsOf = ({
  mostClusters = 1_000,
  mostSessions = 1_000,
  mostHomeNames = 1_000,
  mostBundles = 1_000,
}: KernelOptions): Mosts => ({
  clusters: mostClusters,
  sessions: mostSessions,
  homeNames: mostHomeNames,
  bundles: mostBundles,
});
harden(mostsOf);

/** What may wait to be folded while the kernel does not rest. */
export const mostUnfoldedOf = ({
  foldChanges = 10_000,
  foldUnits = 16_000_000,
}: KernelOptions): Load => ({ changes: foldChanges, units: foldUnits });
harden(mostUnfoldedOf);
