// @ts-check
/**
 * Builds the extension into `dist`: each context of the browser gets one script
 * of its own, with a stable name and nothing shared, so that what runs where can
 * be read and weighed. `--watch` builds again whenever a source changes.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { writeClusters } from '../../scripts/bundle/bundle-clusters.mjs';
import { leaveAssets } from '../../scripts/leave-assets.mjs';
import { drawIcon } from './draw-icons.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, 'src');
const dist = join(here, 'dist');

/** The contexts, by the name of their script. A classic script is one strict function expression. */
const SCRIPTS = Object.freeze([
  { name: 'background', entry: 'background.ts', format: 'es' },
  { name: 'offscreen', entry: 'offscreen.ts', format: 'es' },
  { name: 'kernel-worker', entry: 'kernel-worker.ts', format: 'es' },
  { name: 'storage-worker', entry: 'storage-worker.ts', format: 'es' },
  { name: 'panel', entry: 'panel/main.tsx', format: 'es' },
  { name: 'module-compiler', entry: 'module-compiler.ts', format: 'es' },
  { name: 'vat-worker', entry: 'vat-worker.ts', format: 'iife' },
]);

/**
 * Names of functions and classes stay: `error.name`, and what an object prints
 * as, are read from them by vats and by people.
 */
const SHORT = Object.freeze({
  mangle: { keepNames: true },
  compress: { keepNames: { function: true, class: true } },
});

/**
 * @param {{ name: string, entry: string, format: string }} script
 * @param {boolean} [isWritten]
 */
const bundle = ({ name, entry, format }, isWritten = true) =>
  build({
    configFile: false,
    envDir: false,
    publicDir: false,
    root: source,
    logLevel: 'warn',
    plugins: [leaveAssets],
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      outDir: dist,
      emptyOutDir: false,
      write: isWritten,
      target: 'chrome124',
      modulePreload: false,
      sourcemap: false,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2_000,
      rolldownOptions: {
        preserveEntrySignatures: 'strict',
        input: { [name]: join(source, entry) },
        output: {
          format: format === 'iife' ? 'iife' : 'es',
          strict: true,
          codeSplitting: false,
          // A person and a store's reviewer can read the host of the vats.
          minify: name === 'vat-host' ? false : SHORT,
          entryFileNames: '[name].js',
          assetFileNames: '[name][extname]',
        },
      },
    },
  });

/** The sandboxed page with its script inside, and what its policy calls that script. */
const writeVatHost = async () => {
  const built = await bundle(
    { name: 'vat-host', entry: 'vat-host.ts', format: 'iife' },
    false,
  );
  const [{ output }] = [built].flat();
  const script = `\n${output[0].code}`;
  const page = readFileSync(join(source, 'vat-host.html'), 'utf8');
  const [before, after] = page.split(/(?<=<script>)[^<]*(?=<\/script>)/);
  writeFileSync(join(dist, 'vat-host.html'), `${before}${script}${after}`);
  return `sha256-${createHash('sha256').update(script).digest('base64')}`;
};

/** @param {string} vatHostHash */
const writeManifest = async vatHostHash => {
  const built = await bundle(
    { name: 'manifest', entry: 'manifest.ts', format: 'es' },
    false,
  );
  const [{ output }] = [built].flat();
  const url = `data:text/javascript,${encodeURIComponent(output[0].code)}`;
  const { makeManifest } = await import(url);
  const { version } = JSON.parse(
    readFileSync(join(here, 'package.json'), 'utf8'),
  );
  const manifest = makeManifest({ version, vatHostHash });
  writeFileSync(
    join(dist, 'manifest.json'),
    `${JSON.stringify(manifest, null, 2)}\n`,
  );
};

const writeAssets = () => {
  for (const page of ['offscreen.html', 'popup.html']) {
    cpSync(join(source, page), join(dist, page));
  }
  const kernel = createRequire(join(here, '..', 'kernel', 'package.json'));
  cpSync(
    kernel.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm'),
    join(dist, 'sqlite3.wasm'),
  );
  mkdirSync(join(dist, 'icons'));
  for (const size of [16, 32, 48, 128]) {
    writeFileSync(join(dist, 'icons', `${size}.png`), drawIcon(size));
  }
};

const buildAll = async () => {
  const start = performance.now();
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  writeAssets();
  await Promise.all([
    ...SCRIPTS.map(script => bundle(script)),
    writeClusters(dist),
  ]);
  renameSync(join(dist, 'clusters.json'), join(dist, 'samples.json'));
  // Last, so that a folder with a manifest is a whole extension.
  await writeManifest(await writeVatHost());
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`Built packages/extension/dist in ${seconds} s`);
};

/** Builds once more after a burst of changes, never two builds at once. */
const watchSources = () => {
  let isDue = false;
  let isBusy = false;
  const rebuild = async () => {
    if (isBusy || !isDue) {
      return;
    }
    isBusy = true;
    isDue = false;
    await buildAll().catch(reason => console.error(reason.message));
    isBusy = false;
    await rebuild();
  };
  for (const folder of [join(here, '..'), join(here, '..', '..', 'vats')]) {
    watch(folder, { recursive: true }, (_event, path) => {
      if (path !== null && !/(^|[\\/])(dist|node_modules)[\\/]/.test(path)) {
        isDue = true;
        setTimeout(rebuild, 100);
      }
    });
  }
};

await buildAll();
if (process.argv.includes('--watch')) {
  watchSources();
}
