import { signal, type ReadonlySignal } from '@preact/signals';
import type {
  ControlMethods,
  KernelNotifications,
  KernelStatus,
} from '@cooperage/protocol';
import { wordsOf, type Link, type OpenLink } from './link.ts';

export type ConnectionPhase =
  | { readonly at: 'connecting' }
  | { readonly at: 'open' }
  /** Another try follows, sooner or later. */
  | { readonly at: 'lost'; readonly reason: string };

/** A wait that can be cut short; the only clock that the panel has. */
export type Later = (milliseconds: number) => {
  readonly done: Promise<void>;
  skip(): void;
};

export type ConnectionListener = {
  deliver(params: KernelNotifications['deliver']): void;
  sessionEnded(params: KernelNotifications['sessionEnded']): void;
  log(params: KernelNotifications['log']): void;
  /** The connection is gone, and with it the session. */
  lost(reason: string): void;
};

export type Connection = {
  readonly phase: ReadonlySignal<ConnectionPhase>;
  /** The last that the kernel told; kept, though old, while the connection is lost. */
  readonly status: ReadonlySignal<KernelStatus | undefined>;
  /** Rejects at once while there is no connection. */
  call<Method extends keyof ControlMethods>(
    method: Method,
    params: ControlMethods[Method]['params'],
  ): Promise<ControlMethods[Method]['result']>;
  notify: Link['notify'];
  /** Tries again now instead of after the wait. */
  retryNow(): void;
  /** Closes for good. */
  stop(): void;
};

const WAITS = [200, 1000, 3000, 10_000] as const;
const LONGEST_WAIT = 10_000;

/**
 * Keeps a connection to the kernel: opens it, subscribes, and opens another
 * when it is lost, waiting longer after each failure in a row.
 */
export const makeConnection = (
  open: OpenLink,
  later: Later,
  listener: ConnectionListener,
): Connection => {
  const phase = signal<ConnectionPhase>({ at: 'connecting' });
  const status = signal<KernelStatus | undefined>(undefined);
  let link: Link | undefined;
  let skipWait = (): void => {};
  let stopped = false;

  const setStatus = (next: KernelStatus): void => {
    status.value = next;
  };

  /** One connection from open to lost; gives the reason, and whether it ever stood. */
  const live = async (): Promise<{ reason: string; stood: boolean }> => {
    let stood = false;
    let told = false;
    let mine: Link | undefined;
    try {
      mine = await open({
        deliver: listener.deliver,
        sessionEnded: listener.sessionEnded,
        log: listener.log,
        state: next => {
          told = true;
          setStatus(next);
        },
      });
      if (stopped) {
        mine.close();
        return { reason: 'closed', stood };
      }
      link = mine;
      const now = await mine.call('subscribe', {});
      if (!told) {
        // A notification in the same batch is newer than the answer.
        setStatus(now);
      }
      stood = true;
      phase.value = { at: 'open' };
      return { reason: await mine.closed, stood };
    } catch (error) {
      mine?.close();
      return { reason: wordsOf(error), stood };
    } finally {
      link = undefined;
    }
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopped) {
      const { reason, stood } = await live();
      listener.lost(reason);
      if (stopped) {
        return;
      }
      phase.value = { at: 'lost', reason };
      failures = stood ? 0 : failures + 1;
      const wait = later(WAITS[failures] ?? LONGEST_WAIT);
      skipWait = wait.skip;
      await wait.done;
    }
  };
  void run();

  return Object.freeze({
    phase,
    status,
    call: async (method, params) => {
      if (link === undefined || phase.value.at !== 'open') {
        throw new Error('the kernel can’t be reached just now');
      }
      return link.call(method, params);
    },
    notify: (name, params) => link?.notify(name, params),
    retryNow: () => skipWait(),
    stop: () => {
      stopped = true;
      skipWait();
      link?.close();
    },
  } satisfies Connection);
};

/** Real time. */
export const waitInBrowser: Later = milliseconds => {
  let skip = (): void => {};
  const done = new Promise<void>(resolve => {
    const timer = setTimeout(resolve, milliseconds);
    skip = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return { done, skip };
};
