/** What a worker of every platform has beside the language, and `types/platform.d.ts` does not declare. */
type ChannelPort = {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
};
declare class MessageChannel {
  readonly port1: ChannelPort;
  readonly port2: ChannelPort;
}
declare function setTimeout(task: () => void, milliseconds: number): unknown;
