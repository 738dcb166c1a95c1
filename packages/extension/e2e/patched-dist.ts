import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXTENSION_DIR } from './harness.ts';

/** The id that Chromium gives to an unpacked extension: its folder's SHA-256 in the letters a to p. */
const idOfFolder = (folder: string): string =>
  createHash('sha256')
    .update(folder)
    .digest('hex')
    .slice(0, 32)
    .replace(/./g, digit => String.fromCharCode(97 + parseInt(digit, 16)));

/** The script within the page of the vats, which its policy knows by its hash. */
const HOST_SCRIPT = /(?<=<script>)[\s\S]*(?=<\/script>)/;

const hashOf = (script: string): string =>
  `sha256-${createHash('sha256').update(script).digest('base64')}`;

/** A copy of the extension of which one script is another, that of the vats unless named, in the realm that is really its own: no debugger bypasses its policy. */
export const patchDist = (
  patch: (script: string, url: (file: string) => string) => string,
  name:
    'vat-worker.js' | 'kernel-worker.js' | 'vat-host.html' = 'vat-worker.js',
) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cooperage-dist-')));
  const id = idOfFolder(folder);
  cpSync(EXTENSION_DIR, folder, { recursive: true });
  const change = (file: string, by: (text: string) => string): void => {
    const path = join(folder, file);
    writeFileSync(path, by(readFileSync(path, 'utf8')));
  };
  const patched = (script: string): string =>
    patch(script, file => `chrome-extension://${id}/${file}`);
  if (name === 'vat-host.html') {
    change(name, page =>
      page.replace(HOST_SCRIPT, script => {
        const other = patched(script);
        change('manifest.json', text =>
          text.replace(hashOf(script), hashOf(other)),
        );
        return other;
      }),
    );
  } else {
    change(name, patched);
  }
  return {
    folder,
    id,
    /** Puts a file beside it, which its workers can read. */
    write: (file: string, text: string) =>
      writeFileSync(join(folder, file), text),
    dispose: () => rmSync(folder, { recursive: true }),
  };
};
