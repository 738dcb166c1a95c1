import type { VatLauncher } from '@cooperage/kernel';
import { makeThreadVats } from '@cooperage/node';
import { provideNodeVatText } from './node-vat-text.ts';

/** Vats as threads of this process, their script bundled when the first one starts. */
export const makeNodeVats = ({
  provideText = provideNodeVatText,
  ...options
}: {
  readonly heapMegabytes?: number;
  /** The script of each worker. */
  readonly provideText?: () => Promise<string>;
} = {}): VatLauncher =>
  Object.freeze({
    launch: async (vat, label) => {
      const script = await provideText();
      return makeThreadVats({ ...options, script }).launch(vat, label);
    },
  } satisfies VatLauncher);
