/** `@endo/import-bundle` comes without types. */
declare module '@endo/import-bundle' {
  export function importBundle(
    bundle: object,
    options?: {
      readonly filePrefix?: string;
      readonly endowments?: object;
      readonly inescapableGlobalProperties?: object;
    },
  ): Promise<unknown>;
}
