export type FreeGlobal = {
  readonly name: string;
  /** Every use stands under `typeof`. */
  readonly guarded: boolean;
  readonly members: readonly string[];
};

export type VatBundle = {
  readonly name: string;
  /** The bundle: JSON, `moduleFormat` `cooperageScript`. */
  readonly text: string;
  /** SHA-512 of the text's UTF-8 bytes, in hexadecimal. */
  readonly hash: string;
  /** Bytes of the text, and of the text gzipped. */
  readonly size: number;
  readonly gzip: number;
  readonly imports: readonly string[];
  readonly globals: readonly FreeGlobal[];
};

/** Bundles a vat's module; rejects with a `BundleProblem` that says what is wrong, and where. */
export const bundleVat: (path: string) => Promise<VatBundle>;
