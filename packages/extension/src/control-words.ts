import type { Privilege } from '@cooperage/protocol';

/**
 * The words between the offscreen document and the two it watches. Both are
 * started by it, and what it posts arrives nowhere else, so its words are taken
 * as they are; a vat has no way to say one.
 */

/** A launch of one worker: unique within one run of the kernel worker. */
export type LaunchNumber = number;

/** Offscreen document → kernel worker. */
export type ToKernelWorker =
  | {
      readonly type: 'client';
      /** Also the nonce of the handshake over the port. */
      readonly client: string;
      readonly privilege: Privilege;
      readonly label: string;
      readonly port: MessagePort;
    }
  | { readonly type: 'clientGone'; readonly client: string }
  | {
      readonly type: 'vatLost';
      readonly launch: LaunchNumber;
      readonly reason: string;
      /** Alone, or with the process of all vats. */
      readonly what: 'worker' | 'host';
    }
  | { readonly type: 'ping' }
  /** Finish what is in flight, commit, close the storage. */
  | { readonly type: 'stop' };

/** Kernel worker → offscreen document. */
export type FromKernelWorker =
  /** It holds the lock of that name, which the browser takes back when the worker is no more. */
  | { readonly type: 'alive'; readonly name: string }
  | { readonly type: 'pong' }
  /** It has stopped by itself; its last commit stands. */
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'stopped' }
  | {
      readonly type: 'launch';
      readonly launch: LaunchNumber;
      readonly label: string;
      readonly port: MessagePort;
    }
  | { readonly type: 'kill'; readonly launch: LaunchNumber };

/** Offscreen document → vat host. */
export type ToVatHost =
  | { readonly type: 'script'; readonly text: string }
  | {
      readonly type: 'launch';
      readonly launch: LaunchNumber;
      readonly label: string;
      readonly port: MessagePort;
    }
  | { readonly type: 'kill'; readonly launch: LaunchNumber }
  | { readonly type: 'ping' };

/** Vat host → offscreen document. */
export type FromVatHost =
  | { readonly type: 'pong' }
  | {
      readonly type: 'lost';
      readonly launch: LaunchNumber;
      readonly reason: string;
    };

/** What a page or the service worker says to get a port to the kernel. */
export type ConnectRequest = {
  readonly tag: 'cooperage-connect';
  readonly client: string;
  readonly port: MessagePort;
};

/** The service worker's answer, over the port `answer` that came with the request. */
export type ConnectAnswer =
  { readonly ok: true } | { readonly ok: false; readonly problem: string };

/** Service worker → offscreen document: an update waits; and back: nothing is under way any more. */
export type UpdateWord = {
  readonly tag: 'cooperage-update';
  readonly stage: 'waiting' | 'ready';
};

/** Names of the `runtime` ports that tell a client's death start so; the client's nonce follows. */
export const LIFE_PORT = 'cooperage-client:';

const isTagged = (data: unknown, tag: string): boolean =>
  typeof data === 'object' && data !== null && Reflect.get(data, 'tag') === tag;

export const isConnectRequest = (data: unknown): data is ConnectRequest =>
  isTagged(data, 'cooperage-connect') &&
  typeof Reflect.get(Object(data), 'client') === 'string' &&
  Reflect.get(Object(data), 'port') instanceof MessagePort;

export const isUpdateWord = (data: unknown): data is UpdateWord =>
  isTagged(data, 'cooperage-update');
