import type { VatBundle } from './bundle-vat.mjs';

/** A sample cluster; `parseClusterConfig` takes its config. */
export type Sample = {
  readonly title: string;
  readonly description: string;
  readonly config: {
    readonly name: string;
    readonly bootstrap: string;
    readonly vats: Readonly<
      Record<
        string,
        {
          readonly bundle: { readonly url: string };
          readonly parameters?: unknown;
        }
      >
    >;
  };
};

export const CLUSTERS_FOLDER: string;

/** Bundles every vat that the sample clusters name, once; `bundles` by name. */
export const bundleClusters: () => Promise<{
  samples: readonly Sample[];
  bundles: ReadonlyMap<string, VatBundle>;
}>;

/** Writes `clusters.json` and `bundles/<name>.json` into a folder. */
export const writeClusters: (
  folder: string,
) => ReturnType<typeof bundleClusters>;
