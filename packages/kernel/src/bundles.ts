import harden from '@endo/harden';
import {
  CooperageError,
  problemOfBundle,
  type BundleHash,
  type BundleSource,
} from '@cooperage/protocol';
import type { Platform } from './ports.ts';
import type { State } from './store/state.ts';

/** A bundle that was fetched and checked: its text, and the hash of that. */
export type Code = { readonly hash: BundleHash; readonly text: string };

/** Code that no vat is bound to, or is to be, and that nobody keeps goes; inside a crank. */
export const dropUnusedBundle = (state: State, hash: BundleHash): void => {
  if (
    state.vatsByBundle.count(hash) === 0 &&
    state.birthsByBundle.count(hash) === 0 &&
    state.keptByHash.count(hash) === 0
  ) {
    state.bundles.delete(hash);
  }
};
harden(dropUnusedBundle);

/** The code of vats: found, stored. */
export const makeBundles = (
  state: State,
  { fetchText, hash }: Pick<Platform, 'fetchText' | 'hash'>,
) => ({
  /**
   * Fetches code and checks its outside; `name` is the vat's, for people. Rejects
   * with CooperageError BAD_BUNDLE or BUNDLE_UNREACHABLE.
   */
  read: async (name: string, source: BundleSource): Promise<Code> => {
    if ('hash' in source) {
      const stored = state.bundles.get(source.hash);
      if (!stored) {
        throw new CooperageError(
          'BAD_BUNDLE',
          `Vat ${name}: no bundle with hash ${source.hash.slice(0, 12)}… is stored`,
        );
      }
      return stored;
    }
    const text = 'url' in source ? await fetchText(source.url) : source.text;
    const problem = text.isWellFormed()
      ? problemOfBundle(text)
      : 'the bundle has half of a surrogate pair: it is no Unicode text';
    if (problem !== undefined) {
      throw new CooperageError('BAD_BUNDLE', `Vat ${name}: ${problem}`);
    }
    return { hash: await hash(new TextEncoder().encode(text)), text };
  },
  /** Stores the code for a vat that is to be bound to it; inside a crank. */
  keep: (code: Code): void => {
    if (!state.bundles.has(code.hash)) {
      state.bundles.put(code);
    }
  },
});
harden(makeBundles);

export type Bundles = ReturnType<typeof makeBundles>;
