// @ts-check
const { syncBuiltinESMExports } = process.getBuiltinModule('node:module');
const threads = process.getBuiltinModule('node:worker_threads');

/**
 * For a file that was loaded into a process before all else: loads it into every
 * worker of that process too. Vats' workers take no options of their process:
 * they get the file with their script.
 *
 * @param {string} file Its path.
 */
exports.loadIntoEveryThread = file => {
  if (!threads.isMainThread) {
    return;
  }
  const preamble = `"use strict";require(${JSON.stringify(file)});`;
  const { Worker } = threads;
  Reflect.set(
    threads,
    'Worker',
    class extends Worker {
      /** @param {string} script @param {import('node:worker_threads').WorkerOptions} [options] */
      constructor(script, options) {
        super(options?.eval ? preamble + script : script, options);
      }
    },
  );
  syncBuiltinESMExports();
};
