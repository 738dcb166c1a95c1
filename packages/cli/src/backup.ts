import {
  enterDoor,
  nodeClock,
  nodeHash,
  openFolderStorage,
  restoreFolder,
  saveBackup,
} from '@cooperage/node';
import type { BackupResult } from '@cooperage/protocol';
import { makeRpc } from '@cooperage/streams';
import { existsSync } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import { insistState } from './folder.ts';
import { Problem } from './problem.ts';

const PLATFORM = Object.freeze({ hash: nodeHash, soon: nodeClock.soon });

const show = (file: string, { files, bytes }: Omit<BackupResult, 'name'>) =>
  `${file}: ${files} ${files === 1 ? 'file' : 'files'}, ${bytes.toLocaleString('en')} bytes`;

/** Renames, or copies to another disk. */
const move = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to);
  } catch (problem) {
    if (!(
      problem instanceof Error && Reflect.get(problem, 'code') === 'EXDEV'
    )) {
      throw problem;
    }
    await copyFile(from, to);
    await rm(from);
  }
};

/**
 * Copies all that is stored in a folder into one file, whether a process runs
 * its kernel or not. Rejects when the file exists or what is stored is damaged.
 */
export const backup = async (file: string, folder: string): Promise<void> => {
  insistState(folder);
  if (existsSync(file)) {
    throw new Problem(`${file} exists already: name another file`);
  }
  const stream = await enterDoor(folder);
  if (stream === undefined) {
    const storage = await openFolderStorage(folder);
    try {
      console.log(show(file, await saveBackup(storage, file, PLATFORM)));
    } finally {
      storage.db.close();
      storage.stores.close();
    }
    return;
  }
  const rpc = makeRpc(stream, { onNotify: () => {} });
  try {
    const made = Object(await rpc.call('backup', {}));
    await move(made.name, file);
    console.log(show(file, made));
  } finally {
    rpc.close();
  }
};

/** Makes a folder of what a backup holds. Rejects when the folder is not empty or the backup can't be used. */
export const restore = async (file: string, folder: string): Promise<void> => {
  const report = await restoreFolder(file, folder, nodeHash);
  console.log(`${folder} holds what ${show(file, report)} held`);
};
