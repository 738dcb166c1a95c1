import type { VatLauncher, VatPort } from '@cooperage/kernel';
import type { ToVat } from '@cooperage/protocol';
import { makeMessagePortStream } from '@cooperage/streams';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { provideWorkerText } from './worker-text.ts';

const ENTRY = fileURLToPath(new URL('./node-vat-worker.ts', import.meta.url));

/** The script that `makeNodeVats` starts in each worker. */
export const provideNodeVatText = (): Promise<string> =>
  provideWorkerText(ENTRY);

const makePort = (worker: Worker, name: string): VatPort => {
  const stream = makeMessagePortStream<unknown, ToVat>(worker, { label: name });
  let isKilled = false;
  // Without a listener of its own an error of the worker would end this process once the stream is closed.
  worker.on('error', () => {});
  return Object.freeze({
    send: (message: ToVat, transfer?: readonly ArrayBuffer[]) => {
      if (!isKilled) {
        stream.send(message, transfer);
      }
    },
    receive: (
      onMessage: (message: unknown) => void,
      onLost: (reason: string) => void,
    ) => {
      stream.receive(
        message => {
          if (!isKilled) {
            onMessage(message);
          }
        },
        reason => {
          if (!isKilled) {
            onLost(reason?.message ?? 'the worker closed its port');
          }
        },
      );
    },
    kill: () => {
      isKilled = true;
      stream.close();
      void worker.terminate();
    },
  });
};

/**
 * Vats as `worker_threads` of this process. `heapMegabytes` bounds the heap of
 * each; a vat that passes it is lost, alone. Who launches a vat kills its port.
 */
export const makeNodeVats = (
  options: { readonly heapMegabytes?: number } = {},
): VatLauncher =>
  Object.freeze({
    launch: async (vat, label) => {
      const worker = new Worker(await provideNodeVatText(), {
        eval: true,
        name: `${label} ${vat}`,
        env: {},
        execArgv: [],
        resourceLimits: {
          maxOldGenerationSizeMb: options.heapMegabytes ?? 1024,
        },
      });
      return makePort(worker, `vat ${vat} (${label})`);
    },
  } satisfies VatLauncher);
