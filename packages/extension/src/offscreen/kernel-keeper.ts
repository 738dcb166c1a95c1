import type { KernelStatus } from '@cooperage/protocol';
import type { FromKernelWorker, ToKernelWorker } from '../control-words.ts';
import type { Client } from './clients.ts';
import { makeHeartbeat, type Every, type Heartbeat } from './heartbeat.ts';
import { makeRestarts } from './restarts.ts';

/** One oversized message of a vat may stall the kernel's thread for a second; a large commit, too. */
const BEAT_MILLISECONDS = 2_000;
const MOST_SILENT_BEATS = 7;

type Situation =
  | {
      readonly kind: 'up';
      readonly worker: Worker;
      readonly heartbeat: Heartbeat;
    }
  | {
      readonly kind: 'down';
      readonly now: Pick<KernelStatus, 'state' | 'reason'>;
    };

export type KernelKeeperOptions = {
  readonly startWorker: () => Worker;
  readonly every: Every;
  readonly now: () => number;
  readonly after: (milliseconds: number, callback: () => void) => void;
  readonly onLaunch: (word: FromKernelWorker & { type: 'launch' }) => void;
  readonly onKill: (word: FromKernelWorker & { type: 'kill' }) => void;
  /** Every heap and every client's port are gone with it. */
  readonly onLost: () => void;
  /** It runs again, after a time in which clients were served by the stand-in. */
  readonly onBack: () => void;
  /** Serves a client while the kernel does not run. */
  readonly serveInstead: (
    client: Client,
    now: Pick<KernelStatus, 'state' | 'reason'>,
  ) => void;
};

/** Starts the kernel's worker, watches it, and starts it again when it is lost; gives up after three failures in a row. */
export const makeKernelKeeper = (options: KernelKeeperOptions) => {
  const { startWorker, every, now, after, serveInstead } = options;
  const restarts = makeRestarts(now);
  let onStopped = (): void => {};

  const lose = (worker: Worker, reason: string): void => {
    if (situation.kind === 'down' || situation.worker !== worker) {
      return;
    }
    situation.heartbeat.stop();
    worker.terminate();
    console.error(`The kernel was lost: ${reason}`);
    const verdict = restarts.failed();
    if (verdict.kind === 'safe-mode') {
      const words = `${reason}. It was started three times in vain; reload the extension to try again`;
      situation = { kind: 'down', now: { state: 'safe-mode', reason: words } };
    } else {
      situation = { kind: 'down', now: { state: 'starting', reason } };
      after(verdict.milliseconds, () => {
        situation = start();
        options.onBack();
      });
    }
    options.onLost();
    // An update that waits for a quiet kernel need not wait for a dead one.
    onStopped();
  };

  const hear = (worker: Worker, word: FromKernelWorker): void => {
    switch (word.type) {
      case 'launch':
        return options.onLaunch(word);
      case 'kill':
        return options.onKill(word);
      case 'failed':
        return lose(worker, word.reason);
      case 'stopped':
        return onStopped();
      case 'running':
      case 'pong':
        return undefined;
    }
  };

  const start = (): Situation => {
    const worker = startWorker();
    restarts.started();
    const heartbeat = makeHeartbeat({
      every,
      milliseconds: BEAT_MILLISECONDS,
      most: MOST_SILENT_BEATS,
      ping: () => worker.postMessage({ type: 'ping' } satisfies ToKernelWorker),
      onSilence: () => lose(worker, 'its worker does not answer any more'),
    });
    worker.onmessage = ({ data }: MessageEvent<FromKernelWorker>) => {
      heartbeat.pong();
      if (situation.kind === 'up' && situation.worker === worker) {
        hear(worker, data);
      }
    };
    worker.onerror = ({ message }) =>
      lose(worker, `its worker failed: ${message ?? 'it could not be loaded'}`);
    return { kind: 'up', worker, heartbeat };
  };

  let situation: Situation = start();

  const tell = (word: ToKernelWorker, transfer: Transferable[] = []): void => {
    if (situation.kind === 'up') {
      situation.worker.postMessage(word, transfer);
    }
  };

  return Object.freeze({
    tell,
    /** Owns the client's port. */
    serve: (client: Client): void => {
      if (situation.kind === 'up') {
        tell({ type: 'client', ...client }, [client.port]);
      } else {
        serveInstead(client, situation.now);
      }
    },
    /** Resolves when the kernel has finished its work, committed and closed; at once when there is none. */
    stop: (): Promise<void> =>
      new Promise(resolve => {
        onStopped = resolve;
        if (situation.kind === 'up') {
          tell({ type: 'stop' });
        } else {
          resolve();
        }
      }),
  });
};
