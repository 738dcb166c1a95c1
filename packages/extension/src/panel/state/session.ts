import {
  encodeError,
  isExportVref,
  isPromiseVref,
  makeExportVref,
  type CapData,
  type ControlMethods,
  type Delivery,
  type KernelNotifications,
  type ReferenceRequest,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import type { Connection } from './connection.ts';

/** How a promise came out. `lost`: nobody will ever tell, and why. */
export type Settlement =
  | { readonly state: 'fulfilled' | 'rejected'; readonly data: CapData }
  | { readonly state: 'lost'; readonly reason: string };

export type Session = {
  /**
   * The object's vref in this session, which is opened first if need be.
   * Rejects when there is no such object or no connection.
   */
  reference(
    request: ReferenceRequest,
  ): Promise<ControlMethods['reference']['result']>;
  /** Sends a message; `methargs` marshals `[method, args]`. The answer is the settlement of its result. */
  send(target: Vref, methargs: CapData): Promise<Settlement>;
  /** Waits for a promise that arrived inside of a result. */
  settlementOf(promise: Vref): Promise<Settlement>;
};

/** What the session hears; to be wired to a connection's listener. */
export type SessionKit = {
  readonly session: Session;
  readonly deliver: (params: KernelNotifications['deliver']) => void;
  /** Ends the session: everything pending is lost. The next use opens another. */
  readonly end: (reason: string) => void;
};

type Waiter = {
  readonly promise: Promise<Settlement>;
  readonly settle: (settlement: Settlement) => void;
};

const makeWaiter = (): Waiter => {
  let settle: Waiter['settle'] = () => {};
  const promise = new Promise<Settlement>(resolve => {
    settle = resolve;
  });
  return { promise, settle };
};

/**
 * An endpoint that sends messages and waits for what they come to. It exports
 * no object and never drops an import: all goes when the panel is closed.
 */
export const makeSessionKit = (
  connection: Pick<Connection, 'call' | 'notify'>,
): SessionKit => {
  const waiters = new Map<Vref, Waiter>();
  /** Promises are retired once notified, but a result may name one again in the same batch. */
  let settled = new Map<Vref, Settlement>();
  let opening: Promise<unknown> | undefined;
  let lastPromise = 0;
  let seen = 0;
  let outgoing: Syscall[] = [];

  const provideSession = (): Promise<unknown> => {
    if (opening === undefined) {
      const attempt = connection.call('sessionOpen', {});
      opening = attempt;
      attempt.catch(() => {
        opening = opening === attempt ? undefined : opening;
      });
    }
    return opening;
  };

  const flush = (): void => {
    const syscalls = outgoing;
    outgoing = [];
    if (syscalls.length > 0) {
      connection.notify('syscalls', { syscalls, seen });
    }
  };
  /** All syscalls of one turn leave as one batch. */
  const push = (...syscalls: readonly Syscall[]): void => {
    if (outgoing.length === 0) {
      queueMicrotask(flush);
    }
    outgoing.push(...syscalls);
  };

  const waitFor = (promise: Vref): Promise<Settlement> => {
    const waiter = waiters.get(promise) ?? makeWaiter();
    waiters.set(promise, waiter);
    return waiter.promise;
  };

  const obey = (delivery: Delivery): void => {
    if (delivery[0] === 'notify') {
      settled = new Map();
      for (const [promise, isRejected, data] of delivery[1]) {
        const state = isRejected ? 'rejected' : 'fulfilled';
        const settlement: Settlement = { state, data };
        settled.set(promise, settlement);
        waiters.get(promise)?.settle(settlement);
        waiters.delete(promise);
      }
    } else if (delivery[0] === 'message' && delivery[2].result) {
      const problem = encodeError<Vref>(
        'TypeError',
        'the panel has no objects to send messages to',
      );
      push(['resolve', [[delivery[2].result, true, problem]]]);
    }
  };

  return Object.freeze({
    session: Object.freeze({
      reference: async (request: ReferenceRequest) => {
        await provideSession();
        return connection.call('reference', request);
      },
      send: async (target: Vref, methargs: CapData) => {
        await provideSession();
        lastPromise += 1;
        const result = makeExportVref('promise', lastPromise);
        push(['send', target, { methargs, result }], ['subscribe', result]);
        return waitFor(result);
      },
      settlementOf: async (promise: Vref) => {
        const known = settled.get(promise) ?? waiters.get(promise)?.promise;
        if (known !== undefined) {
          return known;
        }
        if (!isPromiseVref(promise)) {
          throw new TypeError(`${promise} is no promise`);
        }
        if (!isExportVref(promise)) {
          push(['subscribe', promise]);
        }
        return waitFor(promise);
      },
    }),
    deliver: ({ number, delivery }) => {
      seen = number;
      obey(delivery);
    },
    end: reason => {
      opening = undefined;
      lastPromise = 0;
      seen = 0;
      outgoing = [];
      settled = new Map();
      for (const waiter of waiters.values()) {
        waiter.settle({ state: 'lost', reason });
      }
      waiters.clear();
    },
  } satisfies SessionKit);
};
