// @ts-check
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

/**
 * Our sources are TypeScript, which this Node does not run; Vite's module runner does.
 * @param {string} entry within this folder
 */
export const importSource = async entry => {
  const { module } = await runnerImport(
    fileURLToPath(new URL(entry, import.meta.url)),
    {
      root: fileURLToPath(new URL('..', import.meta.url)),
      configFile: false,
      logLevel: 'error',
    },
  );
  return module;
};
