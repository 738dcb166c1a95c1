import { makeConsole, type ClientConsole } from '@cooperage/client';
import {
  makeKernel,
  type Kernel,
  type KernelOptions,
  type Platform,
} from '@cooperage/kernel';
import { makeThreadVats, openFolderPlatform } from '@cooperage/node';
import type {
  KernelStatus,
  LogEntry,
  LogLevel,
  Privilege,
} from '@cooperage/protocol';
import {
  makeMessagePortStream,
  makeRpc,
  type DuplexStream,
} from '@cooperage/streams';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { formatLogEntry } from './log-line.ts';

/** Where a kernel's state is, and how much of its log is shown. */
export type Place = {
  /** Made when absent. */
  readonly folder: string;
  /** Whether what vats log for debugging is shown too. */
  readonly isVerbose: boolean;
};

/** A kernel of this process, and the person's way to it. */
export type OpenKernel = {
  readonly console: ClientConsole;
  readonly status: Kernel['status'];
  /** Calls back, soon after it, with each state that is not the last one. */
  watch(onState: (status: KernelStatus) => void): Promise<void>;
  /** Serves a client of the person's own, who may do everything; the kernel owns the stream. */
  serve(stream: DuplexStream<unknown, unknown>): void;
  /** Resolves when nothing is left to do, and all is committed. */
  finish(): Promise<void>;
  /** Commits, folds, ends the vats and gives the folder free, soon; what is under way is made again by the next run. */
  stop(): Promise<void>;
};

const startKernel = (
  platform: Platform,
  logLevel: LogLevel,
  options: KernelOptions,
): Kernel => {
  try {
    return makeKernel(platform, {
      parallel: Math.max(2, availableParallelism()),
      logLevel,
      ...options,
    });
  } catch (problem) {
    platform.db.close();
    platform.stores.close();
    throw problem;
  }
};

const readVatWorker = (): string =>
  readFileSync(new URL('./vat-worker.js', import.meta.url), 'utf8');

/** Opens the folder's kernel and delivers what waits in it. Rejects with STORAGE_FAILED. */
export const openKernel = async (
  { folder, isVerbose }: Place,
  options: KernelOptions = {},
): Promise<OpenKernel> => {
  const log = (entry: LogEntry): void => {
    if (isVerbose || entry.level !== 'debug') {
      console.error(formatLogEntry(entry));
    }
  };
  const vats = makeThreadVats({ script: readVatWorker() });
  const kernel = startKernel(
    await openFolderPlatform({ folder, vats, log }),
    isVerbose ? 'debug' : 'info',
    options,
  );
  const ends: (() => void)[] = [];

  const connect = (
    privilege: Privilege,
    onNotify: (method: string, params: unknown) => void,
  ) => {
    const { port1, port2 } = new MessageChannel();
    kernel.connect(makeMessagePortStream(port1, { label: 'cli' }), {
      privilege,
      label: 'cli',
    });
    const rpc = makeRpc(makeMessagePortStream(port2, { label: 'kernel' }), {
      onNotify,
    });
    ends.push(() => rpc.close());
    return rpc;
  };

  const person = makeConsole({
    connect: async onNotify => connect('dangerous', onNotify),
  });

  return Object.freeze({
    console: person,
    status: kernel.status,
    watch: async (onState: (status: KernelStatus) => void) => {
      const rpc = connect('read', method => {
        if (method === 'state') {
          onState(kernel.status());
        }
      });
      await rpc.call('subscribe', {});
    },
    serve: (stream: DuplexStream<unknown, unknown>) =>
      kernel.connect(stream, { privilege: 'dangerous', label: 'cli' }),
    finish: kernel.idle,
    stop: async () => {
      person.close();
      try {
        await kernel.stop();
      } finally {
        ends.forEach(end => end());
      }
    },
  });
};
