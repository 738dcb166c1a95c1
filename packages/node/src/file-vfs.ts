import { dirname } from 'node:path';
import type {
  Sqlite3Result,
  Sqlite3Static,
  WasmPointer,
} from '@sqlite.org/sqlite-wasm';
import { nodeDisk, type Disk } from './disk.ts';

/** SQLite's way to the files of this machine. */
export type FileVfs = {
  /** What a database is opened with, beside its absolute path. */
  readonly name: string;
  /** What the system said about the last call that failed, once. */
  takeFault(): string | undefined;
};

const MAX_PATH_BYTES = 4096;
/** Leaves the size of a sector to SQLite, which takes 4096 bytes. */
const SECTOR = 0;

type OpenFile = { readonly descriptor: number; readonly path: string };
type Faults = { last: string | undefined };

const codeOf = (problem: unknown): unknown =>
  problem instanceof Error && 'code' in problem ? problem.code : undefined;

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
  { disk, attempt }: { disk: Disk; attempt: Attempt },
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
        disk.close(descriptor);
      }),
    xRead: (
      pointer: WasmPointer,
      target: WasmPointer,
      count: number,
      offset: number,
    ) =>
      attempt(capi.SQLITE_IOERR_READ, () => {
        const bytes = bytesAt(target, count);
        const got = disk.read(descriptorOf(pointer), bytes, Number(offset));
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
        disk.write(
          descriptorOf(pointer),
          bytesAt(source, count),
          Number(offset),
        ),
      ),
    xTruncate: (pointer: WasmPointer, size: number) =>
      attempt(capi.SQLITE_IOERR_TRUNCATE, () =>
        disk.truncate(descriptorOf(pointer), Number(size)),
      ),
    xSync: (pointer: WasmPointer) =>
      attempt(capi.SQLITE_IOERR_FSYNC, () => disk.sync(descriptorOf(pointer))),
    xFileSize: (pointer: WasmPointer, target: WasmPointer) =>
      attempt(capi.SQLITE_IOERR_FSTAT, () => {
        const size = disk.size(descriptorOf(pointer));
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
  {
    disk,
    attempt,
    methods,
  }: { disk: Disk; attempt: Attempt; methods: WasmPointer },
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
      return disk.open(path, 'r');
    }
    const isExclusive = (flags & capi.SQLITE_OPEN_EXCLUSIVE) !== 0;
    if (!isExclusive && disk.has(path)) {
      return disk.open(path, 'r+');
    }
    if ((flags & capi.SQLITE_OPEN_CREATE) === 0) {
      throw Error(`${path} is not there`);
    }
    const descriptor = disk.open(path, 'wx+');
    disk.syncFolder(dirname(path));
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
        if (!disk.has(path)) {
          return capi.SQLITE_IOERR_DELETE_NOENT;
        }
        disk.delete(path);
        if (isSynced) {
          disk.syncFolder(dirname(path));
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
        wasm.poke32(target, disk.has(pathAt(name)) ? 1 : 0);
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

const install = (sqlite3: Sqlite3Static, disk: Disk, name: string): FileVfs => {
  const { capi, vfs } = sqlite3;
  const files = new Map<WasmPointer, OpenFile>();
  const faults: Faults = { last: undefined };
  const attempt = makeAttempt(sqlite3, faults);

  // Version 1 knows no shared memory, which WAL does without when its lock is exclusive.
  const io = Object.assign(new capi.sqlite3_io_methods(), { $iVersion: 1 });
  vfs.installVfs({
    io: {
      struct: io,
      methods: makeFileMethods(sqlite3, files, { disk, attempt }),
    },
  });
  const struct = new capi.sqlite3_vfs();
  struct.$iVersion = 2;
  // The declarations have it on instances.
  struct.$szOsFile = Object(
    Reflect.get(capi.sqlite3_file, 'structInfo'),
  ).sizeof;
  struct.$mxPathname = MAX_PATH_BYTES;
  const methods = makeFolderMethods(sqlite3, files, {
    disk,
    attempt,
    methods: io.pointer,
  });
  vfs.installVfs({ vfs: { struct, methods, name } });

  return Object.freeze({
    name,
    takeFault: () => {
      const { last } = faults;
      faults.last = undefined;
      return last;
    },
  });
};

const installed = new WeakMap<Sqlite3Static, Map<Disk, FileVfs>>();

/**
 * Gives SQLite the files of a disk, this machine's unless told otherwise: every sync is the disk's own, so what SQLite
 * calls durable survives a power cut. It locks nothing: one process at a time
 * has the files.
 */
export const provideFileVfs = (
  sqlite3: Sqlite3Static,
  disk: Disk = nodeDisk,
): FileVfs => {
  const known = installed.get(sqlite3) ?? new Map<Disk, FileVfs>();
  installed.set(sqlite3, known);
  const vfs =
    known.get(disk) ?? install(sqlite3, disk, `cooperage-files-${known.size}`);
  known.set(disk, vfs);
  return vfs;
};
