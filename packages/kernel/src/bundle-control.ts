import harden from '@endo/harden';
import type { BundleStatus } from '@cooperage/protocol';
import type { KeptBundles } from './kept-bundles.ts';
import { fieldsOf, sourceOf, textOf } from './requests.ts';

/** The control methods that have to do with the code that a person stores. */
export const makeBundleMethods = (
  kept: KeptBundles,
  {
    afterCommit,
    look,
  }: {
    /** Resolves with the value when all that is in the tables now is committed. */
    afterCommit: <Value>(value: Value) => Promise<Value>;
    /** The same, with what is seen in the tables. */
    look: <Value>(answer: () => Value) => Promise<Value>;
  },
) =>
  harden({
    storeBundle: async (params: unknown) => {
      const fields = fieldsOf(params);
      const name = textOf(fields, 'name');
      return afterCommit({ hash: await kept.store(name, sourceOf(fields)) });
    },
    bundles: (): Promise<readonly BundleStatus[]> => look(kept.list),
    forgetBundle: (params: unknown): Promise<null> => {
      kept.forget(textOf(fieldsOf(params), 'name'));
      return afterCommit(null);
    },
  });
harden(makeBundleMethods);
