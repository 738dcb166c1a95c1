/** The platform of a kernel that runs in Node: storage in a folder, vats as threads. */
export { restoreFolder, saveBackup } from './archive.ts';
export { enterDoor, openDoor, type Door } from './folder-door.ts';
export { fetchText } from './fetch-text.ts';
export {
  nodeClock,
  nodeHash,
  openFolderPlatform,
  type FolderPlatformOptions,
} from './platform.ts';
export { openFolderStorage } from './storage.ts';
export { makeThreadVats, type ThreadVatsOptions } from './thread-vats.ts';
