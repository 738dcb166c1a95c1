import type { KernelStatus } from '@cooperage/protocol';
import type {
  FromKernelWorker,
  LaunchNumber,
  ToKernelWorker,
} from '../control-words.ts';
import type { Client } from './clients.ts';
import { makeHeartbeat, type Every, type Heartbeat } from './heartbeat.ts';
import { makeRestarts } from './restarts.ts';

/**
 * The heartbeat finds a worker that hangs; one that is gone is known at once.
 * One oversized message of a vat may stall the kernel's thread for a second; a large
 * commit, too.
 */
const BEAT_MILLISECONDS = 2_000;
const MOST_SILENT_BEATS = 7;

/** An update waits that long for a quiet kernel. A vat that spins must not keep it away; the last commit stands anyway. */
const STOP_MILLISECONDS = 60_000;

type Situation =
  | {
      readonly kind: 'up';
      readonly worker: Worker;
      readonly heartbeat: Heartbeat;
    }
  /** Starts again soon; who comes meanwhile waits. */
  | { readonly kind: 'waiting'; readonly clients: Map<string, Client> }
  | { readonly kind: 'safe-mode'; readonly reason: string };

export type KernelKeeperOptions = {
  /** Starts it under that name. */
  readonly startWorker: (name: string) => Worker;
  /** Resolves when the named worker, known to live, is dead. */
  readonly whenDead: (name: string) => Promise<void>;
  readonly every: Every;
  readonly now: () => number;
  readonly after: (milliseconds: number, callback: () => void) => void;
  readonly onLaunch: (word: FromKernelWorker & { type: 'launch' }) => void;
  readonly onKill: (word: FromKernelWorker & { type: 'kill' }) => void;
  /** Every heap and every client's port are gone with it. */
  readonly onLost: () => void;
  /** Serves a client when the kernel will not be started any more. */
  readonly serveInstead: (
    client: Client,
    now: Pick<KernelStatus, 'state' | 'reason'>,
  ) => void;
};

/** Starts the kernel's worker, watches it, and starts it again when it is lost; gives up after three failures in a row. */
export const makeKernelKeeper = (options: KernelKeeperOptions) => {
  const { startWorker, whenDead, every, now, after, serveInstead } = options;
  let starts = 0;
  const restarts = makeRestarts(now);
  const stopping: (() => void)[] = [];
  const onStopped = (): void =>
    stopping.splice(0).forEach(resolve => resolve());

  const lose = (worker: Worker, reason: string): void => {
    if (situation.kind !== 'up' || situation.worker !== worker) {
      return;
    }
    situation.heartbeat.stop();
    worker.terminate();
    console.error(`The kernel was lost: ${reason}`);
    const verdict = restarts.failed();
    if (verdict.kind === 'safe-mode') {
      const words = `${reason}. It was started three times in vain; reload the extension to try again`;
      situation = { kind: 'safe-mode', reason: words };
    } else {
      situation = { kind: 'waiting', clients: new Map() };
      after(verdict.milliseconds, restart);
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
      case 'alive':
        void whenDead(word.name).then(() => lose(worker, 'its worker ended'));
        return undefined;
      case 'pong':
        return undefined;
    }
  };

  const start = (): Situation => {
    starts += 1;
    const name = `kernel-${starts}`;
    const worker = startWorker(name);
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

  const restart = (): void => {
    const waiting =
      situation.kind === 'waiting' ? [...situation.clients.values()] : [];
    situation = start();
    waiting.forEach(serve);
  };

  let situation: Situation = start();

  const tell = (word: ToKernelWorker, transfer: Transferable[] = []): void => {
    if (situation.kind === 'up') {
      situation.worker.postMessage(word, transfer);
    }
  };

  const serve = (client: Client): void => {
    switch (situation.kind) {
      case 'up':
        return tell({ type: 'client', ...client }, [client.port]);
      case 'waiting':
        situation.clients.set(client.client, client);
        return undefined;
      case 'safe-mode':
        return serveInstead(client, {
          state: 'safe-mode',
          reason: situation.reason,
        });
    }
  };

  return Object.freeze({
    /** Owns the client's port. */
    serve,
    /** The client is gone, served or not. */
    dismiss: (client: string): void => {
      if (situation.kind === 'waiting') {
        situation.clients.delete(client);
      }
      tell({ type: 'clientGone', client });
    },
    vatLost: (
      launch: LaunchNumber,
      reason: string,
      what: 'worker' | 'host',
    ): void => tell({ type: 'vatLost', launch, reason, what }),
    /** Resolves when the kernel has finished its work, committed and closed, or after a minute; at once when there is none. */
    stop: (): Promise<void> =>
      new Promise(resolve => {
        if (situation.kind === 'up') {
          stopping.push(resolve);
          after(STOP_MILLISECONDS, resolve);
          tell({ type: 'stop' });
        } else {
          resolve();
        }
      }),
  });
};
