import { openFilesStorage, type Storage } from '@cooperage/kernel/sqlite-wasm';
import { resolve } from 'node:path';
import { openFolderFiles } from './folder-files.ts';

/**
 * The kernel's storage in a folder: `kernel.sqlite`, and a file for each vat.
 * A commit is on the disk when it returns. Rejects with STORAGE_FAILED, and
 * with STORAGE_IN_USE when another process has the folder; a killed process's claim doesn't count.
 */
export const openFolderStorage = (folder: string): Promise<Storage> =>
  openFilesStorage({
    name: folder,
    makeFiles: sqlite3 => openFolderFiles(sqlite3, resolve(folder)),
  });
