/** What the manifest takes from the build. */
export type ManifestOptions = {
  /** As in package.json: one to four numbers with dots between. */
  readonly version: string;
  /** `sha256-…` of the one script inside vat-host.html. */
  readonly vatHostHash: string;
};

/** The oldest Chrome that has everything used: `runtime.getContexts`, offscreen documents with workers, OPFS handles with modes. */
const MINIMUM_CHROME = '124';

/**
 * Each permission, why it is needed, and what would not work without it. The
 * same list, for people, is docs/permissions.md.
 */
const PERMISSIONS = Object.freeze([
  // The kernel runs in a worker, and a service worker can start none. The
  // offscreen document starts it, and the sandboxed page with the vats.
  'offscreen',
  // The kernel's database is the person's own data. Without this the browser
  // may evict it when the disk runs full.
  'unlimitedStorage',
  // A kernel whose document the browser has closed is started again within a minute.
  'alarms',
]);

/**
 * Nothing of this is granted at the installation: the panel asks for one site
 * after the other, when a cluster is launched whose vats are to fetch from it.
 */
const OPTIONAL_SITES = Object.freeze(['https://*/*', 'http://*/*']);

/**
 * Extension pages and their workers: scripts of this package only, no eval.
 * `wasm-unsafe-eval` compiles SQLite. `connect-src` lets a person launch a
 * bundle from a URL, and the kernel fetch for vats what it checks; no vat gets it. An illegal value here makes the
 * browser drop the extension without a word.
 */
const PAGES_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "connect-src 'self' http: https:",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/**
 * The page that hosts vats, and so every vat's worker: an opaque origin, no
 * network, no scripts but the host's own (by hash) and the workers' text (a
 * blob made by the host). Neither 'self' nor blob: is a script source, but no
 * policy keeps what runs here from the extension's own files: they hold no
 * secret. 'unsafe-eval' is what SES evaluates with.
 */
const vatHostPolicy = (hash: string): string =>
  [
    'sandbox allow-scripts',
    "default-src 'none'",
    `script-src 'unsafe-eval' '${hash}'`,
    'worker-src blob:',
    "connect-src 'none'",
  ].join('; ');

/** The manifest, as the browser reads it. */
export const makeManifest = ({ version, vatHostHash }: ManifestOptions) => ({
  manifest_version: 3,
  name: 'Cooperage',
  description: 'An object-capability kernel that lives in your browser.',
  version,
  minimum_chrome_version: MINIMUM_CHROME,
  // One kernel, one database: a private window would share neither.
  incognito: 'not_allowed',
  icons: {
    16: 'icons/16.png',
    32: 'icons/32.png',
    48: 'icons/48.png',
    128: 'icons/128.png',
  },
  action: { default_title: 'Cooperage', default_popup: 'popup.html' },
  background: { service_worker: 'background.js', type: 'module' },
  permissions: [...PERMISSIONS],
  optional_host_permissions: [...OPTIONAL_SITES],
  // Without the key every other extension could connect.
  externally_connectable: { ids: [] },
  sandbox: { pages: ['vat-host.html'] },
  content_security_policy: {
    extension_pages: PAGES_POLICY,
    sandbox: vatHostPolicy(vatHostHash),
  },
});
