import type { VatLauncher, VatPort } from '@cooperage/kernel';
import type { ToVat } from '@cooperage/protocol';
import { makeMessagePortStream } from '@cooperage/streams';
import { totalmem } from 'node:os';
import { Worker } from 'node:worker_threads';
import { makeMemoryWatch, type MemoryWatch } from './memory-watch.ts';

const makePort = (
  worker: Worker,
  name: string,
  watch: MemoryWatch,
): VatPort => {
  const stream = makeMessagePortStream<unknown, ToVat>(worker, { label: name });
  let isKilled = false;
  let tellLost: Parameters<VatPort['receive']>[1] = () => {};
  const party = { tellFull: (reason: string) => tellLost(reason, 'host') };
  // Without a listener of its own an error of the worker would end this process once the stream is closed.
  worker.on('error', () => {});
  return Object.freeze({
    send: (message: ToVat, transfer?: readonly ArrayBuffer[]) => {
      if (!isKilled) {
        if (message.type === 'deliver') {
          watch.begin(party);
        }
        stream.send(message, transfer);
        stream.flush(); // the vat begins while the kernel goes on
      }
    },
    receive: (onMessage, onLost) => {
      tellLost = onLost;
      stream.receive(
        message => {
          if (!isKilled) {
            if (Object(message).type === 'done') {
              watch.end(party);
            }
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
      watch.end(party);
      stream.close();
      void worker.terminate();
    },
  } satisfies VatPort);
};

/** A machine may have less than the process may see, and a part of it is others'. */
const memoryOfMachine = (): number => {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
};

export type ThreadVatsOptions = {
  /** The bundled text of `@cooperage/node/vat-worker`. */
  readonly script: string;
  /** Bounds the heap of each vat; one that passes it is lost, alone. 1,024 unless given. */
  readonly heapMegabytes?: number;
  /** Bounds what the process may take while a delivery lasts, also outside of heaps: then all vats lose theirs, and those at work come back alone. Twice a heap unless given, or half of the machine's memory if that is less. */
  readonly growthMegabytes?: number;
};

/** Vats as `worker_threads` of this process. Who launches a vat kills its port. */
export const makeThreadVats = ({
  script,
  heapMegabytes = 1024,
  growthMegabytes = 2 * heapMegabytes,
}: ThreadVatsOptions): VatLauncher => {
  const watch = makeMemoryWatch(
    Math.min(growthMegabytes * 2 ** 20, memoryOfMachine() / 2),
  );
  return Object.freeze({
    launch: async (vat, label) => {
      const worker = new Worker(script, {
        eval: true,
        name: `${label} ${vat}`,
        env: {},
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
      });
      return makePort(worker, `vat ${vat} (${label})`, watch);
    },
  } satisfies VatLauncher);
};
