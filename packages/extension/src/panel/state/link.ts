import type {
  ClientNotifications,
  ControlMethods,
  KernelNotifications,
} from '@cooperage/protocol';

/** One open connection to the kernel, with its methods by name. */
export type Link = {
  /** Rejects with the kernel's error, or when the connection is lost. */
  call<Method extends keyof ControlMethods>(
    method: Method,
    params: ControlMethods[Method]['params'],
  ): Promise<ControlMethods[Method]['result']>;
  notify<Name extends keyof ClientNotifications>(
    name: Name,
    params: ClientNotifications[Name],
  ): void;
  close(): void;
  /** Resolves with the reason in words when the connection is gone. */
  readonly closed: Promise<string>;
};

/** Who is told of each of the kernel's notifications; the panel asks for no trace. */
export type LinkListener = {
  readonly [Name in Exclude<keyof KernelNotifications, 'trace'>]: (
    params: KernelNotifications[Name],
  ) => void;
};

/** Opens a connection; rejects when the kernel can't be reached. */
export type OpenLink = (listener: LinkListener) => Promise<Link>;

/** The words of whatever was thrown, for a person. */
export const wordsOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
