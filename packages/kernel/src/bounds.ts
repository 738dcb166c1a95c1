import harden from '@endo/harden';
import {
  DEFAULT_VAT_LIMITS,
  USUAL_ALLOWANCE,
  type Allowance,
} from '@cooperage/protocol';
import type { InboxBounds } from './inbox.ts';
import type { KernelOptions } from './kernel-options.ts';
import type { UsageBounds } from './usage.ts';
import type { Load } from './vat-stores.ts';

const allowanceOf = ({ allowance }: KernelOptions): Allowance => ({
  ...USUAL_ALLOWANCE,
  ...allowance,
});

/** What may be in the kernel, and in what order it is worked off, where the options don't say otherwise. */
export const boundsOf = (options: KernelOptions): InboxBounds & UsageBounds => {
  const { limits = DEFAULT_VAT_LIMITS, parallel, mostUnits } = options;
  const { roundMessages = 50, notifiesTogether = 50 } = options;
  return {
    allowance: allowanceOf(options),
    unitsPerMessage: limits.unitsPerMessage,
    mostUnits: mostUnits ?? 256_000_000,
    roundMessages: parallel === 1 ? Infinity : roundMessages,
    notifiesTogether: parallel === 1 ? 1 : notifiesTogether,
  };
};
harden(boundsOf);

/** What may wait to be folded while the kernel does not rest. */
export const mostUnfoldedOf = ({
  foldChanges = 10_000,
  foldUnits = 16_000_000,
}: KernelOptions): Load => ({ changes: foldChanges, units: foldUnits });
harden(mostUnfoldedOf);
