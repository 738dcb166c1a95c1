import type { VatLauncher } from '@cooperage/kernel';
import { makeThreadVats, type ThreadVatsOptions } from '@cooperage/node';
import { provideNodeVatText } from './node-vat-text.ts';

/** Vats as threads of this process, their script bundled when the first one starts. */
export const makeNodeVats = ({
  provideText = provideNodeVatText,
  ...options
}: Omit<ThreadVatsOptions, 'script'> & {
  /** The script of each worker. */
  readonly provideText?: () => Promise<string>;
} = {}): VatLauncher => {
  let vats: VatLauncher | undefined;
  return Object.freeze({
    launch: async (vat, label) => {
      const script = await provideText();
      vats ??= makeThreadVats({ ...options, script });
      return vats.launch(vat, label);
    },
  } satisfies VatLauncher);
};
