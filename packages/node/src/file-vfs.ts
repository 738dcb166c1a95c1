import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type {
  Sqlite3Result,
  Sqlite3Static,
  WasmPointer,
} from '@sqlite.org/sqlite-wasm';

/** SQLite's way to the files of this machine. */
export type FileVfs = {
  /** What a database is opened with, beside its absolute path. */
  readonly name: string;
  /** What the system said about the last call that failed, once. */
  takeFault(): string | undefined;
};

const NAME = 'cooperage-files';
const MAX_PATH_BYTES = 4096;
/** Leaves the size of a sector to SQLite, which takes 4096 bytes. */
const SECTOR = 0;

type OpenFile = { readonly descriptor: number; readonly path: string };
type Faults = { last: string | undefined };

/** A new name is durable when its folder is synced. Windows syncs no folders, and needs it not. */
const syncFolder = (path: string): void => {
  if (process.platform === 'win32') {
    return;
  }
  const descriptor = openSync(dirname(path), 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

const codeOf = (problem: unknown): unknown =>
  problem instanceof Error && 'code' in problem ? problem.code : undefined;

/** Reads until the buffer is full or the file ends: the system may give less at a time. */
const readAll = (
  descriptor: number,
  bytes: Uint8Array,
  offset: number,
): number => {
  let count = 0;
  while (count < bytes.length) {
    const got = readSync(
      descriptor,
      bytes,
      count,
      bytes.length - count,
      offset + count,
    );
    if (got === 0) {
      break;
    }
    count += got;
  }
  return count;
};

const writeAll = (
  descriptor: number,
  bytes: Uint8Array,
  offset: number,
): void => {
  let count = 0;
  while (count < bytes.length) {
    count += writeSync(
      descriptor,
      bytes,
      count,
      bytes.length - count,
      offset + count,
    );
  }
};

/** Does the work and answers with its code, or with one for what it throws. */
const makeAttempt = ({ capi }: Sqlite3Static, faults: Faults) => {
  return (
    failure: Sqlite3Result,
    work: () => Sqlite3Result | void,
  ): Sqlite3Result => {
    try {
      return work() ?? 0;
    } catch (problem) {
      faults.last =
        problem instanceof Error ? problem.message : String(problem);
      return codeOf(problem) === 'ENOSPC' ? capi.SQLITE_FULL : failure;
    }
  };
};
type Attempt = ReturnType<typeof makeAttempt>;

const makeFileMethods = (
  { capi, wasm }: Sqlite3Static,
  files: Map<WasmPointer, OpenFile>,
  attempt: Attempt,
) => {
  const descriptorOf = (pointer: WasmPointer): number => {
    const file = files.get(pointer);
    if (!file) {
      throw Error(`SQLite named a file that is not open: ${pointer}`);
    }
    return file.descriptor;
  };
  const bytesAt = (pointer: WasmPointer, count: number): Uint8Array =>
    wasm.heap8u().subarray(Number(pointer), Number(pointer) + count);

  return {
    xClose: (pointer: WasmPointer) =>
      attempt(capi.SQLITE_IOERR_CLOSE, () => {
        const descriptor = descriptorOf(pointer);
        files.delete(pointer);
        closeSync(descriptor);
      }),
    xRead: (
      pointer: WasmPointer,
      target: WasmPointer,
      count: number,
      offset: number,
    ) =>
      attempt(capi.SQLITE_IOERR_READ, () => {
        const bytes = bytesAt(target, count);
        const got = readAll(descriptorOf(pointer), bytes, Number(offset));
        // SQLite counts on zeros behind the end of a file.
        bytes.fill(0, got);
        return got < count ? capi.SQLITE_IOERR_SHORT_READ : 0;
      }),
    xWrite: (
      pointer: WasmPointer,
      source: WasmPointer,
      count: number,
      offset: number,
    ) =>
      attempt(capi.SQLITE_IOERR_WRITE, () =>
        writeAll(descriptorOf(pointer), bytesAt(source, count), Number(offset)),
      ),
    xTruncate: (pointer: WasmPointer, size: number) =>
      attempt(capi.SQLITE_IOERR_TRUNCATE, () =>
        ftruncateSync(descriptorOf(pointer), Number(size)),
      ),
    xSync: (pointer: WasmPointer) =>
      attempt(capi.SQLITE_IOERR_FSYNC, () =>
        fdatasyncSync(descriptorOf(pointer)),
      ),
    xFileSize: (pointer: WasmPointer, target: WasmPointer) =>
      attempt(capi.SQLITE_IOERR_FSTAT, () => {
        const { size } = fstatSync(descriptorOf(pointer));
        wasm.poke64(target, BigInt(size));
      }),
    // The folder's claim keeps every other process out.
    xLock: (): Sqlite3Result => 0,
    xUnlock: (): Sqlite3Result => 0,
    xCheckReservedLock: (
      _pointer: WasmPointer,
      target: WasmPointer,
    ): Sqlite3Result => {
      wasm.poke32(target, 0);
      return 0;
    },
    xFileControl: (): Sqlite3Result => capi.SQLITE_NOTFOUND,
    xSectorSize: (): Sqlite3Result => SECTOR,
    xDeviceCharacteristics: (): Sqlite3Result => 0,
  };
};

const makeFolderMethods = (
  { capi, wasm }: Sqlite3Static,
  files: Map<WasmPointer, OpenFile>,
  { attempt, methods }: { attempt: Attempt; methods: WasmPointer },
) => {
  const pathAt = (pointer: WasmPointer): string => {
    const path = wasm.cstrToJs(pointer);
    if (path === null || path === '') {
      throw Error('a file without a name belongs into memory');
    }
    return path;
  };

  /** Opens, or makes, the file. */
  const open = (path: string, flags: number): number => {
    if ((flags & capi.SQLITE_OPEN_READONLY) !== 0) {
      return openSync(path, 'r');
    }
    const isExclusive = (flags & capi.SQLITE_OPEN_EXCLUSIVE) !== 0;
    if (!isExclusive && existsSync(path)) {
      return openSync(path, 'r+');
    }
    if ((flags & capi.SQLITE_OPEN_CREATE) === 0) {
      throw Error(`${path} is not there`);
    }
    const descriptor = openSync(path, 'wx+', 0o600);
    syncFolder(path);
    return descriptor;
  };

  return {
    xOpen: (
      _vfs: WasmPointer,
      name: WasmPointer,
      pointer: WasmPointer,
      flags: number,
      flagsTarget: WasmPointer,
    ) =>
      attempt(capi.SQLITE_CANTOPEN, () => {
        const path = pathAt(name);
        files.set(pointer, { path, descriptor: open(path, flags) });
        const file = new capi.sqlite3_file(pointer);
        file.$pMethods = methods;
        file.dispose();
        if (flagsTarget) {
          wasm.poke32(flagsTarget, flags);
        }
      }),
    xDelete: (_vfs: WasmPointer, name: WasmPointer, isSynced: number) =>
      attempt(capi.SQLITE_IOERR_DELETE, () => {
        const path = pathAt(name);
        if (!existsSync(path)) {
          return capi.SQLITE_IOERR_DELETE_NOENT;
        }
        unlinkSync(path);
        if (isSynced) {
          syncFolder(path);
        }
        return 0;
      }),
    xAccess: (
      _vfs: WasmPointer,
      name: WasmPointer,
      _flags: number,
      target: WasmPointer,
    ) =>
      attempt(capi.SQLITE_IOERR_ACCESS, () => {
        wasm.poke32(target, existsSync(pathAt(name)) ? 1 : 0);
      }),
    xFullPathname: (
      _vfs: WasmPointer,
      name: WasmPointer,
      size: number,
      target: WasmPointer,
    ): Sqlite3Result =>
      wasm.cstrncpy(target, name, size) < size ? 0 : capi.SQLITE_CANTOPEN,
    xGetLastError: () => {},
    xSleep: (): Sqlite3Result => 0,
    xCurrentTime: (_vfs: WasmPointer, target: WasmPointer): Sqlite3Result => {
      wasm.poke(target, 2440587.5 + Date.now() / 86_400_000, 'double');
      return 0;
    },
    xCurrentTimeInt64: (
      _vfs: WasmPointer,
      target: WasmPointer,
    ): Sqlite3Result => {
      wasm.poke64(target, 210866760000000n + BigInt(Date.now()));
      return 0;
    },
    // What it returns is not read.
    xRandomness: (
      _vfs: WasmPointer,
      count: number,
      target: WasmPointer,
    ): Sqlite3Result => {
      const bytes = crypto.getRandomValues(new Uint8Array(count));
      wasm.heap8u().set(bytes, Number(target));
      return 0;
    },
  };
};

const install = (sqlite3: Sqlite3Static): FileVfs => {
  const { capi, vfs } = sqlite3;
  const files = new Map<WasmPointer, OpenFile>();
  const faults: Faults = { last: undefined };
  const attempt = makeAttempt(sqlite3, faults);

  // Version 1 knows no shared memory, which WAL does without when its lock is exclusive.
  const io = Object.assign(new capi.sqlite3_io_methods(), { $iVersion: 1 });
  vfs.installVfs({
    io: { struct: io, methods: makeFileMethods(sqlite3, files, attempt) },
  });
  const struct = new capi.sqlite3_vfs();
  struct.$iVersion = 2;
  // The declarations have it on instances.
  struct.$szOsFile = Object(
    Reflect.get(capi.sqlite3_file, 'structInfo'),
  ).sizeof;
  struct.$mxPathname = MAX_PATH_BYTES;
  const methods = makeFolderMethods(sqlite3, files, {
    attempt,
    methods: io.pointer,
  });
  vfs.installVfs({ vfs: { struct, methods, name: NAME } });

  return Object.freeze({
    name: NAME,
    takeFault: () => {
      const { last } = faults;
      faults.last = undefined;
      return last;
    },
  });
};

const installed = new WeakMap<Sqlite3Static, FileVfs>();

/**
 * Gives SQLite the files of this machine by Node's synchronous calls: every
 * sync is the system's own, so what SQLite calls durable survives a power cut.
 * It locks nothing: one process at a time has the files.
 */
export const provideFileVfs = (sqlite3: Sqlite3Static): FileVfs => {
  const known = installed.get(sqlite3);
  if (known) {
    return known;
  }
  const vfs = install(sqlite3);
  installed.set(sqlite3, vfs);
  return vfs;
};
