import type { BackupSource, BackupTarget } from '@cooperage/kernel/sqlite-wasm';
import { EXCHANGE } from '../storage-words.ts';

const openExchange = async (): Promise<FileSystemDirectoryHandle> => {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(EXCHANGE, { create: true });
};

/** Deletes what lies there, and makes an empty file. */
export const makeExchangeFile = async (
  name: string,
): Promise<BackupTarget & { close(): void }> => {
  const folder = await openExchange();
  for await (const old of folder.keys()) {
    await folder.removeEntry(old);
  }
  const file = await folder.getFileHandle(name, { create: true });
  const handle = await file.createSyncAccessHandle();
  return Object.freeze({
    write: (bytes: Uint8Array, at: number) => {
      let done = 0;
      while (done < bytes.length) {
        const rest = new Uint8Array(bytes.subarray(done));
        done += handle.write(rest, { at: at + done });
      }
    },
    read: (at: number, length: number) => {
      const bytes = new Uint8Array(length);
      handle.read(bytes, { at });
      return bytes;
    },
    sync: () => handle.flush(),
    close: () => handle.close(),
  });
};

/** What a page has left there has been used. */
export const removeExchangeFile = async (name: string): Promise<void> => {
  const folder = await openExchange();
  await folder.removeEntry(name);
};

/** A file that a page has left there. */
export const readExchangeFile = async (name: string): Promise<BackupSource> => {
  const folder = await openExchange();
  const file = await (await folder.getFileHandle(name)).getFile();
  return Object.freeze({
    size: file.size,
    read: async (at: number, length: number) =>
      new Uint8Array(await file.slice(at, at + length).arrayBuffer()),
  });
};
