export { openFolderStorage } from './storage.ts';
