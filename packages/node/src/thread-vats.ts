import type { VatLauncher, VatPort } from '@cooperage/kernel';
import type { ToVat } from '@cooperage/protocol';
import { makeMessagePortStream } from '@cooperage/streams';
import { Worker } from 'node:worker_threads';

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

export type ThreadVatsOptions = {
  /** The bundled text of `@cooperage/node/vat-worker`. */
  readonly script: string;
  /** Bounds the heap of each vat; one that passes it is lost, alone. 1,024 unless given. */
  readonly heapMegabytes?: number;
};

/** Vats as `worker_threads` of this process. Who launches a vat kills its port. */
export const makeThreadVats = ({
  script,
  heapMegabytes = 1024,
}: ThreadVatsOptions): VatLauncher =>
  Object.freeze({
    launch: async (vat, label) => {
      const worker = new Worker(script, {
        eval: true,
        name: `${label} ${vat}`,
        env: {},
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
      });
      return makePort(worker, `vat ${vat} (${label})`);
    },
  } satisfies VatLauncher);
