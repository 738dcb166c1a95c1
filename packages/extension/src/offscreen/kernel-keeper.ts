import type { KernelStatus } from '@cooperage/protocol';
import type {
  FromKernelWorker,
  LaunchNumber,
  SitesAnswer,
  RestingState,
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

/** An update waits that long for a kernel that is to finish and stop; one that can't is left at its last commit. */
const STOP_MILLISECONDS = 60_000;

type Situation =
  | {
      readonly kind: 'up';
      readonly worker: Worker;
      readonly heartbeat: Heartbeat;
    }
  /** Starts again soon; who comes meanwhile waits. */
  | { readonly kind: 'waiting'; readonly clients: Map<string, Client> }
  /** Until a person starts it. */
  | {
      readonly kind: 'resting';
      readonly state: 'safe-mode' | RestingState;
      readonly reason: string;
    };

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
  /** Which of the sites may not be fetched from; never rejects. */
  readonly askSites: (sites: readonly string[]) => Promise<SitesAnswer>;
  /** The kernel waits for a vat. */
  readonly onLook: () => void;
  /** Every heap and every client's port are gone with it. */
  readonly onLost: () => void;
  /** Serves a client while the kernel rests. */
  readonly serveInstead: (
    client: Client,
    now: Pick<KernelStatus, 'state' | 'reason'>,
    startKernel: () => void,
  ) => void;
};

/**
 * Starts the kernel's worker, watches it, and starts it again when it is lost.
 * After three failures in a row, and at once when its storage or a critical vat
 * failed or another kernel has its storage, for which a person must do something
 * first, it rests until a person starts it.
 */
export const makeKernelKeeper = (options: KernelKeeperOptions) => {
  const { startWorker, whenDead, every, now, after, serveInstead } = options;
  let starts = 0;
  let restarts = makeRestarts(now);
  const stopping: (() => void)[] = [];
  const onStopped = (): void =>
    stopping.splice(0).forEach(resolve => resolve());

  /** What follows after a loss. */
  const situationAfter = (
    reason: string,
    rest: RestingState | undefined,
  ): Situation => {
    if (rest !== undefined) {
      return { kind: 'resting', state: rest, reason };
    }
    const verdict = restarts.failed();
    if (verdict.kind === 'safe-mode') {
      const words = `${reason}. It was started three times in vain`;
      return { kind: 'resting', state: 'safe-mode', reason: words };
    }
    after(verdict.milliseconds, restart);
    return { kind: 'waiting', clients: new Map() };
  };

  const lose = (worker: Worker, reason: string, rest?: RestingState): void => {
    if (situation.kind !== 'up' || situation.worker !== worker) {
      return;
    }
    situation.heartbeat.stop();
    worker.terminate();
    console.error(`The kernel was lost: ${reason}`);
    situation = situationAfter(reason, rest);
    options.onLost();
    // An update that waits for a quiet kernel need not wait for a dead one.
    onStopped();
  };

  /** Another kernel at once, over what is stored now. */
  const replace = (worker: Worker): void => {
    if (situation.kind === 'up' && situation.worker === worker) {
      situation.heartbeat.stop();
      worker.terminate();
      situation = start();
      options.onLost();
      onStopped();
    }
  };

  const hear = (worker: Worker, word: FromKernelWorker): void => {
    switch (word.type) {
      case 'launch':
        return options.onLaunch(word);
      case 'kill':
        return options.onKill(word);
      case 'look':
        return options.onLook();
      case 'askSites':
        void options.askSites(word.sites).then(answer => {
          const { question } = word;
          worker.postMessage({ type: 'sites', question, answer });
        });
        return undefined;
      case 'failed':
        return lose(worker, word.reason, word.rest);
      case 'stopped':
        return onStopped();
      case 'restored':
        return replace(worker);
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

  /** A person wants it to run again. */
  const startAgain = (): void => {
    if (situation.kind === 'resting') {
      restarts = makeRestarts(now);
      situation = start();
      // Whoever was served instead comes again, to the kernel.
      options.onLost();
    }
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
      case 'resting':
        return serveInstead(
          client,
          { state: situation.state, reason: situation.reason },
          startAgain,
        );
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
    /** No kernel runs, and none is about to. */
    isResting: (): boolean => situation.kind === 'resting',
    sitesTakenBack: (): void => tell({ type: 'sitesTakenBack' }),
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
