import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { claimFolder } from './folder-claim.ts';

/**
 * What SQLite's files need of a disk: the system's calls, synchronous, all of
 * which throw what the system says. A write, a new size, a new name and the end
 * of one survive a loss of power only once they are synced.
 */
export type Disk = {
  /** Opens a file to read it (`r`), to change it (`r+`), or a new one (`wx+`). */
  open(path: string, how: 'r' | 'r+' | 'wx+'): number;
  close(descriptor: number): void;
  /** Reads into the bytes from the offset on; gives how many, fewer than asked for only at the file's end. */
  read(descriptor: number, bytes: Uint8Array, offset: number): number;
  write(descriptor: number, bytes: Uint8Array, offset: number): void;
  truncate(descriptor: number, size: number): void;
  /** What was written to the file, and its size, survive from now on. */
  sync(descriptor: number): void;
  size(descriptor: number): number;
  has(path: string): boolean;
  /** Takes the file's name away; nothing when there is none. */
  delete(path: string): void;
  /** Names in the folder. */
  list(folder: string): readonly string[];
  /** Makes the folder and those above it that are missing, and syncs the names of all that are new. */
  makeFolder(folder: string): void;
  /** New names in the folder, and the end of old ones, survive from now on. */
  syncFolder(folder: string): void;
  /** Keeps other processes out of the folder until the returned function is called. */
  claim(folder: string): () => void;
};

/** Windows syncs no folders, and needs it not. */
const syncFolder = (folder: string): void => {
  if (process.platform === 'win32') {
    return;
  }
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

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

const makeFolder = (folder: string): void => {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) {
    return;
  }
  for (let made = folder; ; made = dirname(made)) {
    syncFolder(dirname(made));
    if (made === first || made === dirname(made)) {
      return;
    }
  }
};

/** The disk of this machine. */
export const nodeDisk: Disk = Object.freeze({
  open: (path: string, how: 'r' | 'r+' | 'wx+') => openSync(path, how, 0o600),
  close: closeSync,
  read: readAll,
  write: writeAll,
  truncate: ftruncateSync,
  sync: fdatasyncSync,
  size: (descriptor: number) => fstatSync(descriptor).size,
  has: existsSync,
  delete: (path: string) => rmSync(path, { force: true }),
  list: (folder: string) => readdirSync(folder),
  makeFolder,
  syncFolder,
  claim: claimFolder,
});
