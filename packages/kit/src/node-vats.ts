import type { VatLauncher } from '@cooperage/kernel';
import { makeThreadVats } from '@cooperage/node';
import { provideNodeVatText } from './node-vat-text.ts';

/** Vats as threads of this process, their script bundled when the first one starts. */
export const makeNodeVats = (
  options: { readonly heapMegabytes?: number } = {},
): VatLauncher =>
  Object.freeze({
    launch: async (vat, label) => {
      const script = await provideNodeVatText();
      return makeThreadVats({ ...options, script }).launch(vat, label);
    },
  } satisfies VatLauncher);
