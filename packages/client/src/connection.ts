import type {
  CooperageError,
  KernelStatus,
  LogEntry,
} from '@cooperage/protocol';

/**
 * What a client needs of an RPC; `makeRpc` of `@cooperage/streams` gives one.
 * Calls and notifications arrive in the order in which they were made.
 */
export type Rpc = {
  call(method: string, params: unknown): Promise<unknown>;
  /** Throws when it can't be sent. */
  notify(method: string, params: unknown): void;
  close(reason?: Error): void;
  /** Resolves, with a reason or without, when the connection has ended. */
  readonly closed: Promise<unknown>;
};

/** Takes a notification of the kernel; to be given to the RPC as its `onNotify`. Throws on one that breaks the protocol. */
export type OnNotify = (method: string, params: unknown) => void;

/** Opens a new connection to the kernel. Rejects when there is no kernel to reach. */
export type Connect = (onNotify: OnNotify) => Promise<Rpc>;

export type Observers = {
  readonly onState?: ((state: KernelStatus) => void) | undefined;
  readonly onLog?: ((entries: readonly LogEntry[]) => void) | undefined;
  /** The session is over, and why; called once. */
  readonly onEnd?: ((reason: CooperageError) => void) | undefined;
};
