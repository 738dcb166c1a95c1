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
  /** What became of a question of the kernel worker's. */
  | {
      readonly type: 'sites';
      readonly question: number;
      readonly answer: SitesAnswer;
    }
  /** The person has taken back that something may be fetched. */
  | { readonly type: 'sitesTakenBack' }
  | { readonly type: 'ping' }
  /** Do what can be done within a bounded time, commit, close the storage. */
  | { readonly type: 'stop' };

/** What a person must see to first. */
export type RestingState =
  'storage-failed' | 'storage-in-use' | 'critical-failed';

/** Kernel worker → offscreen document. */
export type FromKernelWorker =
  /** It holds the lock of that name, which the browser takes back when the worker is no more. */
  | { readonly type: 'alive'; readonly name: string }
  | { readonly type: 'pong' }
  /** It has stopped by itself; its last commit stands. */
  | {
      readonly type: 'failed';
      readonly reason: string;
      /** Present when it is to be started again only when a person says so. */
      readonly rest: RestingState | undefined;
    }
  | { readonly type: 'stopped' }
  /** What is stored was replaced: another kernel is to be started over it. */
  | { readonly type: 'restored' }
  | {
      readonly type: 'launch';
      readonly launch: LaunchNumber;
      readonly port: MessagePort;
    }
  | { readonly type: 'kill'; readonly launch: LaunchNumber }
  /** Which of the sites may not be fetched from? Answered with `sites`. */
  | {
      readonly type: 'askSites';
      readonly question: number;
      readonly sites: readonly string[];
    }
  /** It waits for a vat: is the vats' host there still? Only its loss is answered, with `vatLost` for each vat. */
  | { readonly type: 'look' };

/** Offscreen document → vat host. */
export type ToVatHost =
  | { readonly type: 'script'; readonly text: string }
  | {
      readonly type: 'launch';
      readonly launch: LaunchNumber;
      readonly port: MessagePort;
    }
  | { readonly type: 'kill'; readonly launch: LaunchNumber };

/** Vat host → offscreen document. */
export type FromVatHost = {
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

/** Offscreen document → service worker: which of the sites may not be fetched from? Answered with a SitesAnswer. */
export type SitesQuestion = {
  readonly tag: 'cooperage-sites';
  readonly sites: readonly string[];
};

export type SitesAnswer =
  | { readonly ok: true; readonly missing: readonly string[] }
  | { readonly ok: false; readonly problem: string };

/** Service worker → offscreen document: something may not be fetched from any more. */
export type SitesWord = { readonly tag: 'cooperage-sites-taken-back' };

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

export const isSitesQuestion = (data: unknown): data is SitesQuestion =>
  isTagged(data, 'cooperage-sites') &&
  Array.isArray(Reflect.get(Object(data), 'sites'));

/** Whoever else listens to the extension's messages may answer nothing. */
export const isSitesAnswer = (data: unknown): data is SitesAnswer => {
  const { ok, missing, problem } = Object(data);
  return ok === true
    ? Array.isArray(missing)
    : ok === false && typeof problem === 'string';
};

export const isSitesWord = (data: unknown): data is SitesWord =>
  isTagged(data, 'cooperage-sites-taken-back');
