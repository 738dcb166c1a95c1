import type { Connection } from './sqlite-connection.ts';

/** Where SQLite's files are. A name is without a path, as `vat-v3.sqlite`. */
export type SqliteFiles = {
  /** Opens or makes a file, ready for transactions that are durable when they return. */
  open(name: string, journal: 'wal' | 'rollback'): Connection;
  /** To be called after a transaction, for files that SQLite itself does not write. */
  committed(name: string, connection: Connection): void;
  has(name: string): boolean;
  /** Deletes a closed file and its companions; nothing when there is none. */
  delete(name: string): void;
  list(): readonly string[];
  /** All there are, companions too. */
  names(): readonly string[];
  /** A file's bytes as they are stored; of an open database, as of its last checkpoint. */
  bytes(name: string): Uint8Array;
  /** Makes room for that many files and their companions, in all. */
  reserve(files: number): Promise<void>;
  /** To be called when every connection is closed. */
  close(): void;
};
