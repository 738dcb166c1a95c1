import type {
  BundleHash,
  LogEntry,
  StoreChange,
  ToVat,
  VatId,
} from '@cooperage/protocol';

/** What a column holds: `text`, `integer` (a safe integer) or `blob`. A `?` allows null. */
export type ColumnType = 'text' | 'text?' | 'integer' | 'integer?' | 'blob';
export type ColumnValue = string | number | null | Uint8Array;

/** One table, as a database must keep it. Key columns come first and are its primary key. */
export type TableSchema = {
  readonly name: string;
  readonly keys: number;
  readonly columns: readonly {
    readonly name: string;
    readonly type: ColumnType;
    /** What it means; the database doesn't read it. */
    readonly about: string;
  }[];
};

/** The net change of one table in one commit. */
export type TableChange = {
  readonly table: string;
  /** Whole rows, inserted or replaced by key. */
  readonly puts: readonly (readonly ColumnValue[])[];
  /** Keys of rows that go. */
  readonly deletes: readonly (readonly ColumnValue[])[];
};

/** Work done since the database was opened, counted where it is done. */
export type DbCounters = {
  statements: number;
  rows: number;
  bytes: number;
  commits: number;
};

/**
 * The kernel's database. Synchronous, used by one kernel at a time. Every
 * method throws CooperageError STORAGE_FAILED when the storage does, and the
 * state is then that of the last commit that returned.
 */
export type KernelDb = {
  /** Makes missing tables; to be called once, before anything else. */
  prepare(schema: readonly TableSchema[]): void;
  /** Every row of a table, in the order of its key. */
  load(table: string): ColumnValue[][];
  /** One row by its key: for tables that are not kept in memory. */
  read(
    table: string,
    key: readonly ColumnValue[],
  ): readonly ColumnValue[] | undefined;
  /** One transaction, durable when it returns. */
  commit(changes: readonly TableChange[]): void;
  readonly counters: Readonly<DbCounters>;
  close(): void;
};

/**
 * The vats' own databases, one file each. A vat without a file has an empty
 * store. Every file remembers the number of the last fold applied to it.
 */
export type VatStores = {
  /** Makes room for that many more files; to be awaited before launches. */
  reserve(files: number): Promise<void>;
  /** Packed as `encodeRows` does, and the number of the last fold (0 for none). */
  read(vat: VatId): {
    rows: readonly (readonly [string, string])[];
    fold: number;
  };
  /** Applies changes as one transaction, synced when it returns. A fold with a number not above the last one is skipped. */
  fold(vat: VatId, fold: number, changes: readonly StoreChange[]): void;
  /** Deletes the file and its companions; nothing when there is none. */
  delete(vat: VatId): void;
  list(): readonly VatId[];
  /** Bytes of the vat's file. */
  size(vat: VatId): number;
  close(): void;
};

/** A direct line to one vat's worker. */
export type VatPort = {
  send(message: ToVat, transfer?: readonly ArrayBuffer[]): void;
  /**
   * To be called once. `onMessage` gets whatever the worker sent: nothing of
   * it is checked yet. `onLost` is called at most once, when the worker is
   * known to be gone, alone or with the process of all vats' workers (`host`);
   * never after `kill`.
   */
  receive(
    onMessage: (message: unknown) => void,
    onLost: (reason: string, what?: 'worker' | 'host') => void,
  ): void;
  /** Ends the worker. From this moment nothing of it is received. */
  kill(): void;
};

/** Starts a worker for a vat; resolves with its port before the worker has said anything. */
export type VatLauncher = {
  launch(vat: VatId, label: string): Promise<VatPort>;
};

export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after that many milliseconds unless the returned function is called first. */
  after(milliseconds: number, callback: () => void): () => void;
  /** Calls back in a later turn, soon: after the messages that have already arrived. */
  soon(callback: () => void): void;
};

/** Where diagnostics go. */
export type Log = (entry: LogEntry) => void;

/** SHA-512 of the bytes, as lower-case hexadecimal. */
export type Hash = (bytes: Uint8Array<ArrayBuffer>) => Promise<BundleHash>;

/** The text behind a URL; rejects with a CooperageError BUNDLE_UNREACHABLE that names the URL and the cause. */
export type FetchText = (url: string) => Promise<string>;

/** Everything that the kernel needs from the place where it runs. */
export type Platform = {
  readonly db: KernelDb;
  readonly stores: VatStores;
  readonly vats: VatLauncher;
  readonly clock: Clock;
  readonly log: Log;
  readonly hash: Hash;
  readonly fetchText: FetchText;
};
