import harden from '@endo/harden';
import type { VatState } from '@cooperage/protocol';
import type { VatRow } from '../store/vat-schema.ts';
import type { WorkerState } from './worker.ts';

/** The one word for how a vat is that people are shown. */
export const vatStateOf = (
  row: Pick<VatRow, 'failure' | 'suspension' | 'paused' | 'asleep'>,
  {
    isHeld,
    worker,
  }: {
    isHeld: boolean;
    /** Of the vat's own worker, if it has one. */
    worker: WorkerState | undefined;
  },
): VatState => {
  if (isHeld) {
    return 'upgrading';
  }
  if (row.failure !== null) {
    return 'failed';
  }
  if (row.suspension !== null) {
    return 'suspended';
  }
  if (row.paused) {
    return 'paused';
  }
  switch (worker) {
    case 'launching':
    case 'starting':
      return 'starting';
    case 'idle':
    case 'busy':
      return row.asleep ? 'starting' : 'running';
    default:
      return 'asleep';
  }
};
harden(vatStateOf);
