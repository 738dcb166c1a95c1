import { EXCHANGE } from '../../storage-words.ts';
import type { BackupPorts } from './backups.ts';

const openExchange = async (): Promise<FileSystemDirectoryHandle> => {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(EXCHANGE, { create: true });
};

/** By the extension's own files: an extension's page writes and reads them where they are, however large. */
export const backupFiles: BackupPorts = Object.freeze({
  offer: async (name: string) => {
    const folder = await openExchange();
    const file = await (await folder.getFileHandle(name)).getFile();
    const link = document.createElement('a');
    // It lives as long as the page: nobody says when the browser has copied it.
    link.href = URL.createObjectURL(file);
    link.download = name;
    link.click();
  },
  hand: async (file: File) => {
    const folder = await openExchange();
    const name = `to-restore-${crypto.randomUUID()}.cooperage`;
    const handle = await folder.getFileHandle(name, { create: true });
    await file.stream().pipeTo(await handle.createWritable());
    return name;
  },
});
