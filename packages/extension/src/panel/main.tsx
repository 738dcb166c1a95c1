import './panel.css';
import { connectToKernel } from '../ports.ts';
import { backupFiles } from './state/backup-files.ts';
import { mountPanel } from './mount.tsx';

const root = document.getElementById('app');
if (root === null) {
  throw new Error('the page has no element with the id "app"');
}
// A popup is as wide as its page wants; a tab or a side panel has a width of its own.
if (chrome.extension.getViews({ type: 'popup' }).includes(window)) {
  document.documentElement.classList.add('popup');
}
mountPanel(root, connectToKernel, {
  reload: () => chrome.runtime.reload(),
  backups: backupFiles,
});
