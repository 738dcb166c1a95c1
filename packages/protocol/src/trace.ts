import type { Delivery, Syscall } from './delivery.ts';
import type { VatId } from './refs.ts';

/**
 * What the kernel does, step by step, for whoever asks to see it: sizes and
 * kinds, never contents, which belong to the vats. `at` is in milliseconds
 * since the epoch; `crank` numbers the deliveries of this run of the kernel.
 */
export type TraceEvent =
  | {
      readonly type: 'deliver';
      readonly at: number;
      readonly vat: VatId;
      readonly crank: number;
      readonly delivery: Delivery[0];
    }
  | {
      readonly type: 'done';
      readonly at: number;
      readonly vat: VatId;
      readonly crank: number;
      readonly ok: boolean;
      readonly syscalls: readonly Syscall[0][];
      /** Keys of the vat's store that changed. */
      readonly changes: number;
    }
  | {
      readonly type: 'lost';
      readonly at: number;
      readonly vat: VatId;
      readonly reason: string;
    };
