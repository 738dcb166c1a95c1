// @ts-check
/**
 * SQLite's glue names its wasm and its own workers relative to itself. Whoever
 * builds copies the wasm beside the script, and the workers are never started:
 * the bundler has nothing to look for.
 * @type {import('vite').Plugin}
 */
export const leaveAssets = {
  name: 'leave-assets',
  enforce: 'pre',
  transform: {
    filter: { id: /@sqlite\.org[\\/]sqlite-wasm/ },
    handler: code => code.replaceAll('new URL(', 'new (URL)('),
  },
};
