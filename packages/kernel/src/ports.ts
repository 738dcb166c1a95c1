import type {
  BackupResult,
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
  /** Whether commits have left so much to be merged that `merge` is due. */
  isMergeDue(): boolean;
  /** Merges what commits have left in a log: in a turn of its own, so that nobody waits for it and for a commit at once. */
  merge(): void;
  readonly counters: Readonly<DbCounters>;
  /** Looks through all that is stored; throws STORAGE_FAILED when some of it is damaged. */
  check(): void;
  /** Bytes of the database, about. */
  size(): number;
  close(): void;
};

/**
 * The vats' own databases, one file each. A vat without a file has an empty
 * store. Every file remembers the number of the last fold applied to it. What is
 * said of one vat throws STORE_DAMAGED when that vat's file can't be used while
 * the others' can, and STORAGE_FAILED when the storage fails.
 */
export type VatStores = {
  /** Makes room for that many more files; to be awaited before launches. */
  reserve(files: number): Promise<void>;
  /** The rows as `encodeRows` packs them, the caller's own, and the number of the last fold (0 for none). */
  read(vat: VatId): { image: ArrayBuffer; fold: number };
  /** Applies changes as one transaction, synced when it returns. A fold with the number of the last is applied too, for a crash may have come between it and the commit that lets go of its changes; one with a lower number is skipped. STORE_DAMAGED when the one before it is not in the file. */
  fold(vat: VatId, fold: number, changes: readonly StoreChange[]): void;
  /** Deletes the file and its companions; nothing when there is none. */
  delete(vat: VatId): void;
  list(): readonly VatId[];
  /** UTF-8 bytes of the keys and values in the vat's file: of all, or of those keys. */
  size(vat: VatId, keys?: readonly string[]): number;
  /** Looks through all of the vat's file; throws STORE_DAMAGED when it is. */
  check(vat: VatId): void;
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

/** A request for a server, checked. */
export type FetchRequest = {
  readonly url: string;
  readonly method: string;
  /** Names in small letters. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | null;
  /** Of the answer's body; a longer one rejects, without being read to its end. */
  readonly mostBytes: number;
  /** Why a place to which the server refers may not be asked, if it may not: to be called for each before it is. */
  problemOf(url: string, method: string): string | undefined;
};

export type FetchAnswer = {
  readonly status: number;
  /** Of the server that has answered in the end. */
  readonly url: string;
  /** Names in small letters. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bytes: Uint8Array;
};

/**
 * Asks a server, with nothing of a person's own: no cookies, no cache, no
 * referrer. Rejects when no whole answer comes, or one that the request does not
 * allow. After `cancel` nothing is asked any more, and the answer rejects.
 */
export type Fetch = (request: FetchRequest) => {
  readonly answer: Promise<FetchAnswer>;
  cancel(): void;
};

/** What is stored, as a whole. */
export type Archive = {
  /**
   * Copies every file, as of the last commit, into one file of its own, and
   * answers how a person finds it. Rejects with CooperageError BACKUP_FAILED when
   * that can't be written, and STORAGE_FAILED when what is stored is damaged.
   */
  backup(): Promise<BackupResult>;
  /**
   * Puts what a backup holds into the place of all that is stored, once it is
   * checked; the kernel is ended and started over it by whoever runs it. Rejects
   * with BACKUP_FAILED, and nothing has changed then. Absent where a kernel that
   * runs can't have it done.
   */
  restore?(name: string): Promise<void>;
};

/** Everything that the kernel needs from the place where it runs. */
export type Platform = {
  readonly db: KernelDb;
  readonly stores: VatStores;
  readonly vats: VatLauncher;
  readonly clock: Clock;
  readonly log: Log;
  readonly hash: Hash;
  readonly fetchText: FetchText;
  /** Absent where vats can't be given a way to servers: the service `fetch` is then not offered. */
  readonly fetch?: Fetch;
  /**
   * Rejects with CooperageError SITES_NOT_ALLOWED when the person does not let one
   * of the sites, as `sitesOf` writes them, be fetched from. Absent where there is
   * nobody who allows it.
   */
  readonly insistSites?: (sites: readonly string[]) => Promise<void>;
  /**
   * True when the last run has ended without a word, and vats run in the process of
   * the kernel, so that one of them may have ended it. Absent where they don't.
   */
  readonly wasCut?: boolean;
  /** Absent where nothing outlives the kernel. */
  readonly archive?: Archive;
  /** Bytes that what is stored takes, and that it may still take. Absent where nobody can tell. */
  readonly room?: () => Promise<{
    readonly used: number;
    readonly left: number;
  }>;
};
