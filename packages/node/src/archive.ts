import {
  readBackup,
  insistUsable,
  type BackupReport,
  type BackupSource,
  type BackupTarget,
  type Storage,
} from '@cooperage/kernel/sqlite-wasm';
import type { Archive, Clock, Hash } from '@cooperage/kernel';
import { CooperageError } from '@cooperage/protocol';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { reasonOf } from './reason-of.ts';

const MODE = 0o600;
/** In the folder of the state. */
const FOLDER = 'backups';

const failed = (problem: string): CooperageError =>
  new CooperageError('BACKUP_FAILED', problem);

const writeAll = (descriptor: number, bytes: Uint8Array, at: number): void => {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, at + done);
  }
};

const targetOf = (descriptor: number): BackupTarget => ({
  write: (bytes, at) => writeAll(descriptor, bytes, at),
  read: (at, length) => {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const got = readSync(descriptor, bytes, done, length - done, at + done);
      if (got === 0) {
        throw Error('the file is shorter than what was written to it');
      }
      done += got;
    }
    return bytes;
  },
  sync: () => fsyncSync(descriptor),
});

/** Renames, durably where folders can be synced. */
const renameDurably = (from: string, to: string): void => {
  renameSync(from, to);
  if (process.platform !== 'win32') {
    const descriptor = openSync(dirname(to), 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
};

/**
 * Backs the storage up into a file, which is there whole or not at all. Rejects
 * with BACKUP_FAILED, also when the file exists, and with STORAGE_FAILED when what
 * is stored is damaged.
 */
export const saveBackup = async (
  storage: Storage,
  file: string,
  platform: Parameters<Storage['backup']>[1],
): Promise<BackupReport> => {
  if (existsSync(file)) {
    throw failed(`${file} exists already: name another file`);
  }
  const part = `${file}.part`;
  let descriptor: number;
  try {
    descriptor = openSync(part, 'w+', MODE);
  } catch (problem) {
    throw failed(`${part} can't be written: ${reasonOf(problem)}`);
  }
  let report: BackupReport;
  try {
    report = await storage.backup(targetOf(descriptor), platform);
  } catch (problem) {
    rmSync(part, { force: true });
    throw problem;
  } finally {
    closeSync(descriptor);
  }
  renameDurably(part, file);
  return report;
};

/** Backups of one folder are told apart by the millisecond in which they were begun. */
const nameAt = (now: number): string =>
  `${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}.cooperage`;

/** What a kernel that runs has done about its folder. */
export const makeFolderArchive = (
  folder: string,
  storage: Storage,
  { clock, hash }: { readonly clock: Clock; readonly hash: Hash },
): Archive =>
  Object.freeze({
    backup: async () => {
      const path = join(resolve(folder), FOLDER);
      mkdirSync(path, { recursive: true, mode: 0o700 });
      const name = join(path, nameAt(clock.now()));
      return {
        name,
        ...(await saveBackup(storage, name, { hash, soon: clock.soon })),
      };
    },
  });

const isEmpty = (folder: string): boolean =>
  !existsSync(folder) || readdirSync(folder).length === 0;

const readFiles = async (
  file: string,
  hash: Hash,
): Promise<Map<string, Uint8Array>> => {
  const handle = await open(file, 'r').catch((problem: unknown) => {
    throw failed(`${file} can't be read: ${reasonOf(problem)}`);
  });
  try {
    const source: BackupSource = {
      size: (await handle.stat()).size,
      read: async (at, length) => {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await handle.read(bytes, 0, length, at);
        return bytes.subarray(0, bytesRead);
      },
    };
    return await readBackup(source, hash);
  } finally {
    await handle.close();
  }
};

/**
 * Makes a folder of what a backup holds, once that is checked; the folder is there
 * whole or not at all. Rejects with BACKUP_FAILED when the backup can't be used or
 * the folder has something in it: nothing that is stored is ever replaced.
 */
export const restoreFolder = async (
  file: string,
  folder: string,
  hash: Hash,
): Promise<BackupReport> => {
  if (!isEmpty(folder)) {
    throw failed(
      `${folder} is not empty. Name a new folder, or move that one away first`,
    );
  }
  const files = await readFiles(file, hash);
  await insistUsable(files);
  const path = resolve(folder);
  const part = join(
    dirname(path),
    `.${basename(path)}.restoring-${process.pid}`,
  );
  let bytes = 0;
  try {
    mkdirSync(part, { recursive: true, mode: 0o700 });
    for (const [name, content] of files) {
      const descriptor = openSync(join(part, name), 'wx', MODE);
      try {
        writeAll(descriptor, content, 0);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      bytes += content.length;
    }
    rmSync(path, { force: true, recursive: true }); // it is empty
    renameDurably(part, path);
  } catch (problem) {
    rmSync(part, { force: true, recursive: true });
    throw failed(`${folder} can't be written: ${reasonOf(problem)}`);
  }
  return Object.freeze({ files: files.size, bytes });
};
