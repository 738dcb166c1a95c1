/** `@endo/captp` comes without types. */
declare module '@endo/captp' {
  export function makeCapTP(
    ourId: string,
    rawSend: (message: object) => void,
    bootstrap?: object,
  ): {
    dispatch(message: object): boolean;
    getBootstrap(): Promise<{ ping(): unknown }>;
  };
}
