import './panel.css';
import { connectToKernel } from '../ports.ts';
import { mountPanel } from './mount.tsx';

const root = document.getElementById('app');
if (root === null) {
  throw new Error('the page has no element with the id "app"');
}
mountPanel(root, connectToKernel, {
  reload: () => chrome.runtime.reload(),
});
