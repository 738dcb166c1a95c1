/** The directory of the origin's private file system by which pages and workers give each other backups. */
export const EXCHANGE = 'exchange';

/** What is asked of the storage while no kernel has it open. */
export type StorageOrder =
  /** Copies all that is stored into the exchange. */
  | { readonly type: 'copy' }
  /** Puts what a file of the exchange holds into the place of all that is stored. */
  | { readonly type: 'restore'; readonly name: string }
  /** Puts nothing into the place of all that is stored. */
  | { readonly type: 'erase' };

export type StorageAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly code: string; readonly problem: string };

/** First that it lives, under the name of a lock that comes free with its death; the answer is its last word. */
export type FromStorageWorker = { readonly alive: string } | StorageAnswer;
