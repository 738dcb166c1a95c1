import { fileURLToPath } from 'node:url';
import { provideWorkerText } from './worker-text.ts';

const ENTRY = fileURLToPath(
  new URL('../../node/src/vat-worker.ts', import.meta.url),
);

/** The script that `makeNodeVats` starts in each worker. Imports nothing that a later lockdown would refuse. */
export const provideNodeVatText = (): Promise<string> =>
  provideWorkerText(ENTRY);
