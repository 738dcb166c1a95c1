/** @jsxImportSource preact */
import { wordsOfKernelUse } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';

/** What the kernel keeps for everybody together, of what it may keep. */
export const KernelLimits = ({ bench }: { readonly bench: Bench }) => {
  const limits = bench.connection.status.value?.limits ?? [];
  return limits.length === 0 ? null : (
    <details>
      <summary>what the kernel has of all, of what it may have</summary>
      <ul class="sentences">
        {limits.map(use => (
          <li key={use.limit}>{wordsOfKernelUse(use)}</li>
        ))}
      </ul>
    </details>
  );
};
